"""A progress bar on stderr; needs rich."""

from __future__ import annotations

import math
import sys
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn

__all__ = ["ProgressBar"]

_SECONDS_BETWEEN_DRAWINGS = 0.1


class ProgressBar(Progress):
    """A bar with a description before it and a text and a time after it; a context manager.

    Parameters
    ----------
    time : ProgressColumn
        Shows the time.
    """

    def __init__(self, time: ProgressColumn) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            time,
            console=Console(stderr=True, highlight=False, markup=False),
            transient=True,
            # Redrawn by `show`, not by a thread, which would run while the engine is timed.
            auto_refresh=False,
            # On a terminal, stdout is printed above the bar; a file or a pipe gets it unchanged.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )
        self._shown: TaskID | None = None
        self._drawn = -math.inf

    def show(self, description: str, completed: float, total: float | None, text: str) -> None:
        """Draws the progress, at most ten times a second; without a total the bar only moves."""
        if self._shown is None:
            self._shown = self.add_task(description, total=total, text="")
        if monotonic() - self._drawn >= _SECONDS_BETWEEN_DRAWINGS:
            self.update(self._shown, completed=completed, text=text, refresh=True)
            self._drawn = monotonic()

    def replace_by(self, line: str) -> None:
        """Prints a line where the bar was; `show` starts a new bar."""
        if self._shown is not None:
            self.remove_task(self._shown)
            self._shown = None
            self.refresh()  # or printing would draw the old bar once more
        self.console.print(line, soft_wrap=True)
