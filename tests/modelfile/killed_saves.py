"""Kills processes in the middle of saves, and reports what they leave.

    python -m tests.modelfile.killed_saves [KILLS]

A process saves two models in turn to the same file; after a random time it is killed, and another
one goes on. Beside it lives one that saves to another file. The file must always be one of the
models, the living process must never fail, and the next save must remove what is dead.
"""

from __future__ import annotations

import fcntl
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pylstm


class Report(NamedTuple):
    """What a series of killed saves left."""

    kills: int
    cut: int  # kills that left a temporary file
    most_left: int  # temporary files at any time, those of the living included
    left: int  # after the last save
    whole: int  # times that the file was one of the models
    other_failed: bool


def models() -> list[pylstm.Model]:
    return [pylstm.Model(None, [pylstm.LSTM(64, 192, seed=seed)]) for seed in range(2)]


@contextmanager
def forked(work: Callable[[], None]) -> Iterator[int]:
    """A child that works until it is killed; ends with it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
        finally:
            os._exit(code)
    try:
        yield child
    finally:
        with suppress(ProcessLookupError, ChildProcessError):  # it has failed, and been waited for
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def temporary_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix == ".tmp"]


def is_dead(path: Path) -> bool:
    """Whether nobody has locked a file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:  # it got its name meanwhile
        return False
    return True


def kill_saves(folder: Path, kills: int, seed: int = 0) -> Report:
    """Does it in a folder that is empty."""
    chance = random.Random(seed)
    target, other = folder / "killed.safetensors", folder / "other.safetensors"
    choices = models()
    contents = {model.to_bytes() for model in choices}
    choices[0].save(target)
    cut = most_left = whole = 0

    def save_over_and_over(path: Path) -> None:
        for turn in range(10**9):
            choices[turn % 2].save(path)

    with forked(lambda: save_over_and_over(other)) as living:
        for _ in range(kills):
            with forked(lambda: save_over_and_over(target)):
                time.sleep(chance.uniform(0, 0.03))
            left = temporary_files(folder)
            most_left = max(most_left, len(left))
            cut += any(map(is_dead, left))
            whole += target.read_bytes() in contents
        other_failed = os.waitpid(living, os.WNOHANG)[0] != 0
    choices[1].save(target)
    return Report(kills, cut, most_left, len(temporary_files(folder)), whole, other_failed)


def main(kills: int) -> int:
    with tempfile.TemporaryDirectory(prefix="pylstm-killed-") as folder:
        report = kill_saves(Path(folder), kills)
    print(
        f"{report.kills} killed saves, {report.cut} of them in the middle of a file:"
        f" {report.whole} times the model file was whole; at most {report.most_left} temporary"
        f" files at any time, {report.left} after the next save; the other process"
        f" {'failed' if report.other_failed else 'saved on'}"
    )
    good = report.whole == report.kills and report.left == 0 and not report.other_failed
    return 0 if good and report.cut else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 220))
