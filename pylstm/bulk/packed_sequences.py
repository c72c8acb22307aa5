"""A batch of sequences of different lengths, without its padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

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

    Attributes
    ----------
    lengths : array of int64, shape (batch,)
        Frames of each sequence, in the order of the rows. Some may be 0 after `resized`.
    sizes : array of int64
        How many sequences have a first frame, a second one, and so on.
    """

    def __init__(self, count: int, batch: int, lengths: NDArray[np.int64] | None = None) -> None:
        order = None if lengths is None else np.argsort(-lengths, kind="stable")
        in_order = np.full(batch, count, np.int64) if lengths is None else lengths[order]
        self._arrange(count, batch, order, in_order)

    def _arrange(
        self,
        count: int,
        batch: int,
        order: NDArray[np.int64] | None,
        lengths: NDArray[np.int64],
    ) -> None:
        """Lays out sequences of these lengths, which stand in the order of the rows."""
        self.count, self.batch, self.lengths, self._order = count, batch, lengths, order
        self._places: NDArray[np.int64] | None = None
        if order is None:
            self.sizes = np.full(count, batch, np.int64)
        else:
            running = np.arange(lengths[0])[:, None] < lengths
            self.sizes = running.sum(axis=1)
            steps, places = np.nonzero(running)
            self._places = steps * batch + order[places]
        self.steps = _bulk.Steps(self.sizes)

    def resized(self, rows_out: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> Self:
        """The same sequences, in the same order, with other lengths.

        Parameters
        ----------
        rows_out : callable
            From how many frames a sequence has to how many it will have, for an array of them; a
            longer sequence has no fewer than a shorter one.
        """
        found = type(self).__new__(type(self))
        count = int(rows_out(np.array([self.count], np.int64))[0])
        found._arrange(count, self.batch, self._order, rows_out(self.lengths))
        return found

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
            return rows.reshape(self.count, self.batch, rows.shape[1])
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
