"""The events that a model hears, on stdout: lines for people, or one JSON object a line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import typer

from pylstm.cli.console.event_line import event_object
from pylstm.cli.console.listening import ListeningSummary
from pylstm.cli.console.output import one_line
from pylstm.cli.console.transcript_units import joined
from pylstm.decisions import Event

__all__ = ["JsonReport", "TextReport", "print_json", "rounded"]


class TextReport:
    """For people.

    Parameters
    ----------
    names : sequence of str
        All that can be heard, so that scores are aligned.
    headings : bool
        Whether the name of each recording stands above its events.
    """

    def __init__(self, names: Sequence[str], headings: bool = False) -> None:
        self._width = max((len(one_line(name)) for name in names), default=0)
        self._headings = headings
        self._n_recordings = 0
        self._symbols: list[str] = []
        # Decided now: a progress bar replaces stdout later.
        self._bold = bool(
            sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        )

    def recording(self, name: str) -> None:
        """Begins a recording."""
        if self._headings:
            blank = "\n" if self._n_recordings else ""
            print(f"{blank}{one_line(name)}:", flush=True)
        self._n_recordings += 1
        self._symbols = []

    def event(self, event: Event) -> None:
        """Prints ``  0.84 s  yes  0.98``; of speech, the time of its start or end."""
        if event.kind == "symbol":
            self._symbols.append(event.label)
        label, time = one_line(event.label), event.time
        if event.kind in ("start", "end"):
            label = f"{label} {event.kind}"
            edge = event.onset if event.kind == "start" else event.offset
            time = time if edge is None else edge
        padding = " " * (self._width - len(label))
        if self._bold:
            label = typer.style(label, fg=typer.colors.GREEN, bold=True)
        print(f"{time:6.2f} s  {label}{padding}  {event.score:.2f}", flush=True)

    def recording_summary(self, summary: ListeningSummary) -> None:
        """Prints a line if nothing was heard; symbols, which are many, stand in one together."""
        if summary.events == 0:
            print("nothing heard", flush=True)
        if self._symbols:
            print(f"transcript: {one_line(joined(self._symbols))}", flush=True)

    def summary(self, summary: ListeningSummary) -> None:
        """Prints three lines about all recordings."""
        factor = summary.real_time_factor
        speed = f"  ({1 / factor:.0f} times as fast as the audio)" if 0 < factor < 0.5 else ""
        print()
        print(f"audio             {summary.audio_seconds:.2f} s")
        files = "files" if self._n_recordings > 1 else "file"
        print(
            f"processing        {summary.processing_seconds:.3f} s"
            f"  (reading the {files}: {summary.reading_seconds:.3f} s)"
        )
        print(f"real-time factor  {factor:.2g}{speed}", flush=True)


class JsonReport:
    """For programs: an object for each event, and one with the summary of each recording, which
    has no label."""

    def __init__(self) -> None:
        self._file = ""

    def recording(self, name: str) -> None:
        """Begins a recording."""
        self._file = name

    def event(self, event: Event) -> None:
        """Prints ``{"time": 0.84, "label": "yes", "score": 0.981234, "onset": 0.5, ...}``."""
        print_json({**event_object(event), "file": self._file})

    def recording_summary(self, summary: ListeningSummary) -> None:
        """Prints the summary."""
        print_json(
            {
                "audio_seconds": rounded(summary.audio_seconds),
                "processing_seconds": rounded(summary.processing_seconds),
                "reading_seconds": rounded(summary.reading_seconds),
                "real_time_factor": float(f"{summary.real_time_factor:.4g}"),
                "frames": summary.frames,
                "events": summary.events,
                "file": self._file,
            }
        )

    def summary(self, summary: ListeningSummary) -> None:
        """Prints nothing: each recording has its own."""


def rounded(value: float) -> float:
    """To microseconds, because 57 * 0.01 is not 0.57."""
    return round(value, 6)


def print_json(value: dict[str, object]) -> None:
    """Prints an object on a line of its own."""
    print(json.dumps(value), flush=True)
