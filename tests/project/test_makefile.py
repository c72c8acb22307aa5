"""`make` for a newcomer: help, and for each target what is missing and how to get it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def make(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make` in the clone, with one folder of programs."""
    if not shutil.which("make"):
        pytest.skip("make is not installed; install it to run it")
    command = [shutil.which("make") or "", *arguments]
    environment = {"PATH": str(path)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with what a shell needs, and no Python."""
    folder = tmp_path / "the bin"
    folder.mkdir()
    for name in ("sh", "awk", "echo"):
        (folder / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
    return folder


def targets(told: str) -> list[str]:
    return re.findall(r"^  make ([a-z-]+) ", told, re.MULTILINE)


def test_alone_it_helps(programs: Path) -> None:
    """Without a Python, too; it lists every target, and runs none of them."""
    done = make(programs)
    assert done.returncode == 0, done.stderr
    (phony,) = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert sorted(targets(done.stdout)) == sorted(phony.split())
    for extras in re.findall(r'install -e "\.\[(.*?)\]"', done.stdout):
        assert set(extras.split(",")) <= set(EXTRAS)


def test_without_python_it_says_so(programs: Path) -> None:
    for target in targets(make(programs).stdout):
        if target not in ("help", "clean"):
            done = make(programs, target)
            assert done.returncode == 2
            assert "python3 is missing; expected Python 3.11 or later" in done.stderr


@pytest.fixture
def bare(programs: Path, tmp_path: Path) -> Path:
    """A Python without a package, called python3 alone, as on Debian."""
    venv.create(tmp_path / "bare environment", symlinks=True)
    (programs / "python3").write_text(
        f'#!/bin/sh\nexec "{tmp_path}/bare environment/bin/python" -I "$@"\n'
    )
    (programs / "python3").chmod(0o755)
    return programs


@pytest.mark.parametrize(
    ("target", "missing", "commands"),
    [
        ("build", ["Cython", "cc"], ['pip install -e ".[test]"']),
        ("test", ["pytest", "pylstm._engine"], ['pip install -e ".[test]"']),
        ("test-fast", ["pytest", "xdist"], ['pip install -e ".[test]"']),
        ("stubs", ["mypy", "torch"], ['pip install -e ".[test,lint]"', "pip install torch"]),
        ("lint", ["mypy"], ['pip install -e ".[test,lint]"']),
        ("format", ["ruff", "clang-format"], ['pip install -e ".[test,lint]"']),
    ],
)
def test_what_is_missing_is_named(
    target: str, missing: list[str], commands: list[str], bare: Path
) -> None:
    """All of it at once, with the commands that bring it."""
    done = make(bare, target)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert {f"{name} is missing" for name in missing} <= {line.split(";")[0] for line in lines}
    for command in commands:
        assert f"    python -m {command}" in lines
    assert "Traceback" not in done.stderr


def test_where_all_is_there_it_says_nothing() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "prerequisites.py", "test"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
