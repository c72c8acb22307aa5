"""Recordings as a stream would bring them: after others, and not out of silence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pylstm.arguments import count, number
from pylstm.train.data.batches import Around, Batch, Source

__all__ = ["Continued"]

# Draws for what follows what share their seed with nothing else (see pylstm.train.augment).
_CONTINUED = 0xC0


class Continued(Around):
    """A source whose sequences begin with the state that another one, of the batch before, left.

    A stream never begins anew: a model that has only heard recordings from their beginning is at a
    loss in the middle of one. Here a share of the sequences follows another, drawn at random; the
    gradient stops between the two.

    Parameters
    ----------
    source : source
        Of batches that do not carry on from each other themselves.
    share : float
        How many of the sequences follow another, 0 to 1; the others begin anew.

    Raises
    ------
    TypeError, ValueError
        Not a source, or a share outside of 0 to 1.

    Examples
    --------
    >>> from pylstm.train.data.batches import Arrays
    >>> xs = [np.zeros((4, 2), np.float32)] * 4
    >>> source = Continued(Arrays(xs, [0, 1, 0, 1], batch_size=2), share=1.0)
    >>> [batch.continues for batch in source.batches(epoch=0, seed=0)]
    [None, array([1, 0])]
    """

    def __init__(self, source: Source, share: float = 0.5) -> None:
        super().__init__(source)
        self.share = number("share", share)
        if self.share > 1:
            raise ValueError(f"share is {share!r}; expected 0 to 1")

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch.

        Parameters
        ----------
        epoch, seed : int
            0 or more; the same two give the same batches.

        Yields
        ------
        Batch
        """
        draw = np.random.default_rng([_CONTINUED, count("seed", seed, 0), count("epoch", epoch, 0)])
        before = 0
        for batch in self.source.batches(epoch, seed):
            if batch.continues is not None:
                raise ValueError("the batches of the source carry on from each other already")
            size = len(batch.lengths)
            if before:
                # Each of the batch before is followed at most once, as far as there are enough.
                order = np.resize(draw.permutation(before), size)
                follows = draw.random(size) < self.share
                batch = batch._replace(continues=np.where(follows, order, -1))
            before = size
            yield batch
