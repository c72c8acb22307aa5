"""Sources: what gives the batches of a training, epoch by epoch.

A *source* is anything with ``batches(epoch, seed)`` and ``n_batches``. Its batches depend on these
two numbers alone: not on what was asked of it before, not on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pylstm.train.data.batch import Batch

if TYPE_CHECKING:
    from pylstm.train.network import Network

__all__ = ["Source", "WrappedSource", "known_n_batches"]


class Source(Protocol):
    """Gives the batches of an epoch, the same ones for the same epoch and seed.

    A source may also have ``prepare(network, epoch, seed)``, which is called before each epoch of
    training. Its batches may then depend on the weights that the network has at that time, too.
    """

    @property
    def n_batches(self) -> int | None:
        """Batches in an epoch; None if that is not known beforehand."""

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


def known_n_batches(source: object) -> int | None:
    """The number of batches in an epoch, if the source knows it; else None.

    Users write sources, too: without ``n_batches``, or with a method of that name.
    """
    n_batches = getattr(source, "n_batches", None)
    return int(n_batches) if isinstance(n_batches, (int, np.integer)) else None


class WrappedSource:
    """A source that changes the batches of another one."""

    def __init__(self, source: Source) -> None:
        if not hasattr(source, "batches"):
            raise TypeError(f"source is {type(source).__name__}; expected something with batches()")
        self.source = source

    @property
    def n_batches(self) -> int | None:
        """Batches in an epoch, if the source knows."""
        return known_n_batches(self.source)

    def prepare(self, network: Network, epoch: int, seed: int) -> None:
        """Lets the other source look at the network before an epoch; see `Source`."""
        prepare = getattr(self.source, "prepare", None)
        if prepare is not None:
            prepare(network, epoch, seed)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source!r})"
