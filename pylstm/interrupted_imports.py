"""Ctrl-C while modules are loaded: a command ends at once, a library first loads to the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["importing", "interrupts_postponed"]


@contextmanager
def importing() -> Iterator[None]:
    """A context in which the first Ctrl-C ends the process at once, without a traceback.

    Python may raise `KeyboardInterrupt` inside an import, where it can be swallowed while the
    import lock is held. The next thread that imports anything then waits forever. The exit code in
    a shell is 130, as of any process that Ctrl-C ended.

    With another handler than Python's own, and in threads, this does nothing.
    """
    before = signal.getsignal(signal.SIGINT)
    if not _is_main_thread() or before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def interrupts_postponed() -> Iterator[None]:
    """A context that Ctrl-C does not break off: its handler is called at the end.

    Compiled modules that are interrupted while they start cannot be loaded again: without this,
    Ctrl-C during ``import pylstm`` could leave a NumPy that refuses every later import in the
    process. Importing takes a fraction of a second, and so does the wait.

    In threads, and where no Python function is called on Ctrl-C, this does nothing.
    """
    before = signal.getsignal(signal.SIGINT)
    if not _is_main_thread() or not callable(before):
        yield
        return
    pressed = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True

    signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
