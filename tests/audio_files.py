"""Audio files, made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile


def sound(
    path: Path,
    seconds: float = 0.2,
    rate: int = 16000,
    channels: int = 1,
    seed: int = 0,
    subtype: str | None = None,
) -> Path:
    """Noise, quiet, of a seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    y = 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * rate), channels))
    soundfile.write(path, y, rate, subtype)
    return path
