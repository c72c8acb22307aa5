"""Frames and lengths of a batch, checked before anything is computed from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine

__all__ = ["check_finite", "check_float32", "check_frames", "check_lengths"]

Array = NDArray[np.float32]


def check_float32(name: str, array: Any) -> None:
    """Refuses what is no NumPy array of float32, and one with a mask."""
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        came = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} is {came}; expected a NumPy array of float32")
    _engine.refuse_masked(name, array)


def check_frames(x: Any, width: int, batched: bool, least: int = 1) -> Array:
    """Checks frames and returns them as float32 in C order.

    Parameters
    ----------
    x : array, shape (T, B, width), or without `batched` also (T, width), float32
    width : int
    batched : bool
    least : int
        The smallest T and B.
    """
    check_float32("x", x)
    if x.shape[-1:] != (width,) or x.ndim not in ((3,) if batched else (2, 3)) or x.size < least:
        expected = f"(T, B, {width})" if batched else f"(T, {width}) or (T, B, {width})"
        raise ValueError(f"x has shape {x.shape}; expected {expected}, T and B at least {least}")
    return np.require(x, requirements=["C", "A", "E"])


def check_finite(name: str, rows: Array) -> None:
    """Raises ValueError where a value is not finite: a pass would hide a NaN in its gates."""
    if not np.isfinite(rows).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite values")


def check_lengths(lengths: Any, count: int, batch: int) -> NDArray[np.int64] | None:
    """Checks the lengths of the sequences of a batch and returns them as int64.

    Parameters
    ----------
    lengths : array of int, shape (batch,), or None
    count : int
        Frames of the longest sequence that fits.
    batch : int

    Returns
    -------
    array, or None if no sequence is shorter
    """
    if lengths is None:
        return None
    found = np.asarray(lengths)
    if found.shape != (batch,) or found.dtype.kind not in "iu":
        raise ValueError(
            f"lengths is {found.dtype} with shape {found.shape}; expected shape ({batch},) of whole"
            " numbers, one for each sequence"
        )
    bad = np.flatnonzero((found < 1) | (found > count))
    if bad.size:
        raise ValueError(f"lengths[{bad[0]}] is {found[bad[0]]}; expected 1 to {count}")
    return None if (found == count).all() else found.astype(np.int64)
