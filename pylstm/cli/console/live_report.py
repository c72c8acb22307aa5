"""What is heard live, without a live view: a line for each event, or a JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol, Self

from rich.cells import cell_len

from pylstm.cli.console.event_line import event_line, event_object
from pylstm.cli.console.live_figures import LiveFigures
from pylstm.cli.console.live_summary import summary_lines, summary_object
from pylstm.cli.console.output import note, one_line
from pylstm.decisions import Event

__all__ = ["LinesReport", "LiveReport", "ObjectsReport"]


class LiveReport(Protocol):
    """Shows what is heard as it happens; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def event(self, event: Event) -> None:
        """Shows an event."""

    def note(self, text: str) -> None:
        """Shows a note."""

    def draw(self, figures: LiveFigures, behind: int) -> None:
        """Shows the figures, and how many results came late; called many times a second."""

    def summary(self, figures: LiveFigures, behind: int) -> None:
        """Shows what there was in all, after the end of the context."""


class _Printed:
    """A report of which nothing is redrawn."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def note(self, text: str) -> None:
        """Prints it on stderr."""
        note(text)

    def draw(self, figures: LiveFigures, behind: int) -> None:
        """Shows nothing."""


class LinesReport(_Printed):
    """For people who read a file or a pipe.

    Parameters
    ----------
    labels : sequence of str
        All that can be heard, so that what follows them is aligned.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._width = max(cell_len(one_line(label)) for label in labels)

    def event(self, event: Event) -> None:
        """Prints it."""
        print("".join(event_line(event, self._width)), flush=True)

    def summary(self, figures: LiveFigures, behind: int) -> None:
        """Prints what there was in all."""
        print("\n".join(summary_lines(figures, behind)), flush=True)


class ObjectsReport(_Printed):
    """For programs: an object for each event, and one with the summary, which has no label."""

    def event(self, event: Event) -> None:
        """Prints it."""
        print(json.dumps(event_object(event)), flush=True)

    def summary(self, figures: LiveFigures, behind: int) -> None:
        """Prints what there was in all."""
        print(json.dumps(summary_object(figures, behind)), flush=True)
