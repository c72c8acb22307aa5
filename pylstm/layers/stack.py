"""Neighbouring rows side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count
from pylstm.layers.column_range import ColumnRange
from pylstm.layers.layer import MAX_DIMENSION
from pylstm.layers.output_values import ValueRange, together
from pylstm.layers.settings import COUNT, SIZE
from pylstm.layers.weights import Shape, Weights
from pylstm.layers.window_layer import MAX_KERNEL, WindowLayer

__all__ = ["Stack"]

Array = NDArray[np.float32]


class Stack(WindowLayer):
    r"""Each row with those around it side by side, the oldest first; zeros outside of the sequence.

    .. math:: y_j = (x_{j s - l}, \ldots, x_{j s}, \ldots, x_{j s + r})

    This is the context window of acoustic models, and with a stride the stacking of frames of Sak
    et al. [1]_.

    Parameters
    ----------
    input_size : int
        Width of the rows that go in.
    left : int
        l, rows before each.
    right : int
        r, rows after each; a stream waits for them (look-ahead), and they count as latency.
    stride : int
        s, rows that go in for each that comes out.
    weights, seed
        There are none to give or to draw: an empty mapping, or None.

    Raises
    ------
    TypeError, ValueError
        An argument is not what it should be, or a row would be wider than 65,536.

    References
    ----------
    .. [1] H. Sak, A. Senior, K. Rao, F. Beaufays. Fast and Accurate Recurrent Neural Network
       Acoustic Models for Speech Recognition. Interspeech 2015, 1468-1472.

    Examples
    --------
    >>> Stack(26, left=9, right=9).n_outputs
    494
    >>> Stack(40, left=2, stride=3).n_rows_out(10)
    4
    """

    kind = "stack"
    streams = True
    settings = MappingProxyType({"input_size": SIZE, "left": COUNT, "right": COUNT, "stride": SIZE})

    def __init__(
        self,
        input_size: int,
        left: int = 0,
        right: int = 0,
        stride: int = 1,
        *,
        weights: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        most = min(MAX_KERNEL, MAX_DIMENSION // self.input_size) - 1
        self.left = count("left", left, 0, most)
        self.right = count("right", right, 0, most - self.left)
        self._take_time(self.left + 1 + self.right, stride, 1, (self.left, self.right))
        self._take(weights, 1, seed)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: (left + 1 + right) × input_size."""
        return self.kernel_size * self.input_size

    @property
    def shapes(self) -> dict[str, Shape]:
        """There are no weights."""
        return {}

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the values stay: see `Layer.column_range`. Outside are zeros."""
        low, high = np.minimum(inputs[0].low, 0.0), np.maximum(inputs[0].high, 0.0)
        return ColumnRange(np.tile(low, self.kernel_size), np.tile(high, self.kernel_size))

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: those of the input, and zeros outside of it."""
        return together([*inputs, (0.0, 0.0)])

    def windows(self, weights: Weights, taps: Array) -> Array:
        """The outputs for what they see: see `WindowLayer.windows`."""
        return taps.reshape(len(taps), self.n_outputs)

    def windows_backward(
        self, weights: Weights, taps: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        """Gradients: see `WindowLayer.windows_backward`."""
        return dy.reshape(taps.shape)
