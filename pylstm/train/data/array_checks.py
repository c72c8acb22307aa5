"""Checks of the sequences, targets and weights that `Arrays` is given."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import described, number_of
from pylstm.train.data.batch import Per

__all__ = [
    "check_as_many",
    "fitting",
    "frames_of",
    "per_of",
    "target_of",
    "weight_of",
]


def frames_of(name: str, x: object) -> NDArray[np.float32]:
    """The frames of one sequence, unchanged."""
    if not isinstance(x, np.ndarray) or x.dtype != np.float32 or x.ndim != 2:
        raise TypeError(f"{name} is {described(x)}; expected a float32 array (T, F)")
    if 0 in x.shape:
        raise ValueError(f"{name} has shape {x.shape}; expected at least one frame and one value")
    if not np.isfinite(x).all():
        frame, value = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(
            f"{name} is {x[frame, value]} at frame {frame}, value {value}; expected finite values"
        )
    return x


def check_as_many(name: str, values: Any, n: int) -> None:
    """Refuses anything but one value for each of n sequences."""
    if not hasattr(values, "__len__") or isinstance(values, (str, bytes, dict)):
        raise TypeError(
            f"{name} is {type(values).__name__}; expected a list, one entry for each sequence"
        )
    if len(values) != n:
        found = number_of(len(values), "entry", "entries")
        raise ValueError(f"{name} has {found}; expected {n}, one for each sequence")


def target_of(name: str, y: object) -> NDArray[Any]:
    """A target as int64, from whole numbers of any kind, or as float32; nothing else is cast."""
    array = np.asarray(y)
    if array.dtype.kind in "iu":
        if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
            raise ValueError(f"{name} holds {array.max()}; expected what an int64 can hold")
        return array.astype(np.int64)
    if array.dtype != np.float32 or array.ndim == 0:
        raise TypeError(f"{name} is {described(y)}; expected whole numbers, or an array of float32")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite values")
    return array


def per_of(
    name: str, per: Per | None, targets: list[NDArray[Any]], lengths: NDArray[np.int64]
) -> Per:
    """What a target belongs to, given or derived from the shapes."""
    if per is not None:
        if per not in get_args(Per):
            raise ValueError(f"per is {per!r}; expected 'frame', 'sequence' or 'transcript'")
        return per
    if all(y.ndim == 0 for y in targets):
        return "sequence"
    if all(y.ndim > 0 and len(y) == n for y, n in zip(targets, lengths, strict=True)):
        return "frame"
    place, y, n = next(
        (place, y, int(n))
        for place, (y, n) in enumerate(zip(targets, lengths, strict=True))
        if y.ndim == 0 or len(y) != n
    )
    has = "is one number" if y.ndim == 0 else f"has {number_of(len(y), 'entry', 'entries')}"
    raise ValueError(
        f"{name}[{place}] {has}, xs[{place}] {number_of(n, 'frame')}; expected {n}, one for each"
        " frame, and so for all, or a whole number for each sequence, or else per='sequence' or"
        " per='transcript' to say what a target belongs to"
    )


def fitting(
    name: str, targets: list[NDArray[Any]], per: Per, lengths: NDArray[np.int64]
) -> list[NDArray[Any]]:
    """The targets, if each has the shape that `per` asks for."""
    kind, tail = targets[0].dtype, targets[0].shape[1 if per == "frame" else 0 :]
    for place, (y, n) in enumerate(zip(targets, lengths, strict=True)):
        if y.dtype != kind:
            raise TypeError(f"{name}[{place}] is {y.dtype}; expected {kind}, as {name}[0]")
        if per == "transcript":
            if y.ndim != 1 or kind != np.int64:
                raise TypeError(f"{name}[{place}] is {described(y)}; expected (L,) whole numbers")
        elif y.shape != (expected := ((int(n),) if per == "frame" else ()) + tail):
            raise ValueError(f"{name}[{place}] has shape {y.shape}; expected {expected}, per {per}")
    return targets


def weight_of(name: str, w: object, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The weight of a sequence or of its frames as float32."""
    array = np.asarray(w)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} is {described(w)}; expected numbers")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}")
    with np.errstate(over="ignore"):  # values that do not fit become infinite and are refused
        array = array.astype(np.float32)
    if not (np.isfinite(array).all() and (array >= 0).all()):
        raise ValueError(f"{name} holds a negative value, NaN or infinity; expected 0 or more")
    return array
