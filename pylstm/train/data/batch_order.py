"""The order of an epoch: which sequences share a batch, and which batch comes when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pylstm.train.random_draws import Purpose, generator

__all__ = ["batch_order"]

# Sequences are sorted by length within pools of so many batches: padding is short, and what shares
# a batch still changes from epoch to epoch.
_POOL_BATCHES = 64


def batch_order(
    lengths: NDArray[np.int64], batch_size: int, shuffle: bool, bucket: bool, epoch: int, seed: int
) -> list[NDArray[np.int64]]:
    """The sequences of each batch, in the order of an epoch.

    Parameters
    ----------
    lengths : array, shape (n,), int
        Lengths of the sequences, in any unit.
    batch_size : int
        Sequences in a batch; the last batch may be smaller.
    shuffle : bool
        Whether the order is random, from `epoch` and `seed`.
    bucket : bool
        Whether sequences of similar length share a batch.
    epoch, seed : int
        0 or more.

    Returns
    -------
    list of arrays of int
        Every index once.
    """
    draw = generator(Purpose.ORDER, seed=seed, epoch=epoch)
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
