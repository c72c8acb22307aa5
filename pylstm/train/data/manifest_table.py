"""The lines of a manifest: CSV with a header, or JSONL, in UTF-8.

What has no column is not used, and said.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pylstm.arguments import number_of
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.found_recordings import Note

__all__ = ["COLUMNS", "ManifestTable", "RowError"]

COLUMNS = ("path", "label", "start", "end", "transcript", "speaker", "split")


class RowError(ValueError):
    """A row is wrong; the message continues "line 3: "."""


class ManifestTable:
    """The rows of a manifest, column by column.

    Parameters
    ----------
    path : Path
        Ends in ``.csv`` or ``.jsonl``.

    Attributes
    ----------
    problems : list of (int, str)
        Lines that are no rows, and why; complete after `rows`.

    Raises
    ------
    RecordingsError
        It is not a regular file, not text, or of another kind.
    OSError
        It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.problems: list[tuple[int, str]] = []
        self._unused: dict[str, None] = {}
        self._used: set[str] = set()
        self._path = path
        suffix = path.suffix.lower()
        if suffix not in (".csv", ".jsonl"):
            raise RecordingsError(str(path), [f"ends in {suffix!r}; expected .csv or .jsonl"])
        # Looked at before it is opened: opening a pipe would wait for its other end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise RecordingsError(
                str(path), ["is not a regular file; expected a CSV or JSONL file"]
            )
        data = path.read_bytes()
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise RecordingsError(str(path), ["is UTF-16; expected UTF-8"])
        # Names of files need not be UTF-8, so each cell decides.
        self._text = data.decode("utf-8-sig", "surrogateescape")
        self._is_csv = suffix == ".csv"

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Line numbers, and the values of each line by column; empty cells are left out.

        Raises
        ------
        RecordingsError
            Without its header a table means nothing, and nor does one with broken quotes.
        """
        yield from self._csv() if self._is_csv else self._jsonl()

    def notes(self) -> list[Note]:
        """The columns that are not used, in words; none if there are none."""
        if not self._unused:
            return []
        open_columns = [name for name in COLUMNS if name not in self._used]
        names = [f"{name!r}{_meant(name, open_columns)}" for name in self._unused]
        columns = f"column{'s' if len(names) > 1 else ''} {', '.join(names)}"
        return [Note(f"{self._path}: {columns} {'are' if len(names) > 1 else 'is'} not used")]

    def _columns(self, names: list[str]) -> list[str]:
        """The columns of a header or an object; "" for what is not used."""
        columns = []
        for name in names:
            column = name.strip().lower()
            if column in COLUMNS:
                if column in columns:
                    raise RowError(f"column {column!r} appears twice; expected once")
                columns.append(column)
            else:
                columns.append("")
        listed = ", ".join(name.strip() for name in names)
        if "path" not in columns:
            raise RowError(f"column 'path' is missing; the columns are {listed}{_separated(names)}")
        if ("label" in columns) == ("transcript" in columns):
            raise RowError(f"columns are {listed}; expected one of 'label' and 'transcript'")
        self._used.update(columns)
        # The unnamed column of an index or of a comma at the end says nothing.
        unused = [name for name, used in zip(names, columns, strict=True) if not used]
        self._unused.update(dict.fromkeys(name for name in unused if name.strip()))
        return columns

    def _csv(self) -> Iterator[tuple[int, dict[str, Any]]]:
        reader = csv.reader(io.StringIO(self._text, newline=""), strict=True)
        columns: list[str] | None = None
        try:
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if columns is None:
                    columns = self._columns(cells)
                    continue
                while len(cells) > len(columns) and not cells[-1]:
                    cells.pop()
                if len(cells) != len(columns):
                    wrong = f"has {number_of(len(cells), 'cell')}; expected {len(columns)}"
                    self.problems.append((reader.line_num, wrong))
                    continue
                row = dict(zip(columns, cells, strict=True))
                yield reader.line_num, {name: cell for name, cell in row.items() if name and cell}
        except (csv.Error, RowError) as error:
            wrong = f"line {reader.line_num}: {error}"
            raise RecordingsError(str(self._path), [wrong]) from None

    def _jsonl(self) -> Iterator[tuple[int, dict[str, Any]]]:
        # Other marks that end lines may stand inside of strings.
        text = self._text.replace("\r\n", "\n").replace("\r", "\n")
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                fields = json.loads(line, object_pairs_hook=_object)
            except (ValueError, RecursionError) as error:
                self.problems.append((number, f"is not JSON: {error}"))
                continue
            if not isinstance(fields, dict):
                wrong = f"is a {type(fields).__name__}; expected an object"
                self.problems.append((number, wrong))
                continue
            try:
                columns = self._columns(list(fields))
            except RowError as error:
                self.problems.append((number, str(error)))
                continue
            row = zip(columns, fields.values(), strict=True)
            yield number, {name: value for name, value in row if name and value is not None}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name appears twice")
    return fields


def _meant(name: str, columns: list[str]) -> str:
    """The column that was probably meant, in words."""
    near = difflib.get_close_matches(name.strip().lower(), columns, 1, 0.75)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _separated(names: list[str]) -> str:
    """Says by what else a header of one name seems to be separated."""
    for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(names) == 1 and mark in names[0]:
            return f", separated by {word}; expected commas"
    return ""
