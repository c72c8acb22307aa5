"""Keeps BLAS on one thread, because the sequences of a batch run in parallel."""

from __future__ import annotations

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


# How many threads of the process are inside the context. If each thread restored what it found on
# entering, the last one to leave might restore the limit that another one had set.
_lock = threading.Lock()
_inside = 0
_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """A context in which every BLAS of the process uses one thread.

    Any number of threads may be inside: the first one sets the limit, the last one lifts it.
    """
    global _inside, _limit
    with _lock:
        if not _inside:
            _limit = _controller().limit(limits=1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _limit.restore_original_limits()
