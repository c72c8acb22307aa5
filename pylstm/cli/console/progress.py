"""A progress bar on stderr, for people who wait."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

__all__ = ["LONG", "progress"]

LONG = 30.0
"""Seconds of audio from which on there is a bar."""


@contextmanager
def progress(seconds: float | None) -> Iterator[Callable[[float], None]]:
    """Shows how much of a recording has been heard, if someone sits there and it is long.

    Parameters
    ----------
    seconds : float or None
        Length of the recording; None: unknown, no bar.

    Yields
    ------
    callable
        Takes the seconds that have been heard.
    """
    if seconds is None or seconds <= LONG or sys.stderr is None or not sys.stderr.isatty():
        yield lambda heard: None
        return
    bar = Progress(
        TextColumn("listening"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn(f"of {int(seconds) // 60}:{int(seconds) % 60:02}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        # Drawn when we say so and not by a thread: that would run while the engine is timed.
        auto_refresh=False,
        # Events go above the bar; in a file or a pipe they must stay what they are.
        redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
    )
    task = bar.add_task("", total=seconds)
    drawn = monotonic()

    def heard(now: float) -> None:
        nonlocal drawn
        if monotonic() - drawn >= 0.1:
            bar.update(task, completed=now)
            bar.refresh()
            drawn = monotonic()

    with bar:
        yield heard
