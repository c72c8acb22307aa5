"""Truncated back-propagation through time: long sequences in chunks that carry their state on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count
from pylstm.train.data.batch import Batch, Per
from pylstm.train.data.source import Source, WrappedSource

__all__ = ["Truncated"]


class Truncated(WrappedSource):
    r"""A source that cuts long sequences into chunks: truncated back-propagation through time.

    The state is carried from chunk to chunk and the gradient stops at the cut, so that memory is
    bounded by `frames` and each chunk is a step. Chunk k of a batch holds the frames from
    k · frames on of every row that is that long. Rows that have ended are left out;
    `Batch.continues` says which row of the chunk before each row was.

    Parameters
    ----------
    source : source
        Its batches have a target for each frame. If it carries on rows itself, then only from rows
        that reach into the last chunk of their batch.
    frames : int
        Frames in a chunk; the last chunk of a row may be shorter.

    Raises
    ------
    TypeError, ValueError
        Not a source, less than one frame, or targets that are not one for each frame.

    Notes
    -----
    Williams and Peng, "An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories", Neural Computation 2 (1990).

    Examples
    --------
    >>> from pylstm.train.data.arrays import Arrays
    >>> xs = [np.zeros((length, 2), np.float32) for length in (3, 5)]
    >>> ys = [np.zeros(length, int) for length in (3, 5)]
    >>> source = Truncated(Arrays(xs, ys, shuffle=False), frames=2)
    >>> for batch in source.batches(epoch=0, seed=0):
    ...     print(batch.x.shape, batch.lengths, batch.continues)
    (2, 2, 2) [2 2] None
    (2, 2, 2) [1 2] [0 1]
    (1, 1, 2) [1] [1]
    """

    def __init__(self, source: Source, frames: int) -> None:
        super().__init__(source)
        self.frames = count("frames", frames, 1)
        self.per: Per = getattr(source, "per", "frame")
        if self.per != "frame":
            raise ValueError(
                f"source has a target per {self.per}; expected one per frame, so that each chunk"
                " has its own"
            )

    @property
    def n_batches(self) -> None:
        """None: the number of chunks depends on which sequences share a batch."""
        return None

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The chunks of one epoch; see `Source.batches`."""
        rows = np.empty(0, np.int64)  # of the batch before, in its last chunk; -1: ended earlier
        for batch in self.source.batches(epoch, seed):
            continues = None if batch.continues is None else _found(batch.continues, rows)
            yield from self._chunks(batch, continues)
            last = (int(batch.lengths.max()) - 1) // self.frames * self.frames
            rows = np.where(batch.lengths > last, np.cumsum(batch.lengths > last) - 1, -1)

    def __repr__(self) -> str:
        return f"Truncated({self.source!r}, frames={self.frames})"

    def _chunks(self, batch: Batch, continues: NDArray[np.int64] | None) -> Iterator[Batch]:
        x, lengths, targets, weights, _ = batch
        shape = x.shape[:2]
        if not isinstance(targets, np.ndarray) or targets.shape[:2] != shape:
            came = getattr(targets, "shape", "none")
            raise ValueError(f"targets has shape {came}; expected {shape}, one for each frame")
        if weights is not None and weights.shape != shape:
            raise ValueError(f"weights has shape {weights.shape}; expected {shape}")
        alive = np.arange(len(lengths))
        for start in range(0, int(lengths.max()), self.frames):
            still = np.flatnonzero(lengths[alive] > start)
            alive = alive[still]
            left = np.minimum(lengths[alive] - start, self.frames)
            span = slice(start, start + int(left.max()))
            yield Batch(
                np.ascontiguousarray(x[span, alive]),
                left,
                np.ascontiguousarray(targets[span, alive]),
                None if weights is None else np.ascontiguousarray(weights[span, alive]),
                continues if start == 0 else still,
            )


def _found(continues: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Translates rows of the batch before into rows of its last chunk."""
    carried = continues >= 0
    if carried.any() and (continues.max() >= len(rows) or (rows[continues[carried]] < 0).any()):
        raise ValueError(
            "source carries on from a row that is not in the last chunk of its batch; expected one"
            " that is"
        )
    found = np.full(len(continues), -1)
    found[carried] = rows[continues[carried]]
    return found
