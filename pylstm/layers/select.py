"""A part of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count
from pylstm.layers.column_range import ColumnRange
from pylstm.layers.layer import MAX_DIMENSION
from pylstm.layers.output_values import ValueRange
from pylstm.layers.positions import positions_of
from pylstm.layers.row_layer import RowLayer
from pylstm.layers.settings import COUNT, SIZE
from pylstm.layers.weights import Shape, Weights

__all__ = ["Select"]

Array = NDArray[np.float32]


class Select(RowLayer):
    """A range of each row.

    Parameters
    ----------
    input_size : int
        Width of the rows that go in.
    start, stop : int
        The first value that comes out, and the first after it that does not, as a slice has them.
    positions : int
        Positions of the rows: start and stop then count the channels of each. 1: the whole row.
    weights : mapping of str to ndarray, optional
        There are none: empty, or None.
    seed : int, optional
        Changes nothing, because nothing is drawn; all layers take it.

    Examples
    --------
    >>> import numpy as np
    >>> Select(4, 1, 3).forward(np.arange(8, dtype=np.float32).reshape(2, 4))[0]
    array([[1., 2.],
           [5., 6.]], dtype=float32)
    """

    kind = "select"
    streams = True
    settings = MappingProxyType(
        {"input_size": SIZE, "start": COUNT, "stop": SIZE, "positions": SIZE}
    )

    def __init__(
        self,
        input_size: int,
        start: int,
        stop: int,
        positions: int = 1,
        *,
        weights: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        self.positions = positions_of(positions, self.input_size)
        channels = self.input_size // self.positions
        self.start = count("start", start, 0, channels - 1)
        self.stop = count("stop", stop, self.start + 1, channels)
        self._take(weights, 1, seed)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: positions × (stop - start)."""
        return self.positions * (self.stop - self.start)

    @property
    def shapes(self) -> dict[str, Shape]:
        """There are no weights."""
        return {}

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the values stay: see `Layer.column_range`."""
        return ColumnRange(*self._selected(np.stack(inputs[0])).reshape(2, self.n_outputs))

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: those of the input."""
        return inputs[0]

    def _selected(self, x: NDArray[Any]) -> NDArray[Any]:
        """The part of rows that comes out, (rows, positions, channels): a view."""
        by_position = x.reshape(len(x), self.positions, self.input_size // self.positions)
        return by_position[..., self.start : self.stop]

    def rows(self, weights: Weights, x: Array) -> Array:
        """The outputs for rows: see `RowLayer.rows`."""
        return np.ascontiguousarray(self._selected(x)).reshape(len(x), self.n_outputs)

    def rows_backward(
        self, weights: Weights, x: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        """Gradients: see `RowLayer.rows_backward`."""
        if not d_inputs:
            return None
        dx = np.zeros(x.shape, np.float32)
        part = self._selected(dx)
        part[...] = dy.reshape(part.shape)
        return dx
