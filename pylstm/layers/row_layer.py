"""The base class of layers that remember nothing: each row by itself."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from pylstm.bulk.separate_rows import SeparateRows
from pylstm.layers.layer import Layer
from pylstm.layers.weights import Weights

__all__ = ["RowLayer"]

Array = NDArray[np.float32]


class RowLayer(Layer):
    """A layer that remembers nothing: what comes out depends on the row that goes in alone."""

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

    def in_bulk(self, weights: Weights, gradients: bool) -> SeparateRows:
        """The layer, ready for passes over whole batches: see `Layer.in_bulk`."""
        return SeparateRows(partial(self.rows, weights), partial(self.rows_backward, weights))
