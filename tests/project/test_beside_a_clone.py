"""``import pylstm`` finds the package wherever Python is started: in a clone, beside it, elsewhere.

A folder without ``__init__.py`` is a package for Python, too, so that a clone named pylstm is
one for whoever stands beside it. What is installed has to win.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.installed_package import PROJECT, Installed

# Where the environment of these tests has NumPy and setuptools from.
PACKAGES = [Path(entry) for entry in sys.path if (Path(entry) / "numpy").is_dir()]
HEARS = "import pylstm; print(len(pylstm.load('vad').labels), pylstm.__file__)"


class Environment(NamedTuple):
    """A virtual environment of its own, with NumPy and setuptools of this one."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def packages(self) -> Path:
        here = {"base": str(self.folder), "platbase": str(self.folder)}
        return Path(sysconfig.get_path("purelib", "venv", here))

    def run(self, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        command = [str(self.python), *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)

    def package(self, cwd: Path, program: str = HEARS) -> Path:
        """The file that ``import pylstm`` finds there, after it has loaded a model."""
        done = self.run("-c", program, cwd=cwd)
        assert done.returncode == 0, done.stderr
        labels, file = done.stdout.strip().split(" ", 1)
        assert labels == "2"
        return Path(file).resolve()


def environment(folder: Path) -> Environment:
    venv.create(folder, with_pip=True)
    made = Environment(folder)
    # Python 3.11 brings an old one.
    made.run("-m", "pip", "--quiet", "uninstall", "--yes", "setuptools", cwd=folder)
    (made.packages / "shared.pth").write_text("".join(f"{entry}\n" for entry in PACKAGES))
    return made


def clone_without_its_build(folder: Path) -> Path:
    """The files of the clone that a package is made of."""
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "build")
    for name in ("pylstm", "src", "tests/modelfile", "examples/audio"):
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


class Installation(NamedTuple):
    clone: Path
    environment: Environment

    @property
    def package(self) -> Path:
        return self.clone / "pylstm" / "__init__.py"


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A clone, installed with ``pip install -e``, and called what ``git clone`` would call it.

    Its extensions are those of this checkout, so that nothing is compiled: ``pyproject.toml`` alone
    decides how Python finds the package.
    """
    pytest.importorskip("setuptools", reason="pip install 'pylstm[test]'")
    folder = tmp_path_factory.mktemp("beside") / "speech work"
    clone = clone_without_its_build(folder / "pylstm")
    for pattern in ("*.so", "*.pyd"):
        for extension in (PROJECT / "pylstm").glob(pattern):
            shutil.copy(extension, clone / "pylstm")
    (clone / "setup.py").write_text("from setuptools import setup\nsetup()\n")
    made = environment(tmp_path_factory.mktemp("environment"))
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    done = made.run("-m", "pip", "install", *options, "-e", clone, cwd=folder)
    assert done.returncode == 0, done.stderr
    return Installation(clone, made)


@pytest.mark.slow
@pytest.mark.parametrize(
    "place", ["..", ".", "pylstm", "pylstm/train", "src", "tests", "examples/audio", "/"]
)
@pytest.mark.builds
def test_an_editable_install_is_found_from(place: str, editable: Installation) -> None:
    assert editable.environment.package(editable.clone / place) == editable.package.resolve()


@pytest.mark.slow
@pytest.mark.builds
def test_an_editable_install_is_found_beside_a_folder_of_its_name(
    editable: Installation, tmp_path: Path
) -> None:
    (tmp_path / "pylstm").mkdir()
    (tmp_path / "pylstm" / "notes.txt").write_text("what somebody keeps about pylstm")
    assert editable.environment.package(tmp_path) == editable.package.resolve()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["..", ".", "src"])
@pytest.mark.builds
def test_its_command_runs(place: str, editable: Installation) -> None:
    pytest.importorskip("typer", reason="pip install 'pylstm[cli]'")
    cwd = editable.clone / place
    done = editable.environment.run("-m", "pylstm", "info", "vad", cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    assert "speech" in done.stdout


@pytest.mark.slow
@pytest.mark.builds
def test_its_tests_are_collected_from_elsewhere(editable: Installation, tmp_path: Path) -> None:
    tests = editable.clone / "tests" / "modelfile"
    (tests / "test_here.py").write_text(
        "import pylstm\n\ndef test_it():\n    assert pylstm.load('vad')\n"
    )
    done = editable.environment.run("-m", "pytest", "-q", tests / "test_here.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.builds
def test_uninstalling_it_leaves_nothing_behind(editable: Installation, tmp_path: Path) -> None:
    """Its files in the environment are the package's own: those of the clone stay."""
    done = editable.environment.run("-m", "pip", "show", "--files", "pylstm", cwd=tmp_path)
    files = done.stdout.partition("Files:")[2].split()
    assert any(name.endswith(".pth") for name in files)
    assert not any(name.endswith("__init__.py") for name in files)


