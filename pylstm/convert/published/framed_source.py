"""A source that takes frames, behind the features that its own program computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.conversion import Conversion
from pylstm.features import Features

__all__ = ["FramedSource", "behind_features"]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class FramedSource:
    """Samples (n,) to rows: frames by pylstm, of the whole at once, and the rest by the source."""

    features: Features
    run: Callable[[Array], Array]

    def __call__(self, samples: Array) -> Array:
        """The rows of the source, from the beginning."""
        return self.run(self.features(samples))


def behind_features(conversion: Conversion, features: Features) -> Conversion:
    """The same network, of audio."""
    run = conversion.run_source
    source = None if run is None else FramedSource(features, run)
    return replace(conversion, features=features, run_source=source)
