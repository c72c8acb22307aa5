"""What a type checker knows about the package: programs of a user, read by mypy.

``Any`` is where a type checker stops looking: a misspelt option or method goes unseen from there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

import pylstm
import pylstm.convert
import pylstm.reference
import pylstm.train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("mypy") is None,
        reason="mypy is not installed: pip install 'pylstm[lint]'",
    ),
]

PROJECT = Path(__file__).parents[2]
SETTINGS = """
[mypy]
strict = True
[mypy-pylstm.*]
ignore_errors = True
[mypy-torch.*,soundfile.*,soxr.*,scipy.*,sklearn.*,safetensors.*,threadpoolctl.*,matplotlib.*]
ignore_missing_imports = True
follow_imports = skip
"""
# Inside arrays, what becomes one, and maps from names, Any says "any dtype" or "any type".
CONTAINERS = re.compile(
    r"""tuple\[Any,\ (\.\.\.|Any)\] | (dtype|type|list|floating|Sequence)\[Any\]
    | (Mapping|MappingProxyType|dict)\[str,\ Any\] | numpy\._typing\.\S+""",
    re.X,
)
# Whose types cannot be told, and why.
UNTOLD = MappingProxyType(
    {
        "forward": "the state: a tuple for LSTM, an array for GRU and RNN, None for Dense",
        "backward": "the tape: what a pass keeps for the one back is nobody's business",
        "settings": "the values of settings: numbers, texts, True and False",
        "preset": "settings of the class, each of its own type",
        "largest_difference": "modules are Any where PyTorch is not installed",
        "from_torch": "modules are Any where PyTorch is not installed",
        "to_torch": "the same",
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs are, and what mypy remembers from one to the next."""
    return tmp_path_factory.mktemp("types")


def mypy(program: str, folder: Path) -> list[str]:
    """The lines that mypy prints about a program of a user, under one name for all programs."""
    # A name for each text: mypy takes a file of a name, size and second that it knows for the same.
    name = f"program_{hashlib.sha256(program.encode()).hexdigest()[:16]}.py"
    (folder / name).write_text(program)
    (folder / "mypy.ini").write_text(SETTINGS)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", name],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": str(PROJECT)},
    )
    assert done.returncode in (0, 1), done.stderr
    lines = done.stdout.replace(name, "program.py").splitlines()
    assert [line for line in lines if not line.startswith(("program.py:", "Found", "Succ"))] == []
    return [line for line in lines if line.startswith("program.py:")]


def names() -> Iterator[str]:
    """Every public name, and what is public in classes."""
    for module in ("pylstm", "pylstm.convert", "pylstm.reference", "pylstm.train"):
        found = sys.modules[module]
        for name in found.__all__:
            yield f"{module}.{name}"
            one = getattr(found, name)
            if inspect.isclass(one) and not issubclass(one, Exception):
                for attribute in dir(one):
                    if not attribute.startswith("_") and not hasattr(tuple, attribute):
                        yield f"{module}.{name}.{attribute}"


def test_nothing_public_is_any(folder: Path) -> None:
    wanted = list(names())
    lines = ["import pylstm, pylstm.convert, pylstm.reference, pylstm.train"]
    lines += [f"reveal_type({name})" for name in wanted]
    told = mypy("\n".join(lines) + "\n", folder)
    assert len(told) == len(wanted)
    wrong = {
        name: line
        for name, line in zip(wanted, told, strict=True)
        if ": error:" in line or re.search(r"\bAny\b", CONTAINERS.sub("", line))
    }
    assert {name for name in wrong if name.rpartition(".")[2] not in UNTOLD} == set()


def test_modules_are_there_by_one_import(folder: Path) -> None:
    told = mypy(
        """
import pylstm
reveal_type(pylstm.convert.to_c)
reveal_type(pylstm.train.fit)
reveal_type(pylstm.reference.mfcc)
reveal_type(pylstm.show_config()["isa"]["used"])
reveal_type(pylstm.load("vad").stream().model)
reveal_type(pylstm.load("vad").streams(3).model)
reveal_type(pylstm.load("vad").listener(threshold=0.4).model)
reveal_type(pylstm.load("vad").listeners(3, report="final")[0].model)
pylstm.train.fitt
pylstm.lode
""",
        folder,
    )
    errors = [line for line in told if ": error: Module has no attribute" in line]
    assert [re.findall('"(.*?)"', line)[0] for line in errors] == ["fitt", "lode"]
    assert not any(re.search(r'"Any"', line) for line in told)


