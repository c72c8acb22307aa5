"""BLAS on one thread: the sequences of a batch are what runs in parallel."""

from __future__ import annotations

from contextlib import AbstractContextManager
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


def one_blas_thread() -> AbstractContextManager[Any]:
    """A context in which every BLAS of the process uses one thread, as it is found at first use.

    Returns
    -------
    context manager
    """
    return _controller().limit(limits=1)
