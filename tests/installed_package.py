"""A wheel that was built from the source distribution alone, and installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

PROJECT = Path(__file__).parent.parent


class Installed(NamedTuple):
    """Where its parts are."""

    sdist: Path
    wheel: Path
    folder: Path  # with the package pylstm in it, for PYTHONPATH


def setup(where: Path, command: str, target: Path) -> None:
    """One command of setup.py."""
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", *command.split(), "--dist-dir", target],
        capture_output=True,
        text=True,
        cwd=where,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def copy_of_the_checkout(target: Path) -> Path:
    """What git knows or would add: nothing that was built in the checkout comes along."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
    )
    if names.returncode != 0:
        pytest.skip("this is not a git checkout; clone the repository to run it")
    for name in names.stdout.splitlines():
        if (PROJECT / name).is_file() and not name.endswith(".whl"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, target / name)
    return target


def install(folder: Path) -> Installed:
    """Checkout -> sdist -> wheel -> installed, each from what came before and nothing else.

    Where that has been done, it finds what came of it.
    """
    dist, site = folder / "dist", folder / "site"
    if not site.is_dir():
        _build(folder, dist, site)
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    return Installed(sdist, wheel, site)


def _build(folder: Path, dist: Path, site: Path) -> None:
    """Fills the folders; site comes last and whole."""
    pytest.importorskip("Cython", reason="the build needs Cython: pip install 'pylstm[test]'")
    checkout = copy_of_the_checkout(folder / "checkout")
    setup(checkout, "sdist", dist)
    shutil.rmtree(checkout)
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        # Python 3.11.0 to 3.11.3 know no filter; the archive is our own.
        archive.extractall(
            folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
        )
    source = folder / sdist.name.removesuffix(".tar.gz")
    setup(source, "bdist_wheel", dist)
    shutil.rmtree(source)
    (wheel,) = dist.glob("*.whl")
    shutil.unpack_archive(wheel, folder / "unpacked", "zip")
    (folder / "unpacked").rename(site)
