"""Manifests: tables that list audio files and what can be heard in them.

A CSV file with a header, or JSONL with an object on each line, in UTF-8. The columns, in any order:

``path``
    The audio file; relative to the manifest's folder.
``label``, ``start``, ``end``
    What is heard, and from when to when, in seconds. Without times the label is that of the file.
``transcript``
    What is said, instead of a label; with times, between them.
``speaker``
    All files of a speaker go to one side of a split.
``split``
    ``training``, ``validation`` or ``testing``: the side of the split that the file goes to.

Other columns are not used.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pylstm.audio import AudioError
from pylstm.audio.audio_file import ROUNDING
from pylstm.audio.header import Header
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.file_headers import FileHeaders
from pylstm.train.data.found_recordings import FoundRecordings, without_recordings
from pylstm.train.data.manifest_table import ManifestTable, RowError
from pylstm.train.data.recording import Mark, Recording

__all__ = ["SIDES", "Row", "Spans", "Units", "read_manifest", "speaker_of"]

SIDES = ("training", "validation", "testing")
Spans = Literal["events", "clips"]
Units = Literal["characters", "words"]


@dataclass(frozen=True)
class Row:
    """A row of a manifest, checked on its own; None: the cell is missing or empty."""

    line: int
    path: str
    label: str | None
    start: float | None
    end: float | None
    transcript: tuple[str, ...] | None
    speaker: str
    split: str | None


def speaker_of(path: str) -> str:
    """The speaker of a file, from its path relative to the set.

    Speech Commands has it in the name, ``<speaker>_nohash_<n>.wav``. Otherwise each file has a
    speaker of its own.
    """
    name, mark, _ = path.rpartition("/")[2].partition("_nohash_")
    return name if mark and name else path


def read_manifest(
    path: Path, spans: Spans, units: Units, background: str, files: FileHeaders
) -> FoundRecordings:
    """The recordings of a manifest, in the order of their first rows.

    Raises
    ------
    RecordingsError
        Everything that is wrong with the manifest or the files, with line numbers.
    OSError
        The manifest cannot be read.
    """
    if spans not in get_args(Spans):
        raise ValueError(f"spans is {spans!r}; expected 'events' or 'clips'")
    if units not in get_args(Units):
        raise ValueError(f"units is {units!r}; expected 'characters' or 'words'")
    table = ManifestTable(path)
    problems = table.problems
    rows: list[Row] = []
    for line, fields in table.rows():
        try:
            rows.append(_row(line, fields, path.parent, units))
        except RowError as error:
            problems.append((line, str(error)))
    if not rows and not problems:
        raise RecordingsError(str(path), ["is empty; expected at least one row"])
    labels = {row.label for row in rows if row.label not in (None, background)}
    headers = _headers(rows, files, problems)
    rows = [row for row in rows if row.path in headers and _in_file(row, headers, problems)]
    _check_kind(rows, problems)
    _check_files(rows, problems)
    _check_together(rows, problems, spans)
    if problems:
        problems.sort(key=lambda problem: problem[0])
        wrong = [f"line {line}: {text}" for line, text in problems]
        raise RecordingsError(str(path), wrong, files.remedies())
    if not rows:
        raise RecordingsError(str(path), ["has no file that can be read; expected at least one"])
    if spans == "events" and any(row.label and _timed(row) for row in rows):
        items = _events(rows, headers, background)
    else:
        items = [_whole(row, headers[row.path]) for row in rows]
    if lost := without_recordings((label for label in labels if label), items):
        raise RecordingsError(str(path), lost)
    return FoundRecordings(items, [], [*table.notes(), *files.notes()])


# --- rows ----------------------------------------------------------------------------------


def _row(line: int, fields: dict[str, Any], folder: Path, units: Units) -> Row:
    """A row, checked as far as that needs no other row."""
    path = _text("path", fields.get("path"))
    start, end = _seconds("start", fields.get("start")), _seconds("end", fields.get("end"))
    if end is not None and end <= (start or 0.0):
        raise RowError(f"end is {end:g} s; expected more than start, {start or 0.0:g} s")
    if "label" not in fields and "transcript" not in fields:
        raise RowError("has neither a label nor a transcript; expected one of them")
    label = _text("label", fields["label"]) if "label" in fields else None
    transcript = _units(fields["transcript"], units) if "transcript" in fields else None
    split = fields.get("split")
    if split is not None and split not in SIDES:
        raise RowError(f"split is {split!r}; expected {', '.join(SIDES)}")
    folder = Path(os.path.abspath(folder))
    full = _located(folder, path)
    if "speaker" in fields:
        speaker = _text("speaker", fields["speaker"])
    else:  # relative, so that the set can be moved
        speaker = speaker_of(Path(os.path.relpath(full, folder)).as_posix())
    return Row(line, full, label, start, end, transcript, speaker, split)


def _text(name: str, value: object) -> str:
    if value is None:
        raise RowError(f"{name} is missing")
    if not isinstance(value, str) or not value:
        raise RowError(f"{name} is {value!r}; expected text")
    if value != value.strip():
        raise RowError(f"{name} is {value!r}; expected no spaces around it")
    try:
        # The system's names of files may be any bytes.
        os.fsencode(value) if name == "path" else value.encode()
    except UnicodeEncodeError:
        raise RowError(f"{name} is {value!r}; expected UTF-8") from None
    return value


def _located(folder: Path, path: str) -> str:
    """The full path of a file; of one that is not there, what a shell or Windows would mean."""
    home = os.path.expanduser(path) if path.startswith("~/") else path
    meant = (path, home, path.replace("\\", "/"))
    paths = [os.path.normpath(folder / text) for text in meant]
    return next((full for full in paths if os.path.lexists(full)), paths[0])


def _seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        seconds = float(value)
    except (ValueError, OverflowError):
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise RowError(f"{name} is {value!r}; expected seconds, 0 or more")
    return seconds


def _units(value: object, units: Units) -> tuple[str, ...]:
    """A transcript in units. A list, in JSONL, holds units already and may be empty."""
    if isinstance(value, list):
        return tuple(_text("a unit of the transcript", unit) for unit in value)
    text = _text("transcript", value)
    return tuple(text.split()) if units == "words" else tuple(text)


# --- rows and files ---------------------------------------------------------------------------


def _headers(
    rows: list[Row], files: FileHeaders, problems: list[tuple[int, str]]
) -> dict[str, Header]:
    """The headers of all readable files; each file is opened once."""
    headers: dict[str, Header | None] = {}
    for row in rows:
        if row.path in headers:
            continue
        headers[row.path] = None
        try:
            headers[row.path] = files.of(row.path)
        except AudioError as error:
            problems.append((row.line, str(error)))
    return {path: header for path, header in headers.items() if header is not None}


def _in_file(row: Row, headers: dict[str, Header], problems: list[tuple[int, str]]) -> bool:
    seconds = headers[row.path].seconds
    for name, time, limit in (
        ("start", row.start, seconds),
        ("end", row.end, seconds + ROUNDING),
    ):
        if time is not None and (time >= limit if name == "start" else time > limit):
            problems.append((row.line, f"{name} is {time:g} s; {row.path} ends at {seconds:g} s"))
            return False
    return True


def _check_kind(rows: list[Row], problems: list[tuple[int, str]]) -> None:
    """Refuses a mix of labels and transcripts."""
    for row in rows:
        if (row.label is None) != (rows[0].label is None):
            kinds = ("transcript", "label") if row.label is None else ("label", "transcript")
            problems.append(
                (row.line, f"has a {kinds[0]}; expected a {kinds[1]}, as line {rows[0].line}")
            )


def _check_files(rows: list[Row], problems: list[tuple[int, str]]) -> None:
    """Refuses two speakers or two sides of one file."""
    first: dict[str, Row] = {}
    for row in rows:
        other = first.setdefault(row.path, row)
        for name in ("speaker", "split"):
            mine, theirs = getattr(row, name), getattr(other, name)
            if mine != theirs:
                expected = f"expected {theirs}, as line {other.line}"
                problems.append((row.line, f"{name} of {row.path} is {mine}; {expected}"))


def _check_together(rows: list[Row], problems: list[tuple[int, str]], spans: Spans) -> None:
    """Refuses duplicate rows, and events that overlap in a file."""
    files: dict[str, list[Row]] = {}
    for row in rows:
        files.setdefault(row.path, []).append(row)
    for path, same in files.items():
        same.sort(key=lambda row: (row.start or 0.0, row.line))
        running: Row | None = None  # of those before, the one that ends last
        seen: dict[tuple[float | None, float | None], Row] = {}
        for row in same:
            twin = seen.setdefault((row.start, row.end), row)
            if twin is not row:
                equal = (twin.label, twin.transcript) == (row.label, row.transcript)
                text = "duplicates" if equal else "contradicts"
                late, early = max(row.line, twin.line), min(row.line, twin.line)
                problems.append((late, f"{text} line {early}"))
            # Clips and transcripts may overlap, because they are cut out; a frame has one label.
            elif (
                running is not None
                and (row.start or 0.0) < _end(running) - 1e-9
                and spans == "events"
                and row.label is not None
                and row.label != running.label
            ):
                late, early = max(row.line, running.line), min(row.line, running.line)
                problems.append((late, f"overlaps line {early} in {path}"))
            if running is None or _end(row) > _end(running):
                running = row


def _timed(row: Row) -> bool:
    return row.start is not None or row.end is not None


def _end(row: Row) -> float:
    return math.inf if row.end is None else row.end


# --- recordings -------------------------------------------------------------------------------


def _whole(row: Row, header: Header) -> Recording:
    """The recording of one row: a file, or a span that is cut out of it."""
    end = header.seconds if row.end is None else min(row.end, header.seconds)
    return Recording(
        row.path,
        row.start or 0.0,
        end,
        header,
        row.label,
        transcript=row.transcript,
        speaker=row.speaker,
        side=row.split,
    )


def _events(rows: list[Row], headers: dict[str, Header], background: str) -> list[Recording]:
    """A recording for each file with its events; a row without times marks the whole file."""
    files: dict[str, list[Row]] = {}
    for row in rows:
        files.setdefault(row.path, []).append(row)
    recordings = []
    for path, same in files.items():
        header = headers[path]
        marks = [
            Mark(row.start or 0.0, min(_end(row), header.seconds), row.label)
            for row in sorted(same, key=lambda row: row.start or 0.0)
            if row.label is not None and row.label != background
        ]
        recordings.append(
            Recording(
                path,
                0.0,
                header.seconds,
                header,
                marks=tuple(marks),
                speaker=same[0].speaker,
                side=same[0].split,
            )
        )
    return recordings
