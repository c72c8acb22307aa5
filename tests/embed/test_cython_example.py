"""``cimport pylstm``: another Cython module uses an installed wheel's C API; nothing is linked."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.c_signatures import ADDED
from tests.core_builds import compiler
from tests.installed_package import Installed
from tools import c_api

pytest.importorskip("Cython", reason="to build it: pip install 'pylstm[test]'")
PROJECT = Path(__file__).parents[2]
EXAMPLE = PROJECT / "examples" / "embed_cython"


def python(folder: Path, package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in a folder, with the folder of a package on its path."""
    paths = os.pathsep.join([str(package), str(folder)])
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
    done = python(folder, installed.folder, "setup.py", "--quiet", "build_ext", "--inplace")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_example_hears_the_words(example: Path, installed: Installed) -> None:
    recording = str(installed.folder / "pylstm" / "models" / "demo.wav")
    done = python(example, installed.folder, "-W", "error", "listen.py", recording)
    assert done.returncode == 0, done.stderr
    heard = [line.split()[2] for line in done.stdout.splitlines()]
    lines = (installed.folder / "pylstm" / "models" / "demo.txt").read_text().splitlines()
    spoken = [line.split()[2] for line in lines]
    assert [word for word in heard if word in spoken] == spoken


SAME_BITS = """
import json, pathlib, numpy as np, pylstm, spotter
assert "site" in pathlib.Path(pylstm.__file__).parts, pylstm.__file__
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


@pytest.mark.slow
def test_it_gets_the_bits_that_python_gets(example: Path, installed: Installed) -> None:
    done = python(example, installed.folder, "-W", "error", "-c", SAME_BITS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


@pytest.mark.slow
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
    done = python(example, installed.folder, "-c", changed)
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
        types = [
            re.sub(r"\w+(\[\w*\])?$", "", " ".join(a.split())).strip() for a in arguments.split(",")
        ]
        if arguments.strip() in ("", "void"):
            types = []
        found[name] = " ".join(f"{result} ({', '.join(types)})".split()).replace(" *", "*")
    return found


@pytest.mark.parametrize("added", ["", ADDED], ids=["as it is", "and more"])
def test_every_function_of_the_header_can_be_cimported(added: str) -> None:
    """What the generator reads, read once more in another way: nothing is left out or changed."""
    header = (PROJECT / "src" / "pylstm.h").read_text().rpartition("#ifdef __cplusplus")[0] + added
    read = c_api.parse(header)
    header = re.sub(r"^\s*#.*$", "", header, flags=re.M)
    expected = declared(header.replace("PYLSTM_API ", "").split('extern "C" {')[1])
    assert len(expected) > 30
    given = c_api.declarations(read)
    assert declared(given) == expected
    core, functions = c_api.definitions(read).split("\n\n\n", 1)
    assert declared(functions) == expected
    assert declared(re.sub(r'core_\w+ "(\w+)"', r"\1", core)) == expected
    constants = set(re.findall(r"^ +(PYLSTM_\w+) = \d+", header, flags=re.M))
    assert len(constants) > 10
    assert set(re.findall(r"^ +(PYLSTM_\w+)$", given, flags=re.M)) >= constants


@pytest.mark.slow
def test_added_declarations_compile(tmp_path: Path) -> None:
    """Structures, constant pointers and names that Python keeps for itself, through Cython."""
    package = tmp_path / "pylstm"
    package.mkdir()
    (tmp_path / "src").mkdir()
    header = (PROJECT / "src" / "pylstm.h").read_text()
    end = "#ifdef __cplusplus\n}"
    (tmp_path / c_api.HEADER).write_text(header.replace(end, ADDED + end))
    (package / "__init__.pxd").write_text((PROJECT / "pylstm" / "__init__.pxd").read_text())
    (package / "__init__.py").touch()
    (package / "_engine.pyx").write_text('include "_c_api.pxi"\n')
    c_api.write(tmp_path)
    (tmp_path / "user.pyx").write_text(
        "cimport pylstm\nfrom pylstm cimport PYLSTM_EXTRAS, pylstm_extra_of\n"
        "cdef char name[PYLSTM_EXTRAS]\n"
        "cdef pylstm.pylstm_colour colour = pylstm_extra_of(NULL, NULL).colour\n"
    )
    for name in ("pylstm/_engine", "user"):
        done = python(tmp_path, tmp_path, "-m", "cython", "-3", f"{name}.pyx")
        assert done.returncode == 0, done.stderr
        command = [*compiler(), "-std=c11", "-Wall", "-Werror", "-fsyntax-only", f"{name}.c"]
        includes = ["-Isrc", f"-I{sysconfig.get_paths()['include']}"]
        checked = subprocess.run(
            [*command, *includes], capture_output=True, text=True, cwd=tmp_path
        )
        assert checked.returncode == 0, checked.stderr
