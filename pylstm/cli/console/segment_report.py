"""Segments of speech as a table, JSON, a label track of Audacity, or RTTM.

References
----------
NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan" (2009), appendix A:
RTTM. Audacity manual, "Importing and Exporting Labels".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from pylstm.cli.console.audio_input import shown
from pylstm.cli.console.event_report import rounded
from pylstm.cli.console.output import one_line

__all__ = ["AudacityTrack", "JsonSegments", "RttmSegments", "Segment", "SegmentTable"]

Write = Callable[[str], None]


class Segment(NamedTuple):
    """From when to when somebody speaks, seconds."""

    start: float
    end: float
    label: str
    score: float

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start


class SegmentTable:
    """For people: start, end and length, with headings; the name of each file where there are
    several.

    Parameters
    ----------
    write : callable
        Takes a line.
    audio : sequence of Path
        All recordings.
    """

    def __init__(self, write: Write, audio: Sequence[Path]) -> None:
        self._write = write
        self._headings = len(audio) > 1
        self._n_recordings = 0
        self._found: list[float] = []

    def recording(self, path: Path) -> None:
        """Begins a recording."""
        self._found = []
        if self._headings:
            if self._n_recordings:
                self._write("")
            self._write(f"{one_line(shown(path))}:")
        self._n_recordings += 1

    def segment(self, segment: Segment) -> None:
        """Writes a line of three columns."""
        if not self._found:
            self._write("   start       end    length")
        self._found.append(segment.length)
        times = (segment.start, segment.end, segment.length)
        self._write("  ".join(f"{time:6.2f} s" for time in times))

    def end(self, seconds: float) -> None:
        """Writes how much of a recording is speech."""
        if not self._found:
            self._write("no speech")
            return
        count = len(self._found)
        what = "segment" if count == 1 else "segments"
        self._write(f"{count} {what}, {sum(self._found):.2f} s of {seconds:.2f} s")


class JsonSegments:
    """For programs: an object for each segment, and one for each recording, which has no label."""

    def __init__(self, write: Write, audio: Sequence[Path]) -> None:
        self._write = write
        self._file = ""
        self._found: list[float] = []

    def recording(self, path: Path) -> None:
        """Begins a recording."""
        self._file, self._found = str(path), []

    def segment(self, segment: Segment) -> None:
        """Writes ``{"start": 0.5, "end": 1.25, "length": 0.75, ...}``."""
        self._found.append(segment.length)
        self._write(
            json.dumps(
                {
                    "start": rounded(segment.start),
                    "end": rounded(segment.end),
                    "length": rounded(segment.length),
                    "label": segment.label,
                    "score": rounded(segment.score),
                    "file": self._file,
                }
            )
        )

    def end(self, seconds: float) -> None:
        """Writes the summary of a recording."""
        self._write(
            json.dumps(
                {
                    "audio_seconds": rounded(seconds),
                    "speech_seconds": rounded(sum(self._found)),
                    "segments": len(self._found),
                    "file": self._file,
                }
            )
        )


class AudacityTrack:
    """A label track: start, end and label with tabs between them; what does not print in a label,
    tabs and line breaks too, becomes Python's escapes."""

    def __init__(self, write: Write, audio: Sequence[Path]) -> None:
        self._write = write

    def recording(self, path: Path) -> None:
        """Writes nothing: a track is that of one recording."""

    def segment(self, segment: Segment) -> None:
        """Writes a label."""
        self._write(f"{segment.start:.6f}\t{segment.end:.6f}\t{one_line(segment.label)}")

    def end(self, seconds: float) -> None:
        """Writes nothing."""


class RttmSegments:
    """Lines of RTTM. A file is called by its name without folder and ending, or where two names
    would be the same, by its path.

    Fields hold no blanks: in names and labels blanks, characters that do not print, ``%`` and ``;``
    (which begins comments) become ``%`` and two hexadecimal digits for each byte of UTF-8, as in
    web addresses. ``urllib.parse.unquote`` gives them back.

    Parameters
    ----------
    write : callable
        Takes a line.
    audio : sequence of Path
        All recordings.
    channel : int or None
        That of the audio, counted from 0; in RTTM from 1. None: the mean, which is called 1.
    """

    def __init__(self, write: Write, audio: Sequence[Path], channel: int | None) -> None:
        self._write = write
        self._channel = 1 if channel is None else channel + 1
        stems = [path.stem for path in dict.fromkeys(audio)]
        self._names = {
            path: path.stem if stems.count(path.stem) == 1 else str(path) for path in audio
        }
        self._name = ""

    def recording(self, path: Path) -> None:
        """Begins a recording."""
        self._name = rttm_field(self._names[path])

    def segment(self, segment: Segment) -> None:
        """Writes a line of ten fields."""
        self._write(
            f"SPEAKER {self._name} {self._channel} {segment.start:.3f} {segment.length:.3f}"
            f" <NA> <NA> {rttm_field(segment.label)} <NA> <NA>"
        )

    def end(self, seconds: float) -> None:
        """Writes nothing."""


def rttm_field(text: str) -> str:
    """A name or a label as a field of RTTM.

    Examples
    --------
    >>> rttm_field("a b%"), rttm_field("später"), rttm_field("")
    ('a%20b%25', 'später', '<NA>')
    """
    return (
        "<NA>"
        if not text
        else "".join(
            quote(mark, safe="", errors="surrogateescape")
            if not mark.isprintable() or mark.isspace() or mark in "%;"
            else mark
            for mark in text
        )
    )
