"""How loud channels are beside their mean: what mixing down to mono loses."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChannelLevels", "MixLoss"]

# Decibels by which mixing makes audio quieter where it is said. Two channels of which one is silent
# lose 6 dB, which a model does not mind; six independent ones 7.8 dB; one voice on one of three
# channels 9.5 dB.
_MUCH = 9.0


class MixLoss(NamedTuple):
    """What mixing loses: the mean is so many decibels quieter (infinite: it is silent) than the
    loudest channel."""

    decibels: float
    channel: int


class ChannelLevels:
    """The energy of each of some channels, and of their mean.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        self._each = np.zeros(channels)
        self._mean = 0.0

    def add(self, block: NDArray[np.float32], mean: NDArray[np.float64]) -> None:
        """Takes more audio, shape (n, channels), and its mean, shape (n,)."""
        self._each += np.einsum("nc,nc->c", block, block, dtype=np.float64)
        self._mean += float(np.dot(mean, mean))

    @property
    def loss(self) -> MixLoss | None:
        """What mixing has lost so far, if it is much."""
        channel = int(np.argmax(self._each))
        loudest = float(self._each[channel])
        if loudest == 0.0:
            return None
        decibels = 10 * math.log10(loudest / self._mean) if self._mean > 0 else math.inf
        return MixLoss(decibels, channel) if decibels >= _MUCH else None
