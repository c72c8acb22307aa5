"""The posteriors of every frame as a CSV file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.listening import Heard
from pylstm.cli.console.output import one_line
from pylstm.cli.console.text_file import same_file
from pylstm.model import Model

__all__ = ["PosteriorsFile", "column_name"]

_FORMULA = "[=+@＝＋＠－-]"
# Bytes of whole rows that are written at once.
_BLOCK = 8192


def column_name(label: str) -> str:
    """A label as the head of a column, where no spreadsheet takes it for a formula or a command.

    Backslashes are doubled, and characters that do not print become Python's escapes. What begins
    as a formula does, or with an apostrophe, has an apostrophe before it. A semicolon before such
    a beginning becomes ``\\x3b``, because spreadsheets of some countries divide columns there. So
    different labels have different names, and common ones stay as they are.

    Examples
    --------
    >>> [column_name(label) for label in ("yes", "=1+2", "a\\tb", "'tis", "C:\\\\x")]
    ['yes', "'=1+2", 'a\\\\tb', "''tis", 'C:\\\\\\\\x']
    """
    name = one_line(label.replace("\\", "\\\\"))
    name = re.sub(rf""";(?=[ "']*{_FORMULA})""", r"\\x3b", name)
    return f"'{name}" if re.match(f" *({_FORMULA}|')", name) else name


class PosteriorsFile:
    """A CSV file with a line for each row of a model: time and posteriors; a context manager.

    Rows are written as they come, so that an interruption loses none, and as wholes, so that a
    process that is killed leaves none cut.

    Parameters
    ----------
    path : Path
        An existing file is overwritten, and the target of a link too; a pipe is written to.
    labels : sequence of str
        Names of the columns after ``time``, in this order, each as `column_name` writes it.
    model : Model
        Whose rows they are: it knows their times.
    inputs : iterable of Path
        Files that are being read, which must not be overwritten.

    Raises
    ------
    CliError
        The file cannot be written.
    """

    def __init__(
        self, path: Path, labels: Sequence[str], model: Model, inputs: Iterable[Path]
    ) -> None:
        self._path = path
        self._model = model
        self._rows = b""
        for source in inputs:
            if same_file(path, source):
                raise CliError(f"--csv {path} would overwrite the input {source}", USAGE)
        try:
            self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
            raise self._unwritable(error) from None
        self._add([["time", *map(column_name, labels)]])

    @classmethod
    def of(cls, path: Path, model: Model, inputs: Iterable[Path]) -> Self:
        """The file for a model's posteriors; outputs without labels have their numbers."""
        labels = model.labels or [str(k) for k in range(model.n_outputs)]
        return cls(path, labels, model, inputs)

    def write(self, heard: Heard) -> None:
        """Adds the rows of one chunk."""
        assert heard.rows is not None  # they were asked for
        times = self._model.row_times(len(heard.rows), heard.first_frame).tolist()
        # Nine digits identify every float32.
        self._add(
            [f"{time:.6f}", *(f"{value:.9g}" for value in row)]
            for time, row in zip(times, heard.rows.tolist(), strict=True)
        )

    def _add(self, rows: Iterable[list[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._rows += text.getvalue().encode()
        if len(self._rows) >= _BLOCK:
            self._flush()

    def _flush(self) -> None:
        try:
            while self._rows:  # a pipe may take a part
                self._rows = self._rows[self._file.write(self._rows) :]
        except OSError as error:
            raise self._unwritable(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            with self._file:
                self._flush()
        except (CliError, OSError) as full:
            # The user reads the first error.
            if error is None:
                raise full if isinstance(full, CliError) else self._unwritable(full) from None

    def _unwritable(self, error: Exception) -> CliError:
        return CliError(f"cannot write {self._path}: {getattr(error, 'strerror', None) or error}")
