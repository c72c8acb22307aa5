"""Batches: what one step of training learns from, and the sources that give them, epoch by epoch.

A *source* is anything with ``batches(epoch, seed)`` and ``n_batches``. Nothing but these two
numbers decides what a source gives: not what was asked of it before, not the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, flag
from pylstm.train.data.targets import (
    Per,
    Targets,
    check_as_many,
    fitting,
    frames_of,
    per_of,
    target_of,
    weight_of,
)

__all__ = [
    "Around",
    "Arrays",
    "Batch",
    "Per",
    "Source",
    "Targets",
    "Truncated",
    "batches_told",
    "collate",
    "cuts",
]

# Sequences are sorted by length within pools of so many batches: padding is short, and what shares
# a batch still changes from epoch to epoch.
_POOL_BATCHES = 64
# Draws for the order of an epoch share their seed with nothing else (see pylstm.train.augment).
_ORDER = 0x0D


class Batch(NamedTuple):
    """Sequences that are learnt from in one step, side by side, the shorter ones padded."""

    x: NDArray[np.float32]
    """Frames, (T, B, F) in C order; zero past the lengths."""
    lengths: NDArray[np.int64]
    """Frames of each row, (B,), 1 to T, in any order."""
    targets: Targets
    """Per frame (T, B) or (T, B, O); per sequence (B,) or (B, O); transcripts: B arrays of whole
    numbers. int64 or float32; zero past the lengths."""
    weights: NDArray[np.float32] | None = None
    """How much each target counts, (T, B) or (B,); None: all the same."""
    continues: NDArray[np.int64] | None = None
    """For each row, the row of the batch before whose state it carries on from, (B,); -1: it starts
    anew. None: all rows start anew."""


class Source(Protocol):
    """Gives the batches of an epoch, the same ones for the same epoch and seed."""

    @property
    def n_batches(self) -> int | None:
        """Batches an epoch, if that is known beforehand."""

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch."""


def batches_told(source: object) -> int | None:
    """How many batches a source says that an epoch has; None: it does not tell.

    Sources are also written by others: one without the attribute, or with a method of that name,
    does not tell.
    """
    n_batches = getattr(source, "n_batches", None)
    return int(n_batches) if isinstance(n_batches, (int, np.integer)) else None


def cuts(
    lengths: NDArray[np.int64], batch_size: int, shuffle: bool, bucket: bool, epoch: int, seed: int
) -> list[NDArray[np.int64]]:
    """Which sequences share a batch, in the order of the batches of an epoch.

    Parameters
    ----------
    lengths : array, shape (n,), int
        Lengths of the sequences, in any unit.
    batch_size : int
        Sequences a batch; what is left over makes one smaller batch.
    shuffle : bool
        Whether chance decides the order, by `epoch` and `seed`.
    bucket : bool
        Whether sequences of similar lengths share a batch.
    epoch, seed : int
        0 or more.

    Returns
    -------
    list of arrays of int
        Every index once.
    """
    draw = np.random.default_rng([_ORDER, count("seed", seed, 0), count("epoch", epoch, 0)])
    order = draw.permutation(len(lengths)) if shuffle else np.arange(len(lengths))
    if bucket:
        # Without a shuffle there is nothing to mix: one pool.
        size = batch_size * _POOL_BATCHES if shuffle else max(1, len(order))
        pools = [order[start : start + size] for start in range(0, len(order), size)]
        pools = [pool[np.argsort(lengths[pool], kind="stable")] for pool in pools]
        order = np.concatenate(pools) if pools else order
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if bucket and shuffle:  # or every epoch would go from short to long
        batches = [batches[k] for k in draw.permutation(len(batches))]
    return batches


