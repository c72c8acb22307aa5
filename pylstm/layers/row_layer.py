"""The base class of layers that remember nothing: each row by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.layers.layer import Layer
from pylstm.layers.weights import Weights

if TYPE_CHECKING:
    from pylstm.bulk.bulk_layer import PassSettings
    from pylstm.bulk.packed_sequences import Packed
    from pylstm.bulk.states import State

__all__ = ["RowLayer"]

Array = NDArray[np.float32]


class RowLayer(Layer):
    """A layer that remembers nothing: what comes out depends on the row that goes in alone."""

    def _take_or_start(
        self, weights: Mapping[str, Any] | None, seed: int | None, start: Mapping[str, float]
    ) -> None:
        """Sets the weights: those given, checked, or all values of each as `start` says."""
        if weights is not None:
            self._take(weights, 1, seed)
            return
        self.weights = {
            name: np.full(shape, start[name], np.float32) for name, shape in self.shapes.items()
        }

    def rows(self, weights: Weights, x: Array) -> Array:
        """The outputs for rows x (rows, input_size) and weights as in `Layer.in_bulk`."""
        raise NotImplementedError

    def rows_backward(
        self, weights: Weights, x: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        """Adds to the gradients of the weights; gives that of x, or None without `d_inputs`.

        x and y are what `rows` took and gave, dy is the gradient of the loss with respect to y.
        """
        raise NotImplementedError

    def in_bulk(self, weights: Weights, gradients: bool) -> RowPass:
        """The layer, ready for passes over whole batches: see `Layer.in_bulk`."""
        return RowPass(self, weights)


class RowPass:
    """A row layer and weights: a `pylstm.bulk.bulk_layer.BulkLayer`."""

    kept_per_row = 0
    """A tape holds only the input and output rows, which are not counted."""

    def __init__(self, layer: RowLayer, weights: Weights) -> None:
        self._layer, self._weights = layer, weights

    def out_packed(self, packed: Packed) -> Packed:
        """The same: see `BulkLayer.out_packed`."""
        return packed

    def forward(
        self, x: Array, packed: Packed, state: State | None, settings: PassSettings
    ) -> tuple[Array, State, Any]:
        """Runs over all rows: see `BulkLayer.forward`."""
        y = self._layer.rows(self._weights, x)
        return y, (), (x, y) if settings.keep else None

    def backward(
        self, tape: Any, dy: Array, d_state: State | None, gradients: Weights, d_x: bool
    ) -> tuple[Array | None, State]:
        """Runs back over a forward pass: see `BulkLayer.backward`."""
        x, y = tape
        return self._layer.rows_backward(self._weights, x, y, dy, gradients, d_x), ()
