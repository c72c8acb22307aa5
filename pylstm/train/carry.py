"""State from batch to batch: what truncated back-propagation carries on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["carried"]


def carried(state: Any, rows: NDArray[np.int64] | None) -> Any:
    """The state that a batch begins with.

    Parameters
    ----------
    state : nest of lists, tuples, None and arrays of shape (..., B, H)
        What the batch before ended with; None: there was none.
    rows : array, shape (B',), int, or None
        For each row of the batch, the row of the one before that it carries on from; -1: it begins
        anew. None: all begin anew.

    Returns
    -------
    the same nest, arrays of shape (..., B', H); or None, if all begin anew

    Raises
    ------
    ValueError
        A row carries on from one that is not there.

    Examples
    --------
    >>> state = [np.array([[1.0], [2.0]], np.float32), None]
    >>> carried(state, np.array([1, -1, 0]))
    [array([[2.], [0.], [1.]], dtype=float32), None]
    """
    if rows is None or not (rows >= 0).any():
        return None
    if state is None:
        raise ValueError("the first batch carries on from a batch before it: there is none")
    return _taken(state, np.asarray(rows))


def _taken(state: Any, rows: NDArray[np.int64]) -> Any:
    if state is None:
        return None
    if isinstance(state, np.ndarray):
        if rows.max() >= state.shape[-2]:
            raise ValueError(
                f"a row carries on from row {rows.max()} of the batch before,"
                f" which has {state.shape[-2]} rows"
            )
        taken = state.take(np.maximum(rows, 0), axis=-2)
        taken[..., rows < 0, :] = 0
        return taken
    parts = [_taken(part, rows) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