def collate(
    xs: Sequence[NDArray[np.float32]],
    ys: Sequence[NDArray[Any]],
    per: Per,
    weights: Sequence[NDArray[np.float32]] | None = None,
) -> Batch:
    """One batch of sequences, padded with zeros to the longest.

    Parameters
    ----------
    xs : sequence of arrays, shape (T_i, F), float32
    ys : sequence of arrays
        A target each: (T_i, ...) per frame, (...) per sequence, (L_i,) a transcript.
    per : {"frame", "sequence", "transcript"}
    weights : sequence of arrays, float32, optional
        (T_i,) per frame, else ().

    Returns
    -------
    Batch
    """
    lengths = np.array([len(x) for x in xs], np.int64)
    targets: Targets
    if per == "transcript":
        targets = [np.asarray(y, np.int64) for y in ys]
    else:
        targets = _padded(ys, lengths) if per == "frame" else np.stack(list(ys))
    packed = None
    if weights is not None:
        packed = _padded(weights, lengths) if per == "frame" else np.stack(list(weights))
    return Batch(_padded(xs, lengths), lengths, targets, packed)


def _padded(arrays: Sequence[NDArray[Any]], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Side by side along a second axis: (T, B, ...)."""
    shape = (int(lengths.max()), len(arrays), *arrays[0].shape[1:])
    padded = np.zeros(shape, arrays[0].dtype)
    for row, array in enumerate(arrays):
        padded[: len(array), row] = array
    return padded


class Arrays:
    """A source of sequences that are in memory.

    Parameters
    ----------
    xs : list of arrays, shape (T_i, F), float32
        Frames of each sequence; T_i may differ and is 1 at least.
    ys : list or array
        A target for each sequence. Per frame: (T_i,) int or (T_i, O) float32. Per sequence: a whole
        number, or (O,) float32. Transcripts (CTC): (L_i,) int, of any length.
    batch_size : int
        Sequences a batch; the last few make one smaller batch.
    shuffle : bool
        Whether chance decides the order, by the epoch and the seed.
    bucket : bool
        Whether sequences of similar lengths share a batch, which saves padding. Without `shuffle`:
        from short to long.
    weights : list or array, optional
        How much each target counts, 0 or more: (T_i,) per frame, else a number for each sequence.
    per : {"frame", "sequence", "transcript"}, optional
        What a target belongs to. None: whole numbers belong to sequences, arrays of length T_i to
        frames; anything else must be said.

    Raises
    ------
    TypeError, ValueError
        Nothing to learn from; shapes, dtypes or lengths that do not go together; NaN or infinity.

    Examples
    --------
    >>> xs = [np.zeros((length, 13), np.float32) for length in (5, 3, 4)]
    >>> source = Arrays(xs, [0, 1, 1], batch_size=2, shuffle=False)
    >>> source.n_batches
    2
    >>> [batch.lengths.tolist() for batch in source.batches(epoch=0, seed=0)]
    [[3, 4], [5]]
    """

    per: Per

    def __init__(
        self,
        xs: Sequence[NDArray[np.float32]],
        ys: Sequence[Any] | NDArray[Any],
        batch_size: int = 32,
        shuffle: bool = True,
        bucket: bool = True,
        weights: Sequence[Any] | NDArray[Any] | None = None,
        per: Per | None = None,
    ) -> None:
        self.batch_size = count("batch_size", batch_size, 1)
        self.shuffle, self.bucket = flag("shuffle", shuffle), flag("bucket", bucket)
        if isinstance(xs, np.ndarray):
            raise TypeError(
                f"xs is one array of shape {xs.shape}; expected a list of arrays (T_i, F), one a"
                " sequence"
            )
        self._xs = [frames_of(f"xs[{place}]", x) for place, x in enumerate(xs)]
        if not self._xs:
            raise ValueError("xs is empty; expected one sequence at least")
        for place, x in enumerate(self._xs):
            if x.shape[1] != self._xs[0].shape[1]:
                raise ValueError(
                    f"xs[{place}] has {x.shape[1]} values a frame, xs[0] has"
                    f" {self._xs[0].shape[1]}; expected the same width everywhere"
                )
        self._lengths = np.array([len(x) for x in self._xs], np.int64)
        check_as_many("ys", ys, len(self._xs))
        targets = [target_of(f"ys[{place}]", y) for place, y in enumerate(ys)]
        self.per = per_of(per, targets, self._lengths)
        self._ys = fitting(targets, self.per, self._lengths)
        self._weights = None
        if weights is not None:
            check_as_many("weights", weights, len(self._xs))
            shapes = [(int(n),) if self.per == "frame" else () for n in self._lengths]
            self._weights = [
                weight_of(f"weights[{place}]", w, shape)
                for place, (w, shape) in enumerate(zip(weights, shapes, strict=True))
            ]

    def __len__(self) -> int:
        return len(self._xs)

    @property
    def n_features(self) -> int:
        """Width of a frame."""
        return self._xs[0].shape[1]

    @property
    def n_batches(self) -> int:
        """Batches an epoch."""
        return -(-len(self._xs) // self.batch_size)

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch: every sequence once.

        Parameters
        ----------
        epoch, seed : int
            0 or more; the same two give the same batches.

        Yields
        ------
        Batch
        """
        for rows in cuts(self._lengths, self.batch_size, self.shuffle, self.bucket, epoch, seed):
            yield collate(
                [self._xs[row] for row in rows],
                [self._ys[row] for row in rows],
                self.per,
                None if self._weights is None else [self._weights[row] for row in rows],
            )


class Around:
    """What the sources that change the batches of another one have in common."""

    def __init__(self, source: Source) -> None:
        if not hasattr(source, "batches"):
            raise TypeError(f"source is {type(source).__name__}; expected something with batches()")
        self.source = source

    @property
    def n_batches(self) -> int | None:
        """Batches an epoch, if the source knows."""
        return batches_told(self.source)


class Truncated(Around):
    r"""Long sequences in chunks: back-propagation through time, truncated.

    The state goes on from chunk to chunk and the gradient stops at the cut, so that memory is
    bounded by `frames` and there is a step for each chunk. Chunk k of a batch holds the frames from
    k · frames on of every row that is that long; rows that have ended are left out, and
    `Batch.continues` says which row of the chunk before each row was.

    Parameters
    ----------
    source : source
        Of batches with a target for each frame. One that carries on rows itself may only do so from
        rows that are as long as their batch is in chunks.
    frames : int
        Frames a chunk; the last one of a row may be shorter.

    Raises
    ------
    TypeError, ValueError
        Not a source, less than one frame, or targets that do not belong to frames.

    Notes
    -----
    Williams and Peng, "An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories", Neural Computation 2 (1990).

    Examples
    --------
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
                f"source has a target per {self.per}; expected one per frame: a chunk without its"
                " own targets has nothing to learn"
            )

    @property
    def n_batches(self) -> None:
        """None: how many chunks there are depends on what shares a batch."""
        return None

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The chunks of one epoch.

        Parameters
        ----------
        epoch, seed : int
            0 or more; the same two give the same chunks.

        Yields
        ------
        Batch
        """
        rows = np.empty(0, np.int64)  # of the batch before, in its last chunk; -1: ended earlier
        for batch in self.source.batches(epoch, seed):
            continues = None if batch.continues is None else _found(batch.continues, rows)
            yield from self._chunks(batch, continues)
            last = (int(batch.lengths.max()) - 1) // self.frames * self.frames
            rows = np.where(batch.lengths > last, np.cumsum(batch.lengths > last) - 1, -1)

    def _chunks(self, batch: Batch, continues: NDArray[np.int64] | None) -> Iterator[Batch]:
        x, lengths, targets, weights, _ = batch
        shape = x.shape[:2]
        if not isinstance(targets, np.ndarray) or targets.shape[:2] != shape:
            raise ValueError(f"targets do not belong to frames; expected shape {shape}")
        if weights is not None and weights.shape != shape:
            raise ValueError(f"weights have shape {weights.shape}; expected {shape}")
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
    """Rows of the batch before, as rows of its last chunk."""
    carried = continues >= 0
    if carried.any() and (continues.max() >= len(rows) or (rows[continues[carried]] < 0).any()):
        raise ValueError(
            "a row of the source carries on from one that is not in the last chunk of the batch"
            " before; expected one that is as long as its batch"
        )
    found = np.full(len(continues), -1)
    found[carried] = rows[continues[carried]]
    return found
