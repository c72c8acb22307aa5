"""Batches of sequences that are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, flag, number_of
from pylstm.train.data.array_checks import frames_of
from pylstm.train.data.array_targets import ArrayTargets
from pylstm.train.data.batch import Batch, Per, padded
from pylstm.train.data.batch_order import batch_order

__all__ = ["Arrays"]


class Arrays:
    """A source of sequences in memory.

    Parameters
    ----------
    xs : list of arrays, shape (T_i, F), float32
        Frames of each sequence; T_i is at least 1 and may differ.
    ys : list or array, or mapping of str to such
        A target for each sequence. Per frame: (T_i,) int or (T_i, O) float32. Per sequence: a whole
        number, or (O,) float32. Transcripts (CTC): (L_i,) int, of any length. For `HeadLosses` a
        mapping from the names of heads to the targets of each.
    batch_size : int
        Sequences in a batch; the last batch may be smaller.
    shuffle : bool
        Whether the order is random, from the epoch and the seed.
    bucket : bool
        Whether sequences of similar length share a batch, which saves padding. Without `shuffle`,
        batches go from short to long.
    weights : list or array, optional
        Weight of each target, 0 or more: (T_i,) per frame, else a number for each sequence. With
        several heads a mapping from the names of some.
    per : {"frame", "sequence", "transcript"}, optional
        What a target belongs to. None: whole numbers belong to sequences and arrays of length T_i
        to frames; otherwise `per` is required. With several heads one for all, or a mapping from
        the names of some.

    Raises
    ------
    TypeError, ValueError
        No sequences; shapes, dtypes or lengths that do not match; NaN or infinity.

    Examples
    --------
    >>> xs = [np.zeros((length, 13), np.float32) for length in (5, 3, 4)]
    >>> source = Arrays(xs, [0, 1, 1], batch_size=2, shuffle=False)
    >>> source.n_batches
    2
    >>> [batch.lengths.tolist() for batch in source.batches(epoch=0, seed=0)]
    [[3, 4], [5]]
    """

    def __init__(
        self,
        xs: Sequence[NDArray[np.float32]],
        ys: Sequence[Any] | NDArray[Any] | Mapping[str, Any],
        batch_size: int = 32,
        shuffle: bool = True,
        bucket: bool = True,
        weights: Sequence[Any] | NDArray[Any] | Mapping[str, Any] | None = None,
        per: Per | Mapping[str, Per] | None = None,
    ) -> None:
        self.batch_size = count("batch_size", batch_size, 1)
        self.shuffle, self.bucket = flag("shuffle", shuffle), flag("bucket", bucket)
        if isinstance(xs, np.ndarray):
            raise TypeError(
                f"xs is one array of shape {xs.shape}; expected a list of arrays (T_i, F), one for"
                " each sequence"
            )
        self._xs = [frames_of(f"xs[{place}]", x) for place, x in enumerate(xs)]
        if not self._xs:
            raise ValueError("xs is empty; expected at least one sequence")
        for place, x in enumerate(self._xs):
            if x.shape[1] != self._xs[0].shape[1]:
                raise ValueError(
                    f"xs[{place}] has {number_of(x.shape[1], 'value')} in a frame; expected"
                    f" {self._xs[0].shape[1]}, as xs[0]"
                )
        self._lengths = np.array([len(x) for x in self._xs], np.int64)
        self._targets = ArrayTargets(ys, weights, per, self._lengths)
        self.per = self._targets.per

    def __len__(self) -> int:
        return len(self._xs)

    def __repr__(self) -> str:
        settings = f"per={self.per!r}, batch_size={self.batch_size}"
        sequences = number_of(len(self), "sequence")
        return f"Arrays({sequences} of {number_of(self.n_features, 'feature')}, {settings})"

    @property
    def n_features(self) -> int:
        """Width of a frame."""
        return self._xs[0].shape[1]

    @property
    def n_batches(self) -> int:
        """Batches in an epoch."""
        return -(-len(self._xs) // self.batch_size)

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch, with every sequence once; see `Source.batches`."""
        for rows in batch_order(
            self._lengths, self.batch_size, self.shuffle, self.bucket, epoch, seed
        ):
            x = padded([self._xs[row] for row in rows], self._lengths[rows])
            yield Batch(x, self._lengths[rows], *self._targets.of(rows))
