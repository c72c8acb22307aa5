"""What the commands print for people: facts on stdout, notes on stderr, each on one line."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Annotated, Any

import typer

__all__ = ["JsonOption", "fact", "note", "one_line", "warnings_as_notes"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

# Where the second column begins.
_FACT_COLUMN = 14


def one_line(text: str) -> str:
    """Text that stays on its line, whatever a file or a label put into it.

    Labels and file names may hold line breaks and the control sequences of terminals.
    """
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text
    )


def fact(name: str, value: object) -> None:
    """Prints a name and, in a column of its own, a value."""
    print(one_line(f"{name:<{_FACT_COLUMN}}{value}").rstrip(), flush=True)


def note(text: str) -> None:
    """Prints a note, which is not an error, on stderr."""
    print(f"note: {one_line(text)}", file=sys.stderr)


@contextlib.contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Prints what the package warns of as notes, each text once; from all threads."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, (UserWarning, RuntimeWarning)):
                note(str(message))
            else:
                shown(message, category, *where, **more)

        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("default", category)
        warnings.showwarning = show
        yield
