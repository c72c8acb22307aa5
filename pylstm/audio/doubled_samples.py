"""Samples that all come twice: interleaved stereo of one voice, taken for one channel."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["DoubledSamples"]

# Changes from one pair to the next after which it is no chance: one channel would have had as many
# inside of pairs.
_ENOUGH = 200


class DoubledSamples(NamedTuple):
    """What is known so far about the pairs of samples 0 and 1, 2 and 3, ...

    Attributes
    ----------
    possible : bool
        Whether both samples of each pair are equal. Once two differ, nothing is looked at.
    changes : int
        From one pair to the next.
    last : float
        The sample before the next one.
    odd : bool
        Whether that is the first of a pair.
    """

    possible: bool = True
    changes: int = 0
    last: float = 0.0
    odd: bool = False

    def after(self, samples: NDArray[np.float32]) -> Self:
        """What is known after more samples."""
        if not self.possible or not len(samples):
            return self
        line = np.concatenate([np.array([self.last], np.float32), samples])
        differs = line[1:] != line[:-1]
        inside, between = (differs[place::2] for place in (int(not self.odd), int(self.odd)))
        return self._replace(
            possible=not inside.any(),
            changes=self.changes + int(np.count_nonzero(between)),
            last=float(samples[-1]),
            odd=self.odd ^ bool(len(samples) % 2),
        )

    @property
    def certain(self) -> bool:
        """Whether all samples came twice, and enough of them that it is no chance."""
        return self.possible and self.changes >= _ENOUGH
