"""Lines that a command writes: to a file that the user names, or to stdout."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Self

from pylstm.cli.console.errors import USAGE, CliError

__all__ = ["TextFile", "same_file"]


class TextFile:
    """Takes lines; a context manager.

    Each line is written when it comes, so that an interruption loses none. The file is opened with
    the first one, or at the end: a command that fails before leaves an older file alone.

    Parameters
    ----------
    path : Path or None
        An existing file is overwritten, and the target of a link too; a pipe is written to. None:
        stdout.
    option : str
        The option that names it.
    inputs : iterable of Path
        Files that are being read, which must not be overwritten.

    Raises
    ------
    CliError
        It is one of the inputs. Lines: it cannot be written.
    """

    def __init__(self, path: Path | None, option: str, inputs: Iterable[Path]) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        for source in inputs:
            if path is not None and same_file(path, source):
                raise CliError(f"{option} {path} would overwrite the input {source}", USAGE)

    def line(self, text: str) -> None:
        """Writes a line."""
        if self._path is None:
            print(text, flush=True)
            return
        rest = f"{text}\n".encode(errors="surrogateescape")
        try:
            file = self._opened(self._path)
            while rest:  # a pipe may take a part
                rest = rest[file.write(rest) :]
        except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
            raise self._unwritable(error) from None

    def _opened(self, path: Path) -> IO[bytes]:
        if self._file is None:
            self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        return self._file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None and self._path is not None:
                self._opened(self._path)
            if self._file is not None:
                self._file.close()
        except (OSError, ValueError) as full:
            if error is None:
                raise self._unwritable(full) from None

    def _unwritable(self, error: Exception) -> CliError:
        reason = getattr(error, "strerror", None) or error
        return CliError(f"cannot write {self._path}: {reason}")


def same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file."""
    with contextlib.suppress(OSError, ValueError):  # one of them is not there
        return path.samefile(other)
    return False
