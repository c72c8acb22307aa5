"""What tests of importers do with a conversion: it streams, in cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from pylstm.convert import Conversion

Array = NDArray[np.float32]


def in_random_cuts(layers: Any, frames: Array, seed: int = 0) -> Array:
    """The rows of a stream that takes the frames in cuts of 0 to 12."""
    draws = np.random.default_rng(seed)
    stream = pylstm.Model(None, layers).stream()
    parts, at = [], 0
    while at < len(frames):
        n = int(draws.integers(0, 13))
        parts.append(stream.push_frames(frames[at : at + n]))
        at += n
    return np.concatenate([*parts, stream.flush()])


def assert_streams(conversion: Conversion, frames: Array, expected: Array) -> None:
    """Within 1e-5 of the source."""
    rows = in_random_cuts(conversion.layers, frames)
    assert rows.shape == expected.shape
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-5)


def noise(n: int, width: int, seed: int = 0) -> Array:
    """Frames to convert by."""
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)
