"""Ctrl-C during a training: it ends where nothing is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Interrupts"]


class Interrupts:
    """A context in which the first Ctrl-C is a wish and the second one an order.

    The first sets `wanted`, for the training to end when the step that it is in is done. The second
    raises `KeyboardInterrupt`, as Python does, but never inside of `whole`.

    Signals reach the main thread alone: in any other this does nothing. A process that ignores
    Ctrl-C (``nohup``, in the background) goes on ignoring it.

    Attributes
    ----------
    wanted : bool
        Whether someone has asked for an end.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._insisted = False
        self._whole = 0
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            # None: a handler that was not installed from Python, and that Python cannot bring back.
            if before is not None and before is not signal.SIG_IGN:
                self._before = before
                signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    @contextmanager
    def whole(self) -> Iterator[None]:
        """What is done inside is done to its end; a Ctrl-C that insisted meanwhile comes after."""
        self._whole += 1
        try:
            yield
        finally:
            self._whole -= 1
        if self._insisted and not self._whole:
            self._insisted = False
            raise KeyboardInterrupt

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if not self.wanted:
            self.wanted = True
        elif self._whole:
            self._insisted = True
        else:
            raise KeyboardInterrupt
