"""Ctrl-C as a request to stop, which a command meets when it has done what it is doing."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

__all__ = ["StopRequest"]


class StopRequest:
    """A context in which Ctrl-C, and a request to terminate, set `made`; a second one is raised
    as `KeyboardInterrupt`, for a command that hangs.

    Outside of the main thread, where no signals arrive, it is never made.

    Attributes
    ----------
    made : bool
        Whether the user wants it to stop.
    """

    def __init__(self) -> None:
        self.made = False
        self._before: dict[int, Any] = {}

    def _make(self, number: int, frame: FrameType | None) -> None:
        if self.made:
            raise KeyboardInterrupt
        self.made = True

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._make)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
