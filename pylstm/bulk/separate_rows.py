"""Passes of a layer that remembers nothing: each row by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pylstm.bulk.bulk_layer import PassSettings
    from pylstm.bulk.packed_sequences import Packed
    from pylstm.bulk.states import State

__all__ = ["SeparateRows"]

Array = NDArray[np.float32]


class SeparateRows:
    """A `pylstm.bulk.bulk_layer.BulkLayer` from two functions of rows.

    Parameters
    ----------
    rows : callable
        ``rows(x)``: the outputs.
    rows_backward : callable
        ``rows_backward(x, y, dy, gradients, d_inputs)``: adds to the gradients of the weights, and
        gives that of x, or None without `d_inputs`.
    """

    kept_per_row = 0
    """A tape holds only the input and output rows, which are not counted."""

    def __init__(self, rows: Callable[..., Array], rows_backward: Callable[..., Any]) -> None:
        self._rows, self._rows_backward = rows, rows_backward

    def forward(
        self, x: Array, packed: Packed, state: State | None, settings: PassSettings
    ) -> tuple[Array, State, Any]:
        """Runs over all rows: see `BulkLayer.forward`."""
        y = self._rows(x)
        return y, (), (x, y) if settings.keep else None

    def backward(
        self, tape: Any, dy: Array, d_state: State | None, gradients: dict[str, Array], d_x: bool
    ) -> tuple[Array | None, State]:
        """Runs back over a forward pass: see `BulkLayer.backward`."""
        return self._rows_backward(*tape, dy, gradients, d_x), ()
