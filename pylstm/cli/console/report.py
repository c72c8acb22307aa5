"""What a listening model reports on stdout: lines for people, or one JSON object a line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Protocol

import typer

from pylstm.cli.console.errors import one_line
from pylstm.cli.console.listening import Figures
from pylstm.decisions import Event

__all__ = ["JsonReport", "Report", "TextReport", "note"]


class Report(Protocol):
    """Takes events as they are heard, and the figures at the end."""

    def event(self, event: Event) -> None:
        """Something was heard just now."""

    def figures(self, figures: Figures) -> None:
        """All has been heard."""


class TextReport:
    """For people.

    Parameters
    ----------
    labels : sequence of str
        All that can be heard: scores stand below each other.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._width = max(len(one_line(label)) for label in labels)
        # Decided now: a progress bar puts itself in the place of stdout later.
        self._bold = bool(
            sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        )

    def event(self, event: Event) -> None:
        """Prints ``  0.84 s  yes  0.98``."""
        label = one_line(event.label)
        padding = " " * (self._width - len(label))
        if self._bold:
            label = typer.style(label, fg=typer.colors.GREEN, bold=True)
        print(f"{event.time:6.2f} s  {label}{padding}  {event.score:.2f}", flush=True)

    def figures(self, figures: Figures) -> None:
        """Prints three lines, and one more before them if nothing was heard."""
        if figures.events == 0:
            print("nothing heard")
        factor = figures.real_time_factor
        speed = f"  ({1 / factor:.0f} times as fast as the audio)" if 0 < factor < 0.5 else ""
        print()
        print(f"audio             {figures.audio_seconds:.2f} s")
        print(
            f"processing        {figures.processing_seconds:.3f} s"
            f"  (reading the file: {figures.reading_seconds:.3f} s)"
        )
        print(f"real-time factor  {factor:.2g}{speed}", flush=True)


class JsonReport:
    """For programs: an object per event, and one with the figures, which has no label."""

    def event(self, event: Event) -> None:
        """Prints ``{"time": 0.84, "label": "yes", "score": 0.981234}``."""
        # Frames are whole microseconds at most rates; 57 * 0.01 is not 0.57 otherwise.
        _print_json(
            {"time": round(event.time, 6), "label": event.label, "score": round(event.score, 6)}
        )

    def figures(self, figures: Figures) -> None:
        """Prints the summary."""
        _print_json(
            {
                "audio_seconds": round(figures.audio_seconds, 6),
                "processing_seconds": round(figures.processing_seconds, 6),
                "reading_seconds": round(figures.reading_seconds, 6),
                "real_time_factor": float(f"{figures.real_time_factor:.4g}"),
                "frames": figures.frames,
                "events": figures.events,
            }
        )


def note(text: str) -> None:
    """Says something on stderr that is no error."""
    print(f"note: {one_line(text)}", file=sys.stderr)


def _print_json(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)
