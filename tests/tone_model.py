"""Models and recordings for the tests of the command line, made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

import pylstm

DETECTOR = {
    "detector.threshold": "0.7",
    "detector.smoothing_frames": "5",
    "detector.refractory_frames": "20",
    "detector.background": "silence",
}
LABELS = ("silence", "low", "high")


def tone_model(**changes: object) -> pylstm.Model:
    """Hears low and high tones: a softmax over what lies in the lower and the upper mel bands.

    The two layers of weights are plain to see, so that a test knows what must be heard. The LSTM
    beside them sees to it that there is a memory to get wrong.
    """
    bands = np.array([[0, 0, 0, 0], [0.1, 0.1, -0.1, -0.1], [-0.1, -0.1, 0.1, 0.1]], np.float32)
    memory = pylstm.LSTM(4, 4, seed=0)
    dense = {
        "weight": np.array([[0, 0, 0, 0], [9, 0, 0, 0], [-9, 0, 0, 0]], np.float32),
        "bias": np.array([2, 0, 0], np.float32),
    }
    # The first cell: gates wide open, nothing kept, c = tanh(low bands - high bands).
    for name, weight in memory.weights.items():
        weight[:] = 0
        if name.startswith("weight_ih"):
            weight[8] = bands[1]
        elif name.startswith("bias_ih"):
            weight[0], weight[4], weight[12] = 9, -9, 9
    settings: dict = {
        "features": pylstm.LogMel(n_mels=4),
        "layers": [memory, pylstm.Dense(4, 3, "softmax", weights=dense)],
        "labels": LABELS,
        "info": DETECTOR,
    }
    return pylstm.Model(**(settings | changes))


def two_tones(rate: int = 16000, seconds: float = 2.0) -> NDArray[np.float32]:
    """A low tone from 0.5 s, a high one from 1.2 s, 0.3 s each, and otherwise silence."""
    time = np.arange(round(rate * seconds)) / rate
    low = np.sin(2 * np.pi * 300 * time) * ((time >= 0.5) & (time < 0.8))
    high = np.sin(2 * np.pi * 3300 * time) * ((time >= 1.2) & (time < 1.5))
    return (0.5 * (low + high)).astype(np.float32)


def write(
    path: Path, rate: int = 16000, channels: int = 1, subtype: str | None = None, **changes: object
) -> Path:
    """The two tones as a file; in stereo they are on the first channel alone."""
    samples = np.zeros((len(two_tones(rate, **changes)), channels), np.float32)
    samples[:, 0] = two_tones(rate, **changes)
    soundfile.write(path, samples, rate, subtype)
    return path
