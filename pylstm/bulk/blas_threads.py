"""Keeps BLAS on one thread, because the sequences of a batch run in parallel."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

__all__ = ["one_blas_thread"]


@cache
def _controller() -> Any:
    try:
        # Loaded first, so that their BLAS are among those that the controller finds.
        import scipy.linalg.cython_blas  # noqa: F401
        from threadpoolctl import ThreadpoolController
    except ImportError as error:
        raise ImportError(
            f'training needs SciPy and threadpoolctl: pip install "pylstm[train]" ({error})'
        ) from None
    return ThreadpoolController().select(user_api="blas")


# The threads of the process that are inside the context. If each restored what it found on
# entering, the last one to leave might restore the limit that another one had set.
_inside: list[int] = []
_limit: Any = None
# A signal handler may fork while the thread that it interrupted holds the lock.
_lock = threading.RLock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """A context in which every BLAS of the process uses one thread.

    Any number of threads may be inside: the first one sets the limit, the last one lifts it. In the
    child of a fork only the thread that forked is still inside, if it was.
    """
    global _limit
    with _lock:
        if not _inside:
            _limit = _controller().limit(limits=1)
        _inside.append(threading.get_ident())
    try:
        yield
    finally:
        with _lock:
            _inside.remove(threading.get_ident())
            if not _inside:
                _limit.restore_original_limits()


def _leave_those_behind() -> None:
    """In the child of a fork: a new lock, and the limit is lifted if nobody is left inside."""
    global _lock
    _lock = threading.RLock()
    were_inside = bool(_inside)
    _inside[:] = [thread for thread in _inside if thread == threading.get_ident()]
    if were_inside and not _inside:
        _limit.restore_original_limits()


if hasattr(os, "register_at_fork"):  # there are no forks on Windows
    # Held across the fork, so that the child never gets a limit that is half set.
    os.register_at_fork(
        before=lambda: _lock.acquire(),
        after_in_parent=lambda: _lock.release(),
        after_in_child=_leave_those_behind,
    )
