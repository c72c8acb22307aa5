"""Ctrl-C while modules are loaded: it ends the process, as nothing is there yet to be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["importing"]


@contextmanager
def importing() -> Iterator[None]:
    """A context in which the first Ctrl-C ends the process at once, without a traceback.

    Python raises `KeyboardInterrupt` wherever it is, in the middle of its machinery of imports too.
    There it may be swallowed while the lock of all imports is held, and the next thread that
    imports anything waits for ever. A shell says 130, as of any process that Ctrl-C ended.

    Where something else than Python's own handler is set, and in threads, this does nothing.
    """
    ours = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not ours or before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
