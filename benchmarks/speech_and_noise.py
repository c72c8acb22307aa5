"""Minutes of speech in noise, from the recordings of a folder that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

RATE = 16000
SUFFIXES = (".flac", ".wav", ".ogg")
# dB between an utterance and the noise around it.
RATIOS = (30, 20, 10, 5, 0)


class Recordings:
    """The files below a folder, speech and noise: those in folders called noise are that."""

    def __init__(self, folder: Path) -> None:
        files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
        noise = [path for path in files if "noise" in path.relative_to(folder).parts]
        self.noise = noise
        self.speech = [path for path in files if path not in set(noise)]
        if not self.speech:
            raise SystemExit(f"{folder} has no recordings of speech; expected .flac, .wav or .ogg")

    def mixed(self, minutes: float, seed: int = 0) -> Array:
        """Utterances and pauses between them, with noise of every kind around both.

        Returns
        -------
        ndarray, shape (n,)
            At 16 kHz, from -1 to 1; a whole number of seconds and a part of a chunk.
        """
        rng = np.random.default_rng(seed)
        parts, length, wanted = [], 0, int(minutes * 60 * RATE) + 333
        while length < wanted:
            part = self._scene(rng)
            parts.append(part)
            length += len(part)
        return np.concatenate(parts)[:wanted]

    def _scene(self, rng: np.random.Generator) -> Array:
        """An utterance or several short ones, and what is heard before and behind it."""
        said = [np.zeros(int(rng.uniform(0.1, 1.0) * RATE), np.float32)]
        for _ in range(int(rng.integers(1, 4))):
            said.append(read(self.speech[rng.integers(len(self.speech))])[: 12 * RATE])
            said.append(np.zeros(int(rng.uniform(0.02, 1.5) * RATE), np.float32))
        speech = np.concatenate(said)
        around = self._noise(rng, len(speech))
        ratio = RATIOS[rng.integers(len(RATIOS))]
        loudness = float(np.sqrt(np.mean(np.square(speech[speech != 0]))))
        floor = float(np.sqrt(np.mean(np.square(around)))) or 1.0
        mixed = speech + around * (loudness * 10 ** (-ratio / 20) / floor)
        gain = 10 ** rng.uniform(-1.5, 0) / max(1e-6, float(np.abs(mixed).max()))
        found: Array = (mixed * gain).astype(np.float32)
        return found

    def _noise(self, rng: np.random.Generator, n: int) -> Array:
        if not self.noise:
            return rng.standard_normal(n).astype(np.float32)
        one = read(self.noise[rng.integers(len(self.noise))])
        return np.resize(np.roll(one, int(rng.integers(len(one)))), n)


def read(path: Path) -> Array:
    """A recording at 16 kHz, one channel."""
    import soundfile
    import soxr

    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    found: Array = soxr.resample(pcm.mean(axis=1), rate, RATE).astype(np.float32)
    return found


def at_rate(pcm: Array, rate: int) -> Array:
    """The same audio at another sample rate."""
    import soxr

    if rate == RATE:
        return pcm
    found: Array = np.clip(soxr.resample(pcm, RATE, rate), -1, 1).astype(np.float32)
    return found


def odd_cuts(n: int, seed: int = 0) -> Iterator[slice]:
    """Pieces of every size from one sample to several chunks, that cover n samples."""
    rng, start = np.random.default_rng(seed), 0
    while start < n:
        size = int(rng.choice([1, 7, 160, 511, 512, 513, 1709, 4000])) + int(rng.integers(3))
        yield slice(start, start + size)
        start += size
