"""The targets of the rows that a network gives, which may be fewer than the frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from pylstm.train.data.batch import Batch
from pylstm.train.losses.loss import Loss

__all__ = ["of_rows"]


def of_rows(batch: Batch, network: Any, loss: Loss) -> Batch:
    """A batch as the loss of a network sees it: lengths, targets and weights of its rows.

    Parameters
    ----------
    batch : Batch
        Of frames.
    network : Network
        Whose `row_times` say which frame each of its rows stands for; without them all do.
    loss : loss
        With ``per="frame"``, targets and weights of the frames that rows stand for are taken.

    Raises
    ------
    ValueError
        A sequence is so short that there is no row of it.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace as Network
    >>> from pylstm.train import CrossEntropy
    >>> frames = np.zeros((5, 1, 3), np.float32)
    >>> batch = Batch(frames, np.array([5]), np.arange(5)[:, None])
    >>> rows = of_rows(batch, Network(row_times=(1, 2)), CrossEntropy())
    >>> rows.lengths, rows.targets[:, 0]
    (array([2]), array([1, 3]))
    """
    first, period = getattr(network, "row_times", (0, 1))
    if (first, period) == (0, 1):
        return batch
    lengths = (batch.lengths - 1 - first) // period + 1
    short = np.flatnonzero(lengths < 1)
    if short.size:
        raise ValueError(
            f"lengths[{short[0]}] is {batch.lengths[short[0]]}; expected {first + 1} or more: the"
            f" network's first row stands for frame {first}"
        )
    batch = batch._replace(lengths=lengths)
    if getattr(loss, "per", None) != "frame":
        return batch
    weights = batch.weights
    return batch._replace(
        targets=batch.targets[first::period],
        weights=None if weights is None else weights[first::period],
    )
