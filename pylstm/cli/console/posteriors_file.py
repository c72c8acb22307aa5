"""The posteriors of every frame as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.listening import Heard

__all__ = ["PosteriorsFile"]


class PosteriorsFile:
    """A CSV file with a row for each frame: its time and the posteriors; a context manager.

    Rows are written as they come, so that an interruption loses none.

    Parameters
    ----------
    path : Path
        An existing file is overwritten.
    labels : sequence of str
        Names of the columns after ``time``.
    hop_seconds : float
        From one frame to the next.
    inputs : iterable of Path
        Files that are being read, which must not be overwritten.

    Raises
    ------
    CliError
        The file cannot be written.
    """

    def __init__(
        self, path: Path, labels: Sequence[str], hop_seconds: float, inputs: Iterable[Path]
    ) -> None:
        self._path = path
        self._hop_seconds = hop_seconds
        for source in inputs:
            if _same(path, source):
                raise CliError(f"--csv {path} would overwrite the input {source}", USAGE)
        try:
            self._file = open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115
        except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
            raise self._unwritable(error) from None
        self._table = csv.writer(self._file, lineterminator="\n")
        self._add([["time", *labels]])

    def write(self, heard: Heard) -> None:
        """Adds the rows of one chunk."""
        # Nine digits identify every float32.
        self._add(
            [f"{frame * self._hop_seconds:.6f}", *(f"{value:.9g}" for value in row)]
            for frame, row in enumerate(heard.rows.tolist(), heard.first_frame)
        )

    def _add(self, rows: Iterable[list[str]]) -> None:
        try:
            self._table.writerows(rows)
        except OSError as error:
            raise self._unwritable(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            self._file.close()
        except OSError as full:
            # The user reads the first error.
            if error is None:
                raise self._unwritable(full) from None

    def _unwritable(self, error: Exception) -> CliError:
        return CliError(f"cannot write {self._path}: {getattr(error, 'strerror', None) or error}")


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # one of them is not there
        return False
