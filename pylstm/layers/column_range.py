"""Between which bounds the values of rows stay, whatever goes in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ColumnRange", "activated"]

Array = NDArray[np.float64]

# How far rounding may take a probability out of 0 to 1.
ROUNDING = 1e-6

# Functions whose values are from 0 to 1, whatever they take.
_UNIT_FUNCTIONS = ("sigmoid", "hard_sigmoid", "softmax")

# Functions that leave what is above 0 as it is, or make it smaller, but not negative.
_SHRINKING = ("leaky_relu", "prelu", "elu", "gelu", "gelu_tanh", "silu")


class ColumnRange(NamedTuple):
    """The smallest and the largest value that each column of a row can have, each (width,).

    Bounds may be wider than what a layer gives, never narrower but for rounding.
    """

    low: Array
    high: Array

    @classmethod
    def of(cls, width: int, low: float = -np.inf, high: float = np.inf) -> ColumnRange:
        """The same bounds for each column; by default there are none."""
        return cls(np.full(width, low), np.full(width, high))

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.low)

    @property
    def is_unit(self) -> NDArray[np.bool_]:
        """Of each column, whether it stays from 0 to 1."""
        return (self.low >= -ROUNDING) & (self.high <= 1 + ROUNDING)


def activated(
    function: str, given: ColumnRange, low: float = 0.0, high: float = 0.0
) -> ColumnRange:
    """The range of an activation of values; low and high are those of ``clipped_relu``.

    Examples
    --------
    >>> activated("relu", ColumnRange.of(1, -3.0, 2.0))
    ColumnRange(low=array([0.]), high=array([2.]))
    """
    width, above = given.width, np.maximum(given.high, 0.0)
    if function in _UNIT_FUNCTIONS:
        return ColumnRange.of(width, 0.0, 1.0)
    if function == "linear":
        return given
    if function == "clipped_relu":
        return ColumnRange(np.clip(given.low, low, high), np.clip(given.high, low, high))
    if function in ("tanh", "softsign"):  # softsign is closer to 0 than tanh is
        return ColumnRange(np.tanh(np.minimum(given.low, 0.0)), np.tanh(above))
    if function in ("relu", "sqrt"):
        floor = np.maximum(given.low, 0.0)
        return (
            ColumnRange(floor, above)
            if function == "relu"
            else ColumnRange(np.sqrt(floor), np.sqrt(above))
        )
    if function == "square":
        return ColumnRange(np.zeros(width), np.maximum(given.low**2, given.high**2))
    if function in _SHRINKING and bool((given.low >= 0).all()):
        return ColumnRange(np.zeros(width), above)
    return ColumnRange.of(width)
