"""Starts some sequences from the state another one left, as in a stream that never begins anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pylstm.arguments import within
from pylstm.train.data.batch import Batch
from pylstm.train.data.source import Source, WrappedSource
from pylstm.train.random_draws import Purpose, generator

__all__ = ["Continued"]


class Continued(WrappedSource):
    """A source that starts a share of its sequences from the state another one left.

    A stream does not restart for every word. A model that was only trained from a fresh state does
    worse in the middle of a stream. Here some sequences follow one of the batch before, drawn at
    random; the gradient stops between the two.

    Parameters
    ----------
    source : source
        Its batches must not carry on from each other themselves.
    share : float
        Share of the sequences that follow another, 0 to 1; the others start from zeros.

    Raises
    ------
    TypeError, ValueError
        Not a source, or a share outside of 0 to 1.

    Examples
    --------
    >>> from pylstm.train.data.arrays import Arrays
    >>> xs = [np.zeros((4, 2), np.float32)] * 4
    >>> source = Continued(Arrays(xs, [0, 1, 0, 1], batch_size=2), share=1.0)
    >>> [batch.continues for batch in source.batches(epoch=0, seed=0)]
    [None, array([1, 0])]
    """

    def __init__(self, source: Source, share: float = 0.5) -> None:
        super().__init__(source)
        self.share = within("share", share, 0.0, 1.0)

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch; see `Source.batches`."""
        draw = generator(Purpose.CARRIED_STATE, seed=seed, epoch=epoch)
        before = 0
        for batch in self.source.batches(epoch, seed):
            if batch.continues is not None:
                raise ValueError(
                    "source has batches that carry on from each other; expected batches that do not"
                )
            size = len(batch.lengths)
            if before:
                # Each sequence of the batch before is followed at most once if it has enough.
                order = np.resize(draw.permutation(before), size)
                follows = draw.random(size) < self.share
                batch = batch._replace(continues=np.where(follows, order, -1))
            before = size
            yield batch
