"""How long from nothing to the first output, and how much has to be installed for it?"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import pylstm
from benchmarks import stacks
from benchmarks.contest import Contender, Effort, contest
from benchmarks.core import ROOT
from benchmarks.peers import peer
from benchmarks.result import Result, Table

QUESTION = "How long from nothing to the first output, and how much has to be installed for it?"
REFERENCE = "import numpy"
FIRST_OUTPUT = "pylstm: import, load, first output"
MOST_ROUNDS = 15

_FIRST_OUTPUT = """
import numpy, pylstm
pylstm.load({path!r}).stream().push(numpy.zeros(1600, numpy.float32))
"""
_PEERS = {
    "import onnxruntime": ("import onnxruntime", ["onnxruntime"]),
    "import torch": ("import torch", ["torch"]),
    # librosa imports its parts when they are first named: the import alone says nothing.
    "librosa: import, first frame": (
        """
import numpy, librosa
librosa.feature.mfcc(
    y=numpy.zeros(512, numpy.float32), sr=16000, n_mfcc=13, n_fft=512, n_mels=40, center=False
)
""",
        ["librosa"],
    ),
    "librosa + torch: import, first output": (
        """
import numpy, librosa, torch
lstm, dense = torch.nn.LSTM(13, 128, 2), torch.nn.Linear(128, 12)
frame = librosa.feature.mfcc(
    y=numpy.zeros(512, numpy.float32), sr=16000, n_mfcc=13, n_fft=512, n_mels=40, center=False
)
with torch.inference_mode():
    torch.softmax(dense(lstm(torch.from_numpy(frame.T.copy()))[0]), -1).numpy()
""",
        ["librosa", "torch"],
    ),
}
_DISTRIBUTIONS = ("numpy", "onnxruntime", "kaldi-native-fbank", "librosa", "torch")


def programs(path: str) -> dict[str, str]:
    """What each contender runs in a Python of its own."""
    found = {
        "python alone": "pass",
        REFERENCE: "import numpy",
        "import pylstm": "import pylstm",
        FIRST_OUTPUT: _FIRST_OUTPUT.format(path=path),
    }
    for name, (program, libraries) in _PEERS.items():
        if all([peer(library) for library in libraries]):
            found[name] = program
    return found


def process(program: str) -> Contender:
    """A fresh interpreter for every call, from its start to its end."""

    def lap(count: int) -> float:
        begin = perf_counter()
        for _ in range(count):
            subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env=os.environ)
        return perf_counter() - begin

    return Contender(program, lap)


def tree_size(folder: Path) -> int:
    """Bytes of the files of a package, what Python caches left out."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def installed_size(name: str) -> int:
    """Bytes of the files that a distribution installed."""
    files = importlib.metadata.files(name) or []
    paths = [Path(str(file.locate())) for file in files if "__pycache__" not in file.parts]
    return sum(path.stat().st_size for path in paths if path.is_file())


def needed(name: str) -> set[str]:
    """A distribution and everything that it requires, as installed here."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = canonicalize_name(waiting.pop())
        if one in found:
            continue
        try:
            requirements = importlib.metadata.requires(one) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(one)
        for text in requirements:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def sizes() -> Table:
    """Megabytes on disk, alone and with what each needs."""
    table = Table("Installed", "", "MB")
    own = tree_size(Path(pylstm.__file__).parent)
    table.put("pylstm", "alone", own / 1e6)
    table.put("pylstm", "with what it needs", (own + installed_size("numpy")) / 1e6)
    if peer("packaging"):
        for name in _DISTRIBUTIONS:
            every = needed(name)
            if every:
                table.put(name, "alone", installed_size(name) / 1e6)
                table.put(name, "with what it needs", sum(map(installed_size, every)) / 1e6)
    return table


def run(effort: Effort) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.safetensors")
        stacks.model().save(path)
        contenders = {name: process(program) for name, program in programs(path).items()}
        rounds = Effort(min(effort.rounds // 5 + 1, MOST_ROUNDS), 0, effort.minutes)
        times = contest(list(contenders.values()), rounds, tolerance=0)
    table = Table("From nothing", "", "ms", REFERENCE, by_row=True)
    base = times[contenders[REFERENCE].name]
    bare = times[contenders["python alone"].name]
    for name, contender in contenders.items():
        timing = times[contender.name]
        ratio = {} if name == REFERENCE else {"ratio": timing.fastest / base.fastest}
        table.put(name, "whole process", timing.fastest * 1e3, median=timing.median * 1e3, **ratio)
        if name != "python alone":
            net = (timing.fastest - bare.fastest) * 1e3
            own = {} if name == REFERENCE else {"ratio": net / 1e3 / (base.fastest - bare.fastest)}
            table.put(name, "less python alone", net, **own)
    notes = [
        "A fresh interpreter each time, with files in the page cache. `first output` loads a "
        "model file (2 × LSTM 128) and pushes 100 ms of audio.",
        "Installed sizes are of the files on this machine.",
    ]
    return Result(QUESTION, [table, sizes()], notes)
