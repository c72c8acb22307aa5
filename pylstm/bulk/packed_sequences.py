"""A batch of sequences of different lengths, without its padding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm import _bulk

__all__ = ["Packed"]

Array = NDArray[np.float32]


class Packed:
    """The frames that a batch really has, and the row of each of them.

    Sequences are sorted by length, the longest first; the rows of all first frames come first, then
    those of the second frames, and so on.

    Parameters
    ----------
    count, batch : int
        Shape of the batch: frames and sequences.
    lengths : array of int64, shape (batch,), or None
        As `pylstm.bulk.frames.check_lengths` gives them; None: all sequences have `count` frames.
    """

    def __init__(self, count: int, batch: int, lengths: NDArray[np.int64] | None = None) -> None:
        self.count, self.batch = count, batch
        self._order: NDArray[np.int64] | None = None
        self._places: NDArray[np.int64] | None = None
        if lengths is None:
            self.sizes = np.full(count, batch, np.int64)
        else:
            self._order = np.argsort(-lengths, kind="stable")
            running = np.arange(lengths.max())[:, None] < lengths[self._order]
            self.sizes = running.sum(axis=1)
            steps, places = np.nonzero(running)
            self._places = steps * batch + self._order[places]
        self.steps = _bulk.Steps(self.sizes)

    @property
    def rows(self) -> int:
        """How many frames there are."""
        return int(self.steps.rows)

    def pack(self, x: NDArray[Any]) -> NDArray[Any]:
        """(count, batch, width) -> (rows, width), in C order; no copy where there is no padding."""
        flat = np.ascontiguousarray(x).reshape(self.count * self.batch, x.shape[2])
        return flat if self._places is None else flat.take(self._places, axis=0)

    def unpack(self, rows: NDArray[Any]) -> NDArray[Any]:
        """(rows, width) -> (count, batch, width); 0 where there is no frame."""
        if self._places is None:
            return rows.reshape(self.count, self.batch, -1)
        x = np.zeros((self.count * self.batch, rows.shape[1]), rows.dtype)
        x[self._places] = rows
        return x.reshape(self.count, self.batch, -1)

    def sort(self, state: Array) -> Array:
        """A state (..., batch, width), its sequences in the order of the rows."""
        return state if self._order is None else state[..., self._order, :]

    def unsort(self, state: Array) -> Array:
        """The inverse: a state with its sequences in the order of the batch."""
        if self._order is None:
            return state
        found = np.empty_like(state)
        found[..., self._order, :] = state
        return found
