"""Computes the next batches in another thread, while the training works on this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextvars import copy_context
from itertools import islice

from pylstm.arguments import count
from pylstm.train.data.batch import Batch
from pylstm.train.data.source import Source, WrappedSource
from pylstm.train.thread_pool import ThreadPool

__all__ = ["ReadAhead"]


class ReadAhead(WrappedSource):
    """A source that computes the next batches of another one in a thread of its own.

    The batches are the same to the last bit, in the same order. Computing them (reading, mixing
    noise, features) and a step of the training then share the processors instead of taking turns.
    What the source raises is raised in the place of the batch that it belongs to, and what it warns
    of is warned of. Each epoch has a thread of its own, which ends with the epoch, also where the
    caller stops early. A child that is forked in the middle of an epoch computes the batches that
    it lacks anew.

    Parameters
    ----------
    source : source
        Put this around it last, so that everything that changes batches is computed ahead, too.
    batches : int
        How many batches may wait. They take memory; two are enough where batches cost about the
        same.

    Raises
    ------
    TypeError, ValueError
        Not a source, or no batch ahead.

    Examples
    --------
    >>> import numpy as np
    >>> from pylstm.train.data.arrays import Arrays
    >>> xs = [np.zeros((n, 2), np.float32) for n in (3, 4, 5)]
    >>> source = ReadAhead(Arrays(xs, [0, 1, 0], batch_size=1, shuffle=False))
    >>> [batch.lengths.tolist() for batch in source.batches(epoch=0, seed=0)]
    [[3], [4], [5]]
    """

    def __init__(self, source: Source, batches: int = 2) -> None:
        super().__init__(source)
        self.ahead = count("batches", batches, 1)

    def __repr__(self) -> str:
        return f"ReadAhead({self.source!r}, batches={self.ahead})"

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch; see `Source.batches`."""
        given = 0
        while True:
            reader = _Reader(self.source, self.ahead, epoch, seed, given)
            try:
                while (batch := reader.next()) is not None:
                    given += 1
                    yield batch
                if not reader.lost:
                    return
            finally:
                reader.stop()


class _Reader:
    """The thread of an epoch, and the batches that it was asked for."""

    def __init__(self, source: Source, ahead: int, epoch: int, seed: int, begin: int) -> None:
        self._source = source
        self._batches: Iterator[Batch] | None = None
        self._place = (epoch, seed, begin)
        self._ended = False
        self._pool = ThreadPool(1)
        self._context = copy_context()  # so that numpy.errstate of the caller holds there, too
        self._asked: deque[Future[Batch | None]] = deque()
        for _ in range(ahead):
            self._ask()

    def _ask(self) -> None:
        self._asked.append(self._pool.submit(self._context.run, self._read))

    def _read(self) -> Batch | None:
        """The next batch, in the thread; None: there is none."""
        if self._ended:
            return None
        try:
            if self._batches is None:
                epoch, seed, begin = self._place
                self._batches = iter(self._source.batches(epoch, seed))
                # What a child had from its parent.
                next(islice(self._batches, begin, begin), None)
            return next(self._batches)
        except BaseException as error:
            self._ended = True
            if isinstance(error, StopIteration):
                return None
            raise

    @property
    def lost(self) -> bool:
        """Whether the thread is in the parent, and its batches are not coming."""
        return self._pool.is_of_parent

    def next(self) -> Batch | None:
        """The next batch; None: there is none, or it is lost."""
        if self.lost:
            return None
        found = self._asked.popleft().result()
        if found is not None:
            self._ask()
        return found

    def stop(self) -> None:
        """Waits for the batch that is being computed, and drops it and all others."""
        if self.lost:  # the source may be in the middle of a batch there
            return
        self._ended = True
        self._pool.shutdown()
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()
