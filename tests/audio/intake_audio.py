"""Audio for intakes: noise with tones at many rates, and noise as samples and as a file."""

from __future__ import annotations

import io

import numpy as np
import soundfile

RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
Y = (0.3 * np.random.default_rng(0).uniform(-1, 1, 1200)).astype(np.float32)
Y16 = np.round(Y * 2**15).astype(np.int16)
STEREO = np.stack([Y, Y[::-1]], axis=1)


def noise(seconds: float, rate: int, channels: int, seed: int = 0) -> np.ndarray:
    """(n, channels): noise with a tone, each channel its own."""
    n = round(seconds * rate)
    t = np.arange(n)[:, None] / rate
    tones = 0.3 * np.sin(2 * np.pi * (200 + 90 * np.arange(channels)) * t)
    return tones + 0.1 * np.random.default_rng(seed).uniform(-1, 1, (n, channels))


def wav_bytes() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, Y16, 16000, format="WAV")
    return file.getvalue()
