"""One thread at a time, where PyTorch has a thing once in a process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread"]

# A forward pass, or a signal handler that interrupts one, may come here again.
_lock = threading.RLock()


@contextmanager
def one_thread() -> Iterator[None]:
    """A context in which one thread of the process may be, as often as it likes.

    Whoever traces patches the classes of PyTorch, and whoever runs a module changes its mode; both
    put back what they have found. Two threads at once would find what the other one has put there.
    A fork waits until nobody but the thread that forks is inside, so that the child has PyTorch and
    the modules as they are.
    """
    with _lock:
        yield


if hasattr(os, "register_at_fork"):  # there are no forks on Windows
    os.register_at_fork(
        before=lambda: _lock.acquire(),
        after_in_parent=lambda: _lock.release(),
        after_in_child=lambda: _lock.release(),
    )
