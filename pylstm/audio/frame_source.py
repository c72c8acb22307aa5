"""What audio is read from, frame by frame: a file that libsndfile reads, or samples in bytes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrameSource"]


class FrameSource(Protocol):
    """Frames from the first to the last.

    Attributes
    ----------
    rate, channels : int
        Hz and channels.
    frames : int or None
        How many frames there are, as far as headers tell; None: they do not.
    declared : float or None
        How many the header declares; None: it leaves that open.
    subtype : str
        ``"FLOAT"`` and ``"DOUBLE"`` may hold NaN.
    ends_early : bool
        Whether it is known to end before its last frame.
    unfinished : str or None
        What is left behind the last whole frame, in words.
    doubled : bool
        Whether there is one channel, and it is certain that all samples come twice: interleaved
        stereo that is taken for one channel.
    live : bool
        Whether frames are to be read as soon as they come, a few at a time.
    """

    rate: int
    channels: int
    frames: int | None
    declared: float | None
    subtype: str
    ends_early: bool
    unfinished: str | None
    live: bool

    @property
    def doubled(self) -> bool: ...

    def read(self, count: int) -> NDArray[np.float32]:
        """The next frames, shape (n, channels); fewer than `count`: there are no more."""

    def skip(self, frames: int) -> None:
        """Goes to a frame, counted from the first."""

    def exactly(self, frame: int) -> NDArray[np.float64]:
        """One frame that was read, shape (channels,), in its own precision."""

    def close(self) -> None:
        """Closes what it reads from."""