def test_nothing_else_of_the_clone_becomes_a_package() -> None:
    """The clone's folder is on the path then: a second package in it would hide somebody's own."""
    assert [path.parent.name for path in PROJECT.glob("*/__init__.py")] == ["pylstm"]


# --- without an engine ----------------------------------------------------------------------------


def refusal(cwd: Path, program: str = "import pylstm") -> str:
    """What Python says, in its last line."""
    done = subprocess.run([sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


def told(message: str) -> list[str]:
    """The command in it."""
    found = re.search(r"expected one that is: (.+?)\. To use", message)
    assert found, message
    return shlex.split(found[1])


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone_without_its_build(tmp_path_factory.mktemp("unbuilt") / "speech engine")


def test_a_clone_that_is_not_built_says_what_to_type(unbuilt: Path) -> None:
    message = refusal(unbuilt)
    assert message.startswith(f"ImportError: the engine in {unbuilt / 'pylstm'} is not built")
    assert told(message) == ["pip", "install", "-e", str(unbuilt)]


def test_an_engine_of_another_python_is_none(unbuilt: Path) -> None:
    other = unbuilt / "pylstm" / "_engine.cpython-399-x86_64-linux-gnu.so"
    other.write_bytes(b"")
    try:
        assert told(refusal(unbuilt)) == ["pip", "install", "-e", str(unbuilt)]
    finally:
        other.unlink()


@pytest.mark.parametrize("content", [b"", b"not an extension"], ids=["empty", "no extension"])
def test_a_broken_engine_is_none(unbuilt: Path, content: bytes) -> None:
    broken = unbuilt / "pylstm" / "_engine.abi3.so"
    broken.write_bytes(content)
    try:
        message = refusal(unbuilt)
        assert told(message) == ["pip", "install", "-e", str(unbuilt)]
    finally:
        broken.unlink()


def test_an_engine_of_older_sources_is_none(unbuilt: Path) -> None:
    """It has fewer names than these sources ask for."""
    older = unbuilt / "pylstm" / "_engine.py"
    older.write_text("class ModelFileError(ValueError): ...\n")
    try:
        assert told(refusal(unbuilt)) == ["pip", "install", "-e", str(unbuilt)]
    finally:
        older.unlink()


def test_a_missing_numpy_is_not_taken_for_it(unbuilt: Path) -> None:
    older = unbuilt / "pylstm" / "_engine.py"
    older.write_text("import numpy\n")
    hides = "import sys; sys.modules['numpy'] = None; import pylstm"
    try:
        assert "numpy" in refusal(unbuilt, hides)
        assert "pip install" not in refusal(unbuilt, hides)
    finally:
        older.unlink()


# --- a wheel and a clone --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = environment(tmp_path_factory.mktemp("environment"))
    shutil.copytree(installed.folder, made.packages, dirs_exist_ok=True)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("place", ["..", "pylstm", "src", "examples", "/"])
def test_a_wheel_is_found_beside_a_clone_and_in_its_folders(
    place: str, wheel: Environment, unbuilt: Path, tmp_path: Path
) -> None:
    clone = shutil.copytree(unbuilt, tmp_path / "pylstm")
    assert wheel.package(clone / place).is_relative_to(wheel.packages.resolve())


@pytest.mark.slow
def test_in_the_clone_itself_the_words_lead_to_the_wheel(wheel: Environment, unbuilt: Path) -> None:
    done = wheel.run("-c", HEARS, cwd=unbuilt)
    assert "start Python in another folder" in done.stderr
    assert wheel.package(unbuilt / "examples").is_relative_to(wheel.packages.resolve())
