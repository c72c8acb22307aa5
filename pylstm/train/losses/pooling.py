"""The frames of a batch that count, and how those of a sequence are pooled into one row."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["POOLINGS", "Pooling", "counted", "pool", "spread"]

Pooling = Literal["last", "mean"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

Array = NDArray[Any]


def counted(lengths: NDArray[np.intp], n_frames: int) -> NDArray[np.bool_]:
    """(T, B): True on the frames of each sequence, False past its length.

    Examples
    --------
    >>> counted(np.array([2, 3]), 3).astype(int)
    array([[1, 1], [1, 1], [0, 1]])
    """
    mask: NDArray[np.bool_] = np.arange(n_frames)[:, None] < lengths
    return mask


def pool(outputs: Array, lengths: NDArray[np.intp] | None, pooling: Pooling) -> Array:
    r"""One row for each sequence: its last frame, or the mean of its frames.

    .. math:: z_b = y_{n_b - 1, b} \qquad\text{or}\qquad z_b = \frac{1}{n_b} \sum_{t<n_b} y_{t,b}

    Parameters
    ----------
    outputs : (T, B, O)
    lengths : (B,) or None
        n; None: T each.
    pooling : {"last", "mean"}

    Returns
    -------
    (B, O)
    """
    n_frames, n_sequences, _ = outputs.shape
    if pooling == "last":
        if lengths is None:
            return outputs[-1]
        return outputs[lengths - 1, np.arange(n_sequences)]
    if lengths is None:
        mean: Array = outputs.mean(axis=0)
        return mean
    # Not a product with the mask, because frames past the lengths may be NaN.
    rows: Array = outputs.sum(axis=0, where=counted(lengths, n_frames)[:, :, None])
    rows /= lengths[:, None].astype(rows.dtype)
    return rows


def spread(
    gradient: Array, lengths: NDArray[np.intp] | None, pooling: Pooling, n_frames: int
) -> Array:
    """The gradient with respect to the argument of `pool`, from that with respect to its result.

    Parameters
    ----------
    gradient : (B, O)
    lengths, pooling
        As `pool` got them.
    n_frames : int
        T.

    Returns
    -------
    (T, B, O)
    """
    frames = np.zeros((n_frames, *gradient.shape), gradient.dtype)
    if pooling == "last":
        last = n_frames - 1 if lengths is None else lengths - 1
        frames[last, np.arange(len(gradient))] = gradient
    elif lengths is None:
        frames[:] = gradient / gradient.dtype.type(n_frames)
    else:
        share = gradient / lengths[:, None].astype(gradient.dtype)
        np.copyto(frames, share, where=counted(lengths, n_frames)[:, :, None])
    return frames
