"""The events that a model hears, on stdout: lines for people, or one JSON object a line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import typer

from pylstm.cli.console.listening import ListeningSummary
from pylstm.cli.console.output import one_line
from pylstm.decisions import Event

__all__ = ["JsonReport", "TextReport"]


class TextReport:
    """For people.

    Parameters
    ----------
    labels : sequence of str
        All that can be heard, so that scores are aligned.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._width = max(len(one_line(label)) for label in labels)
        # Decided now: a progress bar replaces stdout later.
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

    def summary(self, summary: ListeningSummary) -> None:
        """Prints three lines, and one more before them if nothing was heard."""
        if summary.events == 0:
            print("nothing heard")
        factor = summary.real_time_factor
        speed = f"  ({1 / factor:.0f} times as fast as the audio)" if 0 < factor < 0.5 else ""
        print()
        print(f"audio             {summary.audio_seconds:.2f} s")
        print(
            f"processing        {summary.processing_seconds:.3f} s"
            f"  (reading the file: {summary.reading_seconds:.3f} s)"
        )
        print(f"real-time factor  {factor:.2g}{speed}", flush=True)


class JsonReport:
    """For programs: an object for each event, and one with the summary, which has no label."""

    def event(self, event: Event) -> None:
        """Prints ``{"time": 0.84, "label": "yes", "score": 0.981234}``."""
        # Rounded to microseconds, because 57 * 0.01 is not 0.57.
        _print_json(
            {"time": round(event.time, 6), "label": event.label, "score": round(event.score, 6)}
        )

    def summary(self, summary: ListeningSummary) -> None:
        """Prints the summary."""
        _print_json(
            {
                "audio_seconds": round(summary.audio_seconds, 6),
                "processing_seconds": round(summary.processing_seconds, 6),
                "reading_seconds": round(summary.reading_seconds, 6),
                "real_time_factor": float(f"{summary.real_time_factor:.4g}"),
                "frames": summary.frames,
                "events": summary.events,
            }
        )


def _print_json(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)
