"""Rows side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count
from pylstm.layers.column_range import ColumnRange
from pylstm.layers.join import Join
from pylstm.layers.layer import MAX_DIMENSION
from pylstm.layers.output_values import ValueRange, together
from pylstm.layers.settings import SIZE

__all__ = ["Concat"]

Array = NDArray[np.float32]


class Concat(Join):
    """Rows side by side, in the order of the inputs.

    Rows that belong together stand for the same frame of the features; an input that is early
    waits.

    Parameters
    ----------
    positions : int
        Positions that the rows of all inputs have: the channels of each are set side by side, as
        ``torch.cat`` does along the channels. 1: whole rows.
    weights : mapping of str to ndarray, optional
        There are none: empty, or None.
    seed : int, optional
        Changes nothing, because nothing is drawn; all layers take it.

    Examples
    --------
    >>> Concat().output_width([3, 4]), Concat(positions=2).output_width([6, 2])
    (7, 8)
    """

    kind = "concat"
    settings = MappingProxyType({"positions": SIZE})

    def __init__(
        self,
        positions: int = 1,
        *,
        weights: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.positions = count("positions", positions, 1, MAX_DIMENSION)
        super().__init__(weights=weights, seed=seed)

    def joined_width(self, input_widths: list[int]) -> int:
        """Width of the rows that come out: that of all inputs together."""
        for width in input_widths:
            if width % self.positions:
                raise ValueError(
                    f"positions is {self.positions}; expected a divisor of {width}, the width of"
                    " an input"
                )
        return sum(input_widths)

    @property
    def sets_rows_side_by_side(self) -> bool:
        """Whether the rows of its inputs come out as they are, one behind the other."""
        return self.positions == 1

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: those of all inputs."""
        return together(inputs)

    def join(self, xs: Sequence[Array]) -> Array:
        """The rows: see `Join.join`."""
        return self._side_by_side(xs)

    def _side_by_side(self, xs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        # As many rows as there are, of which there may be none.
        parts = [x.reshape(len(x), self.positions, x.shape[1] // self.positions) for x in xs]
        return np.concatenate(parts, axis=2).reshape(len(xs[0]), sum(x.shape[1] for x in xs))

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the values stay: see `Layer.column_range`."""
        return ColumnRange(*self._side_by_side([np.stack(one) for one in inputs]))

    def join_backward(self, xs: Sequence[Array], dy: Array) -> list[Array]:
        """Gradients: see `Join.join_backward`."""
        ends = list(accumulate(x.shape[1] // self.positions for x in xs))
        parts = np.split(dy.reshape(len(dy), self.positions, ends[-1]), ends[:-1], axis=2)
        pairs = zip(xs, parts, strict=True)
        return [np.ascontiguousarray(part).reshape(x.shape) for x, part in pairs]
