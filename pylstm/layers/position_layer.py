"""The base class of layers that see a window in time and over the positions of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, number_of, shown
from pylstm.layers.layer import MAX_DIMENSION
from pylstm.layers.window_layer import WindowLayer, two_counts

if TYPE_CHECKING:
    from pylstm.bulk.position_windows import PositionWindows

__all__ = ["PositionLayer"]

Array = NDArray[np.float32]

# Values of a row with the zeros around it, at most: the core has it in memory.
MAX_PADDED = 2 * MAX_DIMENSION


class PositionLayer(WindowLayer):
    """A layer whose rows have positions: value ``p * channels + c`` of a row is channel c of
    position p."""

    positions: int
    kernel_positions: int
    stride_positions: int
    dilation_positions: int
    padding_positions: tuple[int, int]

    @property
    def channels(self) -> int:
        """Channels of a position of the rows that go in."""
        return self.input_size // self.positions

    @property
    def span(self) -> int:
        """Positions from the first to the last that an output sees."""
        return (self.kernel_positions - 1) * self.dilation_positions + 1

    @property
    def output_positions(self) -> int:
        """Positions of the rows that come out."""
        around = self.positions + sum(self.padding_positions)
        return (around - self.span) // self.stride_positions + 1

    @property
    def position_windows(self) -> PositionWindows:
        """The positions that each position that comes out sees."""
        from pylstm.bulk.position_windows import PositionWindows

        return PositionWindows(
            self.positions,
            self.kernel_positions,
            self.stride_positions,
            self.dilation_positions,
            self.padding_positions,
        )

    def floats_per_row(self) -> int:
        """Floats that a pass has in memory for an output row, about."""
        patches = self.output_positions * self.kernel_positions * self.channels
        return self.kernel_size * (self.input_size + patches)

    def _take_time(self, kernel_size: Any, stride: Any, dilation: Any, padding: Any) -> None:
        """Checks and sets what the window in time is, which is a number where others have two."""
        given = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
        for name, value in given.items():
            if isinstance(value, tuple | list) and len(value) == 2:
                over = name.removesuffix("_size") + "_positions"
                raise TypeError(
                    f"{name} is {shown(value)}; expected a whole number, for time: pass"
                    f" {name}={shown(value[0])} and, for positions, {over}={shown(value[1])}"
                )
        super()._take_time(kernel_size, stride, dilation, padding)

    def _take_positions(
        self, positions: int, kernel: int, stride: int, dilation: int, padding: Any
    ) -> None:
        """Checks and sets what is seen of the positions."""
        self.positions = count("positions", positions, 1, MAX_DIMENSION)
        if self.input_size % self.positions:
            raise ValueError(
                f"positions is {self.positions}; expected a divisor of input_size, which is"
                f" {self.input_size}"
            )
        self.kernel_positions = count("kernel_positions", kernel, 1, MAX_DIMENSION)
        self.stride_positions = count("stride_positions", stride, 1, MAX_DIMENSION)
        self.dilation_positions = count("dilation_positions", dilation, 1, MAX_DIMENSION)
        self.padding_positions = two_counts("padding_positions", padding)
        most = self.span - 1
        if max(self.padding_positions) > most:
            raise ValueError(
                f"padding_positions is {self.padding_positions}; expected at most {most} on either"
                f" side: an output sees {number_of(self.span, 'position')}, one of them inside of"
                " the row"
            )
        if (self.positions + sum(self.padding_positions)) * self.channels > MAX_PADDED:
            raise ValueError(
                f"padding_positions is {self.padding_positions}; expected a sum of at most"
                f" {MAX_PADDED // self.channels - self.positions} beside"
                f" {number_of(self.positions, 'position')} of"
                f" {number_of(self.channels, 'channel')}"
            )
        if self.output_positions < 1:
            there = self.positions + sum(self.padding_positions)
            hint = ""
            if self.positions == 1 and self.input_size >= self.span:
                hint = f": with positions={self.input_size}, each value of a row is one"
            raise ValueError(
                f"kernel_positions is {self.kernel_positions}; expected one that, with a"
                f" dilation_positions of {self.dilation_positions}, fits into"
                f" {number_of(there, 'position')}: it takes {self.span}{hint}"
            )
