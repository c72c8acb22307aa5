"""Ctrl-C during the first imports ends the process at once, because nothing can be lost yet."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["importing"]


@contextmanager
def importing() -> Iterator[None]:
    """A context in which the first Ctrl-C ends the process at once, without a traceback.

    Python may raise `KeyboardInterrupt` inside an import, where it can be swallowed while the
    import lock is held. The next thread that imports anything then waits forever. The exit code in
    a shell is 130, as of any process that Ctrl-C ended.

    With another handler than Python's own, and in threads, this does nothing.
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
