"""Tables of numbers for people, as wide as they need to be."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["percent", "print_table", "table"]


def table(title: str | None = None, justify: Any = "right") -> Table:
    """An empty table without lines; columns and rows are added to it."""
    return Table(
        box=None, padding=(0, 2, 0, 0), pad_edge=False, title=title, title_justify=justify,
        title_style="", header_style="",
    )  # fmt: skip


def print_table(filled: Table) -> None:
    """Prints a table on stdout."""
    # Wider than any table: a pipe has no width, and numbers must not be cut off.
    console = Console(file=sys.stdout, width=10_000, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(filled)
    print("\n".join(line.rstrip() for line in capture.get().splitlines()))


def percent(rate: float | None) -> str:
    """A share as a percentage; a dash where it is not known."""
    return "-" if rate is None else f"{100 * rate:.1f}"
