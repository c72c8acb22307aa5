"""The audio and frames that contenders are fed with: made here, the same in every run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16000
HOP = 160


def audio(seconds: float) -> NDArray[np.float32]:
    """Something like speech to a feature extractor: syllables of harmonics over a floor of noise.

    The floor keeps every band within 80 dB of the loudest, so librosa's clamp changes nothing, and
    extractors with and without it can be compared.
    """
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.37 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 24))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * t), 0, None)
    y = 0.1 * voice * syllables + 0.02 * rng.standard_normal(t.size)
    return y.astype(np.float32)


def frames(count: int, width: int) -> NDArray[np.float32]:
    """Frames as a normalised front end gives them."""
    return np.random.default_rng(1).standard_normal((count, width)).astype(np.float32)
