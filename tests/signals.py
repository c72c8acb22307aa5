"""Signals that have a bit of everything, made on the spot."""

from __future__ import annotations

import numpy as np


def audio(seconds: float, seed: int = 0, sr: int = 16000) -> np.ndarray:
    """Noise with a tone that glides and bursts in it: loud, quiet and silent stretches. float32."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * sr)) / sr
    tone = np.sin(2 * np.pi * (200 + 300 * t) * t) * (np.sin(2 * np.pi * 3 * t) > 0)
    noise = rng.standard_normal(t.size) * 10.0 ** rng.uniform(-4, -1)
    return (0.3 * tone + noise).astype(np.float32)
