"""Windows in time over the rows of a batch: gathered for a pass, and added up on the way back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pylstm.bulk.packed_sequences import Packed

__all__ = ["TimeWindows"]

Array = NDArray[np.float32]


class TimeWindows:
    """Which rows of a batch each row that comes out sees.

    Parameters
    ----------
    before, after : Packed
        The rows that go in and those that come out.
    kernel_size, stride, dilation : int
    left : int
        Rows of zeros before the first row of each sequence.
    """

    def __init__(
        self,
        before: Packed,
        after: Packed,
        kernel_size: int,
        stride: int,
        dilation: int,
        left: int,
    ) -> None:
        self.kernel_size = kernel_size
        steps = np.repeat(np.arange(len(after.sizes)), after.sizes)
        firsts = np.concatenate([[0], np.cumsum(after.sizes)])
        self._sequences = np.arange(after.rows) - firsts[steps]
        self._first_frames = steps * stride - left
        self._dilation = dilation
        self._lengths = before.lengths[self._sequences]
        # Nobody reads past the last: frames that are not there have the row of zeros.
        self._starts = np.concatenate([[0], np.cumsum(before.sizes)])
        self._zeros = before.rows

    def rows_of(self, tap: int, outputs: slice) -> NDArray[np.int64]:
        """The row that is tap `tap` (0: the oldest) of each output; the number of rows where that
        lies outside of the sequence."""
        frames = self._first_frames[outputs] + tap * self._dilation
        inside = (frames >= 0) & (frames < self._lengths[outputs])
        rows = self._starts[np.where(inside, frames, 0)] + self._sequences[outputs]
        return np.where(inside, rows, self._zeros)

    def gather(self, x: Array, outputs: slice) -> Array:
        """What some of the outputs see: (outputs, kernel_size, width of x)."""
        padded = outputs.stop - outputs.start, self.kernel_size, x.shape[1]
        taps = np.empty(padded, np.float32)
        for tap in range(self.kernel_size):
            rows = self.rows_of(tap, outputs)
            inside = rows < self._zeros
            if inside.all():
                np.take(x, rows, axis=0, out=taps[:, tap])
            else:
                taps[inside, tap] = x[rows[inside]]
                taps[~inside, tap] = 0
        return taps

    def add_to(self, dx: Array, d_taps: Array, outputs: slice) -> None:
        """Adds the gradients of what `gather` gave to those of x."""
        for tap in range(self.kernel_size):
            rows = self.rows_of(tap, outputs)
            inside = rows < self._zeros
            # A tap of two outputs is never the same row, so that no sum is lost.
            dx[rows[inside]] += d_taps[inside, tap]
