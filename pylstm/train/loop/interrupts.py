"""Ctrl-C during a training: the first stops after the current step, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

__all__ = ["Interrupts"]


class Interrupts:
    """A context in which Ctrl-C ends a training without losing anything.

    The first Ctrl-C sets `wanted`, and the training stops after the current step. The second raises
    `KeyboardInterrupt`, as Python does, but not inside `postponed`.

    Only the main thread gets signals: in another thread this does nothing. A process that ignores
    Ctrl-C (``nohup``, in the background) continues to ignore it. Processes that are forked inside
    the context do not train: Ctrl-C does there what it did before.

    Attributes
    ----------
    wanted : bool
        Whether Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._pressed_again = False
        self._postponing = 0
        self._before: Any = None
        self._process = 0

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            # None: a handler that was not installed from Python; Python could not restore it.
            if before is not None and before is not signal.SIG_IGN:
                self._before = before
                self._process = os.getpid()
                signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """A context that a second Ctrl-C does not break off: it is raised at the end."""
        self._postponing += 1
        try:
            yield
        finally:
            self._postponing -= 1
        if self._pressed_again and not self._postponing:
            self._pressed_again = False
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            signal.signal(number, self._before)
            signal.raise_signal(number)
        elif not self.wanted:
            self.wanted = True
        elif self._postponing:
            self._pressed_again = True
        else:
            raise KeyboardInterrupt
