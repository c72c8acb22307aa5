"""Windows over the positions of rows: taken apart for a pass, and added up on the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PositionWindows"]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class PositionWindows:
    """Which positions of a row each position that comes out sees."""

    positions: int
    """Of the rows that go in."""
    kernel: int = 1
    """Positions that one sees."""
    stride: int = 1
    dilation: int = 1
    padding: tuple[int, int] = (0, 0)
    """Positions below the first and above the last."""

    @property
    def span(self) -> int:
        """From the first to the last position that one sees."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def n_outputs(self) -> int:
        """Positions that come out; below 1 where a window does not fit."""
        return (self.positions + sum(self.padding) - self.span) // self.stride + 1

    def _view(self, taps: Array) -> Array:
        """(n, k, padded positions, C) as (n, outputs, k, kernel, C), without a copy."""
        n, k, _, channels = taps.shape
        row, tap, position, channel = taps.strides
        return np.lib.stride_tricks.as_strided(
            taps,
            (n, self.n_outputs, k, self.kernel, channels),
            (row, position * self.stride, tap, position * self.dilation, channel),
        )

    def apart(self, taps: Array, outside: float = 0.0) -> Array:
        """What each position that comes out sees.

        Parameters
        ----------
        taps : array, shape (n, k, positions * C)
            The k rows that each of n outputs sees in time.
        outside : float
            What stands below the first position and above the last.

        Returns
        -------
        array, shape (n, n_outputs, k, kernel, C)
            To read only: parts may be in the same place.
        """
        n, k, width = taps.shape
        image = taps.reshape(n, k, self.positions, width // self.positions)
        if any(self.padding):
            around = ((0, 0), (0, 0), self.padding, (0, 0))
            image = np.pad(image, around, constant_values=outside)
        return self._view(image)

    def together(self, d_patches: Array) -> Array:
        """The gradients of the taps, from those of what `apart` gave."""
        n, outputs, k, _, channels = d_patches.shape
        low = self.padding[0]
        around = np.zeros((n, k, self.positions + sum(self.padding), channels), np.float32)
        for m in range(self.kernel):
            first = m * self.dilation
            seen = slice(first, first + (outputs - 1) * self.stride + 1, self.stride)
            around[:, :, seen] += d_patches[:, :, :, m].transpose(0, 2, 1, 3)
        return around[:, :, low : low + self.positions].reshape(n, k, self.positions * channels)
