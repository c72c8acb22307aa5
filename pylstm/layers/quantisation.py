"""Weights with fewer bytes: bf16 and int8."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["PRECISIONS", "Precision", "bf16_bits", "is_bf16", "round_to_bf16", "to_int8"]

Precision = Literal["float32", "bf16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


def round_to_bf16(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounds to the nearest float32 whose lower half is zero, ties to even; never to infinity."""
    bits = np.minimum(np.abs(array), np.float32(3.3895314e38)).view(np.uint32)
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
    return np.copysign(bits.view(np.float32), array)


def is_bf16(array: NDArray[np.float32]) -> bool:
    """Whether the lower halves of all values are zero."""
    return not (array.view(np.uint32) & 0xFFFF).any()


def bf16_bits(array: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper halves: bf16 as a model file holds it."""
    return (array.view(np.uint32) >> 16).astype(np.uint16)


def to_int8(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rounds to bytes, the largest magnitude of each row becoming 127. Returns them and the value
    of one step in each row. A row is everything of one output, of more than one axis too."""
    rows = matrix.reshape(len(matrix), -1)
    scale: NDArray[Any] = np.abs(rows).max(axis=1) / np.float32(127)
    # A row of zeros (or of subnormals, which the engine flushes) has nothing to scale.
    usable = scale >= np.finfo(np.float32).tiny
    steps = np.rint(rows / np.where(usable, scale, 1)[:, None])
    return (
        (steps * usable[:, None]).astype(np.int8).reshape(matrix.shape),
        np.where(usable, scale, 0).astype(np.float32),
    )
