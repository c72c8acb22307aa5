"""The frames of a batch that count: lengths, weights, and what a sequence is pooled from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import described, listing

__all__ = [
    "POOLINGS",
    "check_choice",
    "check_lengths",
    "check_outputs",
    "check_weights",
    "counted",
    "pool",
    "spread",
]

POOLINGS = ("last", "mean")

Array = NDArray[Any]


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """One of several words, or an error that lists them."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}; expected {listing(choices)}")
    return value


def check_outputs(outputs: object) -> Array:
    """What a network gave: (T, B, O), none of them zero, float32 (or float64, for checks)."""
    if not isinstance(outputs, np.ndarray) or outputs.dtype not in (np.float32, np.float64):
        raise TypeError(f"outputs is {described(outputs)}; expected an array of float32")
    if outputs.ndim != 3 or 0 in outputs.shape:
        raise ValueError(f"outputs has shape {outputs.shape}; expected (T, B, O), none of them 0")
    return outputs


def check_lengths(lengths: object, n_frames: int, n_sequences: int) -> NDArray[np.intp] | None:
    """How many frames each sequence has; None when all of them have all frames.

    Raises
    ------
    TypeError, ValueError
        `lengths` is no array of B whole numbers from 1 to T.
    """
    if lengths is None:
        return None
    if not isinstance(lengths, np.ndarray) or lengths.dtype.kind not in "iu":
        raise TypeError(f"lengths is {described(lengths)}; expected an array of whole numbers")
    if lengths.shape != (n_sequences,):
        raise ValueError(
            f"lengths has shape {lengths.shape}; expected ({n_sequences},), one for each sequence"
        )
    least, most = int(lengths.min()), int(lengths.max())
    if least < 1 or most > n_frames:
        wrong = least if least < 1 else most
        raise ValueError(f"lengths holds {wrong}; expected 1 to {n_frames}, the frames of outputs")
    return None if least == n_frames else lengths.astype(np.intp)


def check_weights(name: str, weights: object, shape: tuple[int, ...], dtype: Any) -> Array | None:
    """Weights of frames, sequences or classes, in the dtype of the outputs; None stays None.

    Raises
    ------
    TypeError, ValueError
        No array of numbers, another shape, or a weight that is negative, NaN or infinite.
    """
    if weights is None:
        return None
    if not isinstance(weights, np.ndarray) or weights.dtype.kind not in "fiu":
        raise TypeError(f"{name} is {described(weights)}; expected an array of numbers")
    if weights.shape != shape:
        raise ValueError(f"{name} has shape {weights.shape}; expected {shape}")
    # Written so that NaN is refused too.
    if not (weights.min(initial=0) >= 0 and weights.max(initial=0) < np.inf):
        raise ValueError(f"{name} holds values that are negative or not finite; expected 0 or more")
    return weights.astype(dtype, copy=False)


def counted(lengths: NDArray[np.intp], n_frames: int) -> NDArray[np.bool_]:
    """(T, B): True on the frames of each sequence, False past its length.

    Examples
    --------
    >>> counted(np.array([2, 3]), 3).astype(int)
    array([[1, 1], [1, 1], [0, 1]])
    """
    mask: NDArray[np.bool_] = np.arange(n_frames)[:, None] < lengths
    return mask


def pool(outputs: Array, lengths: NDArray[np.intp] | None, pooling: str) -> Array:
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
    # Not a product with the mask: what stands past the lengths may be NaN.
    rows: Array = outputs.sum(axis=0, where=counted(lengths, n_frames)[:, :, None])
    rows /= lengths[:, None].astype(rows.dtype)
    return rows


def spread(gradient: Array, lengths: NDArray[np.intp] | None, pooling: str, n_frames: int) -> Array:
    """The gradient with respect to what `pool` got, from that with respect to what it gave.

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
