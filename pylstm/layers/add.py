"""Sums of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from pylstm.layers.column_range import ColumnRange
from pylstm.layers.join import SameWidthJoin
from pylstm.layers.output_values import ValueRange

__all__ = ["Add"]

Array = NDArray[np.float32]


class Add(SameWidthJoin):
    """The sum of rows of one width, as a residual connection has it.

    Rows that belong together stand for the same frame of the features; an input that is early
    waits.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> layers = {"a": pylstm.Dense(3, 3, seed=0), "sum": (Add(), "a", "features")}
    >>> pylstm.Model(None, layers).stream().push_frames(np.ones((5, 3), np.float32)).shape
    (5, 3)
    """

    kind = "add"

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: the sums of the bounds."""
        return sum(low for low, _ in inputs), sum(high for _, high in inputs)

    def join(self, xs: Sequence[Array]) -> Array:
        """The sums: see `Join.join`."""
        return reduce(np.add, xs)

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the sums stay: see `Layer.column_range`."""
        return ColumnRange(
            reduce(np.add, [one.low for one in inputs]),
            reduce(np.add, [one.high for one in inputs]),
        )

    def join_backward(self, xs: Sequence[Array], dy: Array) -> list[Array]:
        """Gradients: see `Join.join_backward`."""
        return [dy] * len(xs)
