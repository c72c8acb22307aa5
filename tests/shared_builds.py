"""Folders for what tests build, shared by the processes of a run: each thing is built once."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["begin", "folder", "one_builder"]

VARIABLE = "PYLSTM_TEST_BUILDS"


def begin() -> None:
    """Makes the place for this run, until its end; processes that it starts find it, too."""
    place = tempfile.mkdtemp(prefix="pylstm-builds-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    os.environ[VARIABLE] = place


def folder(name: str) -> Path:
    """A folder in that place, made when it is first asked for."""
    if VARIABLE not in os.environ:  # outside pytest
        begin()
    path = Path(os.environ[VARIABLE]) / name
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def one_builder(path: Path) -> Iterator[None]:
    """Keeps other processes out while this one builds in a folder."""
    import fcntl  # not on Windows, where nothing is built with make

    with open(path / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
