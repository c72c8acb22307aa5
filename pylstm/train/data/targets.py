"""Targets: what a sequence is to be answered with, and what may go wrong with one."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import described

__all__ = [
    "Per",
    "Targets",
    "check_as_many",
    "fitting",
    "frames_of",
    "per_of",
    "target_of",
    "weight_of",
]

Per = Literal["frame", "sequence", "transcript"]
Targets = NDArray[Any] | list[NDArray[np.int64]]


def frames_of(name: str, x: object) -> NDArray[np.float32]:
    """Frames of one sequence, as they came."""
    if not isinstance(x, np.ndarray) or x.dtype != np.float32 or x.ndim != 2:
        raise TypeError(f"{name} is {described(x)}; expected a float32 array (T, F)")
    if 0 in x.shape:
        raise ValueError(f"{name} has shape {x.shape}; expected one frame and one value at least")
    if not np.isfinite(x).all():
        frame, value = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(
            f"{name} is {x[frame, value]} at frame {frame}, value {value}; expected finite values"
        )
    return x


def check_as_many(name: str, values: Any, n: int) -> None:
    """One value for each of n sequences."""
    if not hasattr(values, "__len__") or isinstance(values, (str, bytes, dict)):
        raise TypeError(f"{name} is {type(values).__name__}; expected a list, one a sequence")
    if len(values) != n:
        raise ValueError(f"{name} has {len(values)} entries; expected {n}, one a sequence")


def target_of(name: str, y: object) -> NDArray[Any]:
    """int64 or float32; any whole numbers fit the one, nothing else is cast."""
    array = np.asarray(y)
    if array.dtype.kind in "iu":
        if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
            raise ValueError(f"{name} is above what an int64 holds; expected less")
        return array.astype(np.int64)
    if array.dtype != np.float32 or array.ndim == 0:
        raise TypeError(f"{name} is {described(y)}; expected whole numbers, or an array of float32")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite values")
    return array


def per_of(per: Per | None, targets: list[NDArray[Any]], lengths: NDArray[np.int64]) -> Per:
    """What a target belongs to: what was said, or what leaves no doubt."""
    if per is not None:
        if per not in get_args(Per):
            raise ValueError(f"per is {per!r}; expected 'frame', 'sequence' or 'transcript'")
        return per
    if all(y.ndim == 0 for y in targets):
        return "sequence"
    if all(y.ndim > 0 and len(y) == n for y, n in zip(targets, lengths, strict=True)):
        return "frame"
    raise ValueError(
        "ys are neither a whole number for each sequence nor arrays as long as their xs; say what a"
        " target belongs to: per='frame', 'sequence' or 'transcript'"
    )


def fitting(
    targets: list[NDArray[Any]], per: Per, lengths: NDArray[np.int64]
) -> list[NDArray[Any]]:
    """The targets, each of the shape that `per` asks for."""
    kind, tail = targets[0].dtype, targets[0].shape[1 if per == "frame" else 0 :]
    for place, (y, n) in enumerate(zip(targets, lengths, strict=True)):
        if y.dtype != kind:
            raise TypeError(f"ys[{place}] is {y.dtype}, ys[0] is {kind}; expected the same")
        if per == "transcript":
            if y.ndim != 1 or kind != np.int64:
                raise TypeError(f"ys[{place}] is {described(y)}; expected (L,) whole numbers")
        elif y.shape != (expected := ((int(n),) if per == "frame" else ()) + tail):
            raise ValueError(f"ys[{place}] has shape {y.shape}; expected {expected}, per {per}")
    return targets


def weight_of(name: str, w: object, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """How much a sequence or its frames count, 0 or more."""
    array = np.asarray(w)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} is {described(w)}; expected numbers")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}")
    with np.errstate(over="ignore"):  # what does not fit is refused as infinite
        array = array.astype(np.float32)
    if not (np.isfinite(array).all() and (array >= 0).all()):
        raise ValueError(f"{name} holds a negative value, NaN or infinity; expected 0 or more")
    return array
