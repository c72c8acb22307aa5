"""The base class of layers that see a window in time: convolutions, pools, stacks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, shown
from pylstm.layers.layer import MAX_DIMENSION, Layer, Rows
from pylstm.layers.weights import Weights

if TYPE_CHECKING:
    from pylstm.bulk.bulk_layer import PassSettings
    from pylstm.bulk.packed_sequences import Packed
    from pylstm.bulk.states import State
    from pylstm.bulk.time_windows import TimeWindows

__all__ = ["MAX_KERNEL", "MAX_WINDOW", "Padding", "WindowLayer", "two_counts"]

Array = NDArray[np.float32]

Padding = Literal["valid", "causal"] | tuple[int, int]

# The limits of the core: rows that one output adds up, and how far the first is behind the last.
MAX_KERNEL = 128
MAX_WINDOW = 4096

# Floats of a pass's windows that stand in memory at once: several times the rows, so not for all.
FLOATS_AT_ONCE = 1 << 20


def two_counts(name: str, value: Any, most: int = MAX_DIMENSION) -> tuple[int, int]:
    """Two whole numbers from 0 on."""
    if isinstance(value, tuple | list) and len(value) == 2:
        first, second = value
        return count(f"{name}[0]", first, 0, most), count(f"{name}[1]", second, 0, most)
    raise TypeError(f"{name} is {shown(value)}; expected two whole numbers, such as (1, 0)")


class WindowLayer(Layer):
    r"""A layer that sees a window in time: output row j depends on the rows

    .. math:: x_{j s - l + i d}, \qquad i = 0 \ldots k - 1

    alone, with k kernel_size, s stride, d dilation and l rows of zeros before the first row.
    """

    kernel_size: int
    stride: int
    dilation: int
    padding: tuple[int, int]
    """Rows of zeros before the first row and after the last."""

    @property
    def window(self) -> int:
        """Rows from the first to the last that an output row sees."""
        return (self.kernel_size - 1) * self.dilation + 1

    def row_times(self, first: int, period: int) -> tuple[int, int]:
        """Which frames of the features its rows stand for: see `Layer.row_times`."""
        return first + period * (self.window - 1 - sum(self.padding)), period * self.stride

    def n_rows_out(self, n_rows: Rows) -> Rows:
        """How many rows come out of a whole sequence of so many; for an int or an array."""
        found: Rows = (n_rows + sum(self.padding) - self.window) // self.stride + 1
        return found * (found > 0)

    def _take_time(self, kernel_size: int, stride: int, dilation: int, padding: Any) -> None:
        """Checks and sets what the window is."""
        self.kernel_size = count("kernel_size", kernel_size, 1, MAX_KERNEL)
        self.stride = count("stride", stride, 1, MAX_WINDOW)
        self.dilation = count("dilation", dilation, 1, MAX_WINDOW)
        if self.window - 1 > MAX_WINDOW:
            most = MAX_WINDOW // (self.kernel_size - 1)
            raise ValueError(
                f"dilation is {self.dilation}; expected 1 to {most} with a kernel_size of"
                f" {self.kernel_size}"
            )
        self.padding = self._padding(padding)

    def _padding(self, padding: Any) -> tuple[int, int]:
        beside = self.window - 1
        if isinstance(padding, str) or padding is None:
            if padding not in ("valid", "causal"):
                raise ValueError(
                    f"padding is {shown(padding)}; expected 'valid', 'causal' or two whole numbers"
                )
            return (0, 0) if padding == "valid" else (beside, 0)
        left, right = two_counts("padding", padding, MAX_WINDOW)
        if left + right > beside:
            raise ValueError(
                f"padding is {(left, right)}; expected a sum of at most {beside}: a window is"
                f" {self.window} wide, and sees at least one row of the sequence"
            )
        return left, right

    # --- whole batches ----------------------------------------------------------------------------

    def windows(self, weights: Weights, taps: Array) -> Array:
        """The outputs (n, n_outputs) for what each of them sees, (n, kernel_size, input_size)."""
        raise NotImplementedError

    def windows_backward(
        self, weights: Weights, taps: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        """Adds to the gradients of the weights; gives that of taps, or None without `d_inputs`.

        taps and y are what `windows` took and gave, dy is the gradient of the loss with respect to
        y.
        """
        raise NotImplementedError

    def floats_per_row(self) -> int:
        """Floats that a pass has in memory for an output row, about."""
        return self.kernel_size * self.input_size

    def in_bulk(self, weights: Weights, gradients: bool) -> WindowPass:
        """The layer, ready for passes over whole batches: see `Layer.in_bulk`."""
        return WindowPass(self, weights)


class WindowPass:
    """A layer with a window and weights: a `pylstm.bulk.bulk_layer.BulkLayer`."""

    kept_per_row = 0
    """A tape holds only the input and output rows, which are not counted."""

    def __init__(self, layer: WindowLayer, weights: Weights) -> None:
        self._layer, self._weights = layer, weights

    def out_packed(self, packed: Packed) -> Packed:
        """The rows that come out: see `BulkLayer.out_packed`."""
        return packed.resized(self._layer.n_rows_out)

    def _windows(self, packed: Packed, after: Packed) -> TimeWindows:
        from pylstm.bulk.time_windows import TimeWindows  # imported only where SciPy is needed

        layer = self._layer
        return TimeWindows(
            packed, after, layer.kernel_size, layer.stride, layer.dilation, layer.padding[0]
        )

    def _parts(self, rows: int) -> Iterator[slice]:
        """Some output rows after the others, few enough for the memory."""
        most = max(1, FLOATS_AT_ONCE // self._layer.floats_per_row())
        for first in range(0, rows, most):
            yield slice(first, min(rows, first + most))

    def forward(
        self, x: Array, packed: Packed, state: State | None, settings: PassSettings
    ) -> tuple[Array, State, Any]:
        """Runs over all rows: see `BulkLayer.forward`."""
        after = self.out_packed(packed)
        windows = self._windows(packed, after)
        y = np.empty((after.rows, self._layer.n_outputs), np.float32)
        for part in self._parts(after.rows):
            y[part] = self._layer.windows(self._weights, windows.gather(x, part))
        return y, (), (x, y, windows) if settings.keep else None

    def backward(
        self, tape: Any, dy: Array, d_state: State | None, gradients: Weights, d_x: bool
    ) -> tuple[Array | None, State]:
        """Runs back over a forward pass: see `BulkLayer.backward`."""
        x, y, windows = tape
        dx = np.zeros_like(x) if d_x else None
        for part in self._parts(len(y)):
            d_taps = self._layer.windows_backward(
                self._weights, windows.gather(x, part), y[part], dy[part], gradients, d_x
            )
            if dx is not None:
                windows.add_to(dx, d_taps, part)
        return dx, ()
