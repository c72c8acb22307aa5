"""A batch: the sequences that one step of training learns from, padded to one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.brief_repr import named_values

__all__ = ["Batch", "HeadTargets", "Per", "Targets", "Weights", "collate", "packed_targets"]
__all__ += ["packed_weights", "padded"]

Per = Literal["frame", "sequence", "transcript"]
HeadTargets = NDArray[Any] | list[NDArray[np.int64]]
Targets = HeadTargets | Mapping[str, HeadTargets]
Weights = NDArray[np.float32] | Mapping[str, NDArray[np.float32]]


class Batch(NamedTuple):
    """Sequences for one step, side by side, the shorter ones padded."""

    x: NDArray[np.float32]
    """Frames, (T, B, F) in C order; zero past the lengths."""
    lengths: NDArray[np.int64]
    """Frames of each row, (B,), 1 to T, in any order."""
    targets: Targets
    """Per frame (T, B) or (T, B, O); per sequence (B,) or (B, O); transcripts: B arrays of whole
    numbers. int64 or float32; zero past the lengths. For `HeadLosses` a mapping from the names of
    heads to such targets."""
    weights: Weights | None = None
    """How much each target counts, (T, B) or (B,); None: all the same. For `HeadLosses` a mapping
    from the names of some heads."""
    continues: NDArray[np.int64] | None = None
    """For each row, the row of the batch before whose state it carries on from, (B,); -1: it starts
    from zeros. None: all rows do."""

    def __repr__(self) -> str:
        return named_values(self, self._asdict())


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
    packed = None if weights is None else packed_weights(weights, per, lengths)
    return Batch(padded(xs, lengths), lengths, packed_targets(ys, per, lengths), packed)


def packed_targets(ys: Sequence[NDArray[Any]], per: Per, lengths: NDArray[np.int64]) -> HeadTargets:
    """The targets of sequences as a batch has them."""
    if per == "transcript":
        return [np.asarray(y, np.int64) for y in ys]
    return padded(ys, lengths) if per == "frame" else np.stack(list(ys))


def packed_weights(
    weights: Sequence[NDArray[np.float32]], per: Per, lengths: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The weights of targets as a batch has them."""
    return padded(weights, lengths) if per == "frame" else np.stack(list(weights))


def padded(arrays: Sequence[NDArray[Any]], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Side by side along a second axis: (T, B, ...)."""
    shape = (int(lengths.max()), len(arrays), *arrays[0].shape[1:])
    padded = np.zeros(shape, arrays[0].dtype)
    for row, array in enumerate(arrays):
        padded[: len(array), row] = array
    return padded
