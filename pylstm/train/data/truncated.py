"""Truncated back-propagation through time: long sequences in chunks that carry their state on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

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
        self.per: Per | Mapping[str, Per] = getattr(source, "per", "frame")
        pers = self.per.values() if isinstance(self.per, Mapping) else [self.per]
        for per in pers:
            if per != "frame":
                raise ValueError(
                    f"source has a target per {per}; expected one per frame, so that each chunk"
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
        for name, values, dimensions in (("targets", targets, 2), ("weights", weights, None)):
            for head, own in values.items() if isinstance(values, Mapping) else [("", values)]:
                came = getattr(own, "shape", None)
                if came is None and (own is not None or name == "targets"):
                    raise ValueError(f"{name} has no shape; expected {shape}, one for each frame")
                if came is not None and came[:dimensions] != shape:
                    of_head = f"[{head!r}]" if head else ""
                    raise ValueError(
                        f"{name}{of_head} has shape {came}; expected {shape}, one for each frame"
                    )
        alive = np.arange(len(lengths))
        for start in range(0, int(lengths.max()), self.frames):
            still = np.flatnonzero(lengths[alive] > start)
            alive = alive[still]
            left = np.minimum(lengths[alive] - start, self.frames)
            span = slice(start, start + int(left.max()))

            def cut(
                values: Any, span: slice = span, alive: NDArray[np.int64] = alive
            ) -> NDArray[Any]:
                return np.ascontiguousarray(values[span, alive])

            yield Batch(
                np.ascontiguousarray(x[span, alive]),
                left,
                _of_heads(targets, cut),
                None if weights is None else _of_heads(weights, cut),
                continues if start == 0 else still,
            )


def _of_heads(values: Any, change: Callable[[Any], Any]) -> Any:
    """What becomes of targets or weights, or of those of each head."""
    if isinstance(values, Mapping):
        return {name: change(own) for name, own in values.items()}
    return change(values)


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
