"""Pooling over time and positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import choice, count, flag
from pylstm.layers.column_range import ColumnRange
from pylstm.layers.layer import MAX_DIMENSION
from pylstm.layers.output_values import ValueRange, together
from pylstm.layers.position_layer import PositionLayer
from pylstm.layers.settings import FLAG, PAIR, SIZE, choice_of
from pylstm.layers.weights import Shape, Weights
from pylstm.layers.window_layer import Padding

__all__ = ["POOL_MODES", "Pool", "PoolMode"]

Array = NDArray[np.float32]

PoolMode = Literal["max", "mean"]
POOL_MODES: tuple[PoolMode, ...] = get_args(PoolMode)


class Pool(PositionLayer):
    r"""The largest value, or the mean, of each channel over a window of time and positions.

    .. math::

        y_{j, q, c} = \max_{i, m} x_{j s - l + i,\; q s' - l' + m,\; c}
        \qquad\text{or}\qquad
        y_{j, q, c} = \frac{1}{N} \sum_{i, m} x_{j s - l + i,\; q s' - l' + m,\; c}

    as ``torch.nn.MaxPool2d`` and ``torch.nn.AvgPool2d`` have it (PyTorch 2.13). Positions outside
    of a row take no part in a maximum; in a mean they are zeros. Rows outside of the sequence are
    rows of zeros, as for `Conv`, and take part in both.

    Parameters
    ----------
    input_size : int
        Width of the rows that go in: positions × channels, position by position.
    mode : {"max", "mean"}
        What comes out.
    kernel_size : int
        Rows that one output row sees.
    stride : int, optional
        Rows that go in for each that comes out. None: kernel_size, as in PyTorch.
    padding : {"valid", "causal"} or (int, int)
        As for `Conv`.
    positions : int
        Positions of the rows that go in.
    kernel_positions : int
        Positions that one position sees.
    stride_positions : int, optional
        None: kernel_positions.
    padding_positions : (int, int)
        Positions below the first and above the last.
    count_include_pad : bool
        Whether N, in a mean, counts positions outside of the row.
    weights, seed
        There are none to give or to draw: an empty mapping, or None.

    Raises
    ------
    TypeError, ValueError
        An argument is not what it should be, or a window does not fit.

    Examples
    --------
    >>> Pool(40, "max", 2).n_rows_out(101)
    50
    >>> Pool(40, "mean", positions=20, kernel_positions=20).n_outputs
    2
    """

    kind = "pool"
    streams = True
    settings = MappingProxyType(
        {
            "input_size": SIZE,
            "mode": choice_of(POOL_MODES),
            "kernel_size": SIZE,
            "stride": SIZE,
            "padding": PAIR,
            "positions": SIZE,
            "kernel_positions": SIZE,
            "stride_positions": SIZE,
            "padding_positions": PAIR,
            "count_include_pad": FLAG,
        }
    )

    def __init__(
        self,
        input_size: int,
        mode: PoolMode,
        kernel_size: int = 1,
        stride: int | None = None,
        padding: Padding = "valid",
        *,
        positions: int = 1,
        kernel_positions: int = 1,
        stride_positions: int | None = None,
        padding_positions: tuple[int, int] = (0, 0),
        count_include_pad: bool = True,
        weights: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        self.mode = choice("mode", mode, POOL_MODES)
        self._take_time(kernel_size, kernel_size if stride is None else stride, 1, padding)
        if stride_positions is None:
            stride_positions = kernel_positions
        self._take_positions(positions, kernel_positions, stride_positions, 1, padding_positions)
        self.count_include_pad = flag("count_include_pad", count_include_pad)
        self._take(weights, 1, seed)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: output_positions × channels."""
        return self.output_positions * self.channels

    @property
    def shapes(self) -> dict[str, Shape]:
        """There are no weights."""
        return {}

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the values stay: see `Layer.column_range`. Some may be zeros from
        outside."""
        low, high = min(inputs[0].low.min(), 0.0), max(inputs[0].high.max(), 0.0)
        return ColumnRange.of(self.n_outputs, low, high)

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: those of the input, and zeros outside of it."""
        return together([*inputs, (0.0, 0.0)])

    # --- whole batches ----------------------------------------------------------------------------

    def _counts(self) -> Array:
        """N for each position that comes out: (positions, 1)."""
        inside = np.ones((1, 1, self.positions), np.float32)
        seen = self.position_windows.apart(inside).sum((0, 2, 3))
        if self.count_include_pad:
            seen[...] = self.kernel_positions
        counts: Array = seen * np.float32(self.kernel_size)
        return counts

    def _seen(self, taps: Array, outside: float) -> Array:
        """What each output sees: (n, positions, values, channels)."""
        patches = self.position_windows.apart(taps, outside)
        n, positions, k, m, channels = patches.shape
        return patches.reshape(n, positions, k * m, channels)

    def windows(self, weights: Weights, taps: Array) -> Array:
        """The outputs for what they see: see `WindowLayer.windows`."""
        if self.mode == "max":
            y = self._seen(taps, -np.inf).max(2)
        else:
            y = self._seen(taps, 0).sum(2) / self._counts()
        return y.reshape(len(taps), self.n_outputs)

    def windows_backward(
        self, weights: Weights, taps: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        """Gradients: see `WindowLayer.windows_backward`. That of a maximum goes to the first value
        that is as large, the oldest row and the lowest position first."""
        if not d_inputs:
            return None
        seen = self._seen(taps, -np.inf)
        d = dy.reshape(len(taps), self.output_positions, self.channels)
        if self.mode == "max":
            d_seen = np.zeros_like(seen)
            np.put_along_axis(d_seen, seen.argmax(2)[:, :, None], d[:, :, None], 2)
        else:
            d_seen = np.broadcast_to((d / self._counts())[:, :, None], seen.shape)
        shape = (*d.shape[:2], self.kernel_size, self.kernel_positions, self.channels)
        return self.position_windows.together(d_seen.reshape(shape))
