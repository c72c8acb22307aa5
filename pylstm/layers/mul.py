"""Products of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from pylstm.layers.column_range import ColumnRange
from pylstm.layers.join import SameWidthJoin
from pylstm.layers.output_values import ValueRange

__all__ = ["Mul"]

Array = NDArray[np.float32]


class Mul(SameWidthJoin):
    """The product of rows of one width, value by value, as a mask or a gate has it.

    Rows that belong together stand for the same frame of the features; an input that is early
    waits.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> layers = {
    ...     "mask": pylstm.Dense(3, 3, "sigmoid", seed=0),
    ...     "masked": (Mul(), "mask", "features"),
    ... }
    >>> pylstm.Model(None, layers).stream().push_frames(np.ones((5, 3), np.float32)).shape
    (5, 3)
    """

    kind = "mul"

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: see `OutputValues.value_range`."""
        return reduce(_product, inputs)

    def join(self, xs: Sequence[Array]) -> Array:
        """The products: see `Join.join`."""
        return reduce(np.multiply, xs)

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the products stay: see `Layer.column_range`."""
        low, high = inputs[0]
        for one in inputs[1:]:
            # A bound of 0 stays 0, also times an infinite one, which no value is.
            corners = [_bounds_product(a, b) for a in (low, high) for b in one]
            low, high = np.min(corners, axis=0), np.max(corners, axis=0)
        return ColumnRange(low, high)

    def join_backward(self, xs: Sequence[Array], dy: Array) -> list[Array]:
        """Gradients: see `Join.join_backward`."""
        # Not the product divided by an input, which may be 0.
        return [
            reduce(np.multiply, [x for k, x in enumerate(xs) if k != place], dy)
            for place in range(len(xs))
        ]


def _bounds_product(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The products of bounds, 0 where one of them is 0."""
    with np.errstate(invalid="ignore"):
        return np.where((a == 0) | (b == 0), 0.0, a * b)


def _product(one: ValueRange, other: ValueRange) -> ValueRange:
    """Between which values products of values of two ranges lie."""
    # 0 times a bound that is infinite: no value is, so that the product is 0.
    corners = [a * b if a and b else 0.0 for a in one for b in other]
    return min(corners), max(corners)