def test_what_a_listener_gives_is_known(folder: Path) -> None:
    """With posteriors it is a pair, without them it is not."""
    told = mypy(
        """
import numpy as np
import pylstm
pcm = np.zeros(160, np.float32)
model = pylstm.load("vad")
listener, pool = model.listener(), model.listeners(2)
events: list[pylstm.Event] = listener.push(pcm) + listener.flush()
both = listener.push(pcm, posteriors=True)
events, rows = both
onset: float | None = pool.push({0: pcm})[0][0].onset
rows = pool.push({0: pcm}, posteriors=True)[0][1]
again = model.listener(**listener.decision)
wrong: list[pylstm.Event] = listener.push(pcm, posteriors=True)
""",
        folder,
    )
    assert [line.split(":")[1] for line in told if ": error:" in line] == ["13"]


# Right, and wrong in one word.
OPTIONS = MappingProxyType(
    {
        'pylstm.Dense(3, 2, "softmax")': 'pylstm.Dense(3, 2, "sofmax")',
        'pylstm.Dense(3, 2, weights={}, precision="int8")': (
            'pylstm.Dense(3, 2, weights={}, precision="int9")'
        ),
        'pylstm.LSTM(3, 2, weights={}, precision="bf16")': (
            'pylstm.LSTM(3, 2, weights={}, precision="fp16")'
        ),
        'pylstm.RNN(3, 2, nonlinearity="relu")': 'pylstm.RNN(3, 2, nonlinearity="gelu")',
        'pylstm.MFCC(window="hann")': 'pylstm.MFCC(window="kaiser")',
        'pylstm.MFCC(pad_mode="reflect")': 'pylstm.MFCC(pad_mode="edge")',
        "pylstm.MFCC(norm=None)": 'pylstm.MFCC(norm="none")',
        'pylstm.MFCC(dct_norm="ortho")': 'pylstm.MFCC(dct_norm="forward")',
        'pylstm.LogMel(window="hamming")': 'pylstm.LogMel(window="Hamming")',
        'pylstm.LogMel(pad_mode="constant")': 'pylstm.LogMel(pad_mode="zeros")',
        'pylstm.LogMel(norm="slaney")': 'pylstm.LogMel(norm="Slaney")',
        'pylstm.load("vad").quantize("int8")': 'pylstm.load("vad").quantize("float32")',
        'pylstm.load("vad").listener(report="final")': 'pylstm.load("vad").listener(report="late")',
        'pylstm.load("vad").listeners(2, min_speech=0.1)': (
            'pylstm.load("vad").listeners(2, min_speach=0.1)'
        ),
        'pylstm.GRU(3, 2).quantize("bf16")': 'pylstm.GRU(3, 2).quantize("fp16")',
        'pylstm.convert.from_torch({}, activation="tanh")': (
            'pylstm.convert.from_torch({}, activation="Tanh")'
        ),
        'pylstm.train.CrossEntropy(per="sequence", pooling="mean")': (
            'pylstm.train.CrossEntropy(per="sequence", pooling="max")'
        ),
        'pylstm.Intake(pylstm.load("vad"), rate=8000, encoding="mulaw").push(b"")': (
            'pylstm.Intake(pylstm.load("vad"), rate=8000, encoding="ulaw").push(b"")'
        ),
        "pylstm.Intake(pylstm.MFCC(), rate=8000)": "pylstm.Intake(pylstm.MFCC(), rate=8e3)",
        'pylstm.train.MSE(per="frame")': 'pylstm.train.MSE(per="frames")',
        'pylstm.train.Arrays([], [], per="frame")': 'pylstm.train.Arrays([], [], per="frames")',
        'pylstm.train.Recordings.from_manifest("a.csv", spans="clips")': (
            'pylstm.train.Recordings.from_manifest("a.csv", spans="clip")'
        ),
        'pylstm.reference.dct([1.0], norm="ortho")': 'pylstm.reference.dct([1.0], norm="slaney")',
    }
)


def test_a_misspelt_option_is_seen(folder: Path) -> None:
    told = mypy("\n".join(["import pylstm", *OPTIONS.values()]) + "\n", folder)
    seen = {int(line.split(":")[1]) - 2 for line in told if ": error:" in line}
    assert [wrong for place, wrong in enumerate(OPTIONS.values()) if place not in seen] == []


def test_the_right_ones_are_taken(folder: Path) -> None:
    assert mypy("\n".join(["import pylstm", *OPTIONS]) + "\n", folder) == []


def test_the_package_says_that_it_has_types() -> None:
    assert (PROJECT / "pylstm" / "py.typed").is_file()


def test_dir_lists_what_is_public_and_nothing_else() -> None:
    for module in (pylstm, pylstm.convert, pylstm.train):
        listed = {name for name in dir(module) if not name.startswith("_")}
        assert listed >= {*module.__all__} - {"convert", "reference", "train"}
    assert sorted([*pylstm.__all__, "__version__"]) == dir(pylstm)
