"""Decoded audio that stays in memory, because a training needs it again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

__all__ = ["LONG_SECONDS", "KeptSamples"]

Samples = NDArray[np.float32]

# Longer files are not decoded whole.
LONG_SECONDS = 120.0

# Enough for four hours at 16 kHz; what is more is decoded each time.
_BYTES = 1 << 30


class KeptSamples:
    """Keeps samples until there are too many; what it does not keep is decoded each time.

    Which are kept depends on who comes first. What is given does not.

    Parameters
    ----------
    most : int
        Bytes.
    """

    def __init__(self, most: int = _BYTES) -> None:
        self._left = most
        self._kept: dict[Hashable, Samples] = {}

    def get(self, key: Hashable, decode: Callable[[], Samples]) -> Samples:
        """The samples of a key, which nobody may change."""
        found = self._kept.get(key)
        if found is None:
            found = decode()
            found.flags.writeable = False
            if found.nbytes <= self._left:
                # Two threads may decode the same file; the second only counts a little too much.
                self._left -= found.nbytes
                self._kept[key] = found
        return found
