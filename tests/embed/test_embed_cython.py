"""``cimport pylstm``: another Cython module uses an installed wheel's C API; nothing is linked."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Installed

pytest.importorskip("Cython", reason="the example is built with Cython")
PROJECT = Path(__file__).parents[2]
EXAMPLE = PROJECT / "examples" / "embed_cython"


def python(folder: Path, installed: Installed, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(installed.folder), str(folder)])
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "CFLAGS": "-O1"},
    )


@pytest.fixture(scope="module")
def example(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built in a folder of its own against the installed wheel."""
    folder = tmp_path_factory.mktemp("embed_cython") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.c", "*.so", "build"))
    done = python(folder, installed, "setup.py", "--quiet", "build_ext", "--inplace")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_example_hears_the_words(example: Path, installed: Installed) -> None:
    recording = str(installed.folder / "pylstm" / "models" / "demo.wav")
    done = python(example, installed, "-W", "error", "listen.py", recording)
    assert done.returncode == 0, done.stderr
    heard = [line.split()[2] for line in done.stdout.splitlines()]
    lines = (installed.folder / "pylstm" / "models" / "demo.txt").read_text().splitlines()
    spoken = [line.split()[2] for line in lines]
    assert [word for word in heard if word in spoken] == spoken


SAME_BITS = """
import json, pathlib, numpy as np, pylstm, spotter
assert "installed" in pylstm.__file__, pylstm.__file__
pcm = (np.random.default_rng(0).standard_normal(16000) * 3000).astype(np.int16)
model = pylstm.load("keywords")
rows = model.stream().push(pcm)
path = pathlib.Path(pylstm.__file__).parent / "models" / "keywords.safetensors"
ours = spotter.Spotter(path.read_bytes())
assert ours.sample_rate == model.sample_rate
found = ours.loudest(pcm)
assert [k for k, _ in found] == rows.argmax(axis=1).tolist()
assert np.array_equal(np.array([p for _, p in found], np.float32), rows.max(axis=1))
assert [ours.label(k) for k in range(len(model.labels))] == list(model.labels)
try:
    spotter.Spotter(b"no model")
except ValueError as error:
    print(json.dumps(str(error)))
"""


def test_it_gets_the_bits_that_python_gets(example: Path, installed: Installed) -> None:
    done = python(example, installed, "-W", "error", "-c", SAME_BITS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_a_changed_signature_is_refused_at_import(example: Path, installed: Installed) -> None:
    changed = """
import pylstm._engine as engine
functions = engine.__pyx_capi__
functions["pylstm_stream_push"] = functions["pylstm_version"]
try:
    import spotter
except (ImportError, TypeError) as error:
    print(error)
"""
    done = python(example, installed, "-c", changed)
    assert done.returncode == 0, done.stderr
    assert "pylstm_stream_push" in done.stdout
    assert "signature" in done.stdout


def declared(text: str) -> dict[str, str]:
    """Function -> its type, blanks and argument names apart: C's prototypes or Cython's."""
    text = re.sub(r"/\*.*?\*/|#.*", "", text, flags=re.S if "/*" in text else 0)
    text = re.sub(r"\btypedef\b[^;{]*\{.*?\}[^;]*;", "", text, flags=re.S)
    found = {}
    pattern = r"((?:const )?\w+ ?\*?) ?\b(pylstm_\w+)\(([^)]*)\)"
    for result, name, arguments in re.findall(pattern, text):
        types = [re.sub(r"\w+$", "", " ".join(a.split())).strip() for a in arguments.split(",")]
        if arguments.strip() in ("", "void"):
            types = []
        found[name] = " ".join(f"{result} ({', '.join(types)})".split()).replace(" *", "*")
    return found


def test_every_function_of_the_header_can_be_cimported() -> None:
    header = re.sub(r"^\s*#.*$", "", (PROJECT / "src" / "pylstm.h").read_text(), flags=re.M)
    expected = declared(header.replace("PYLSTM_API ", "").split('extern "C" {')[1])
    assert len(expected) > 30
    ours = PROJECT / "pylstm"
    given = declared((ours / "_engine.pxd").read_text())
    assert given == expected, "pylstm/_engine.pxd is not what src/pylstm.h declares"
    inner = declared((ours / "_core.pxd").read_text().split('cdef extern from "engine/stream.h"')[0])
    assert inner == expected, "pylstm/_core.pxd is not what src/pylstm.h declares"
    named = set(re.findall(r"^ {4}(\w+),$", (ours / "__init__.pxd").read_text(), flags=re.M))
    constants = set(re.findall(r"^ {4}(PYLSTM_\w+) = \d+", header, flags=re.M))
    assert len(constants) > 10
    assert named >= set(expected) | constants, "pylstm/__init__.pxd leaves something out"
