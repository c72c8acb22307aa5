"""How much of the audio has been heard, as a bar on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import TimeRemainingColumn

from pylstm.progress_bar import ProgressBar

__all__ = ["LONG", "audio_progress"]

LONG = 30.0
"""Seconds of audio from which on there is a bar."""


@contextmanager
def audio_progress(seconds: float | None) -> Iterator[Callable[[float], None]]:
    """Shows how much of the audio has been heard, if stderr is a terminal and the audio is long.

    Parameters
    ----------
    seconds : float or None
        Length of the audio; None: unknown, no bar.

    Yields
    ------
    callable
        Takes the seconds that have been heard.
    """
    if seconds is None or seconds <= LONG or sys.stderr is None or not sys.stderr.isatty():
        yield lambda heard: None
        return
    length = f"{int(seconds) // 60}:{int(seconds) % 60:02}"
    with ProgressBar(TimeRemainingColumn()) as bar:
        yield lambda heard: bar.show(
            "listening", heard, seconds, f"{min(heard / seconds, 1):.0%} of {length}"
        )
