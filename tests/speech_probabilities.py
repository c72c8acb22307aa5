"""Tracks of the probability of speech, with settings under which Silero VAD makes segments of them.

Probabilities are multiples of 1/64, which float32 holds: they meet thresholds exactly, and the
engine and the reference are given the same numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS = 64


@dataclass(frozen=True)
class SpeechCase:
    """A track, and settings by the names that Silero VAD has for them."""

    steps: list[int]
    """The probabilities, in 64ths."""
    sampling_rate: int
    samples: int
    """The length of the audio; the last window may not be full."""
    settings: dict[str, float | None] = field(default_factory=dict)
    """In milliseconds, but for `threshold`, `neg_threshold` and `max_speech_duration_s`."""

    @property
    def window(self) -> int:
        """Samples of a row."""
        return self.sampling_rate * 4 // 125

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(T,)"""
        return np.array(self.steps, np.float64) / STEPS

    @property
    def seconds(self) -> dict[str, Any]:
        """The same settings by pylstm's names, with `hop` and `end`."""
        found: dict[str, Any] = {
            "hop": self.window / self.sampling_rate,
            "end": self.samples / self.sampling_rate,
        }
        for name, value in self.settings.items():
            if name.endswith("threshold"):
                found[name] = value
            elif name == "max_speech_duration_s":
                found["max_speech"] = value
            elif value is not None:
                found[MILLISECONDS[name]] = value / 1000
        return found

    def plain(self) -> dict[str, Any]:
        """What a JSON file holds of it; the constructor takes it back."""
        return asdict(self)


MILLISECONDS = {
    "min_speech_duration_ms": "min_speech",
    "min_silence_duration_ms": "min_silence",
    "speech_pad_ms": "pad",
    "min_silence_at_max_speech": "min_silence_at_max_speech",
}


def drawn_track(rng: np.random.RandomState, n_rows: int, threshold: float) -> NDArray[np.int64]:
    """A track of one of several kinds, in 64ths."""
    kind = rng.randint(6)
    runs = rng.randint(1, 14, n_rows)
    if kind == 0:  # anything on every row
        steps = rng.randint(0, STEPS + 1, n_rows)
    elif kind == 1:  # speech that comes and goes
        walk = np.cumsum(rng.normal(0, 1, n_rows)) + rng.normal(0, 2)
        steps = np.rint(STEPS / (1 + np.exp(-walk)))
    elif kind == 2:  # lingers at the thresholds, on them and beside them
        levels = np.array([threshold, threshold - 0.15, threshold - 0.25]) * STEPS
        near = np.rint(rng.choice(levels, n_rows) + rng.randint(-1, 2, n_rows))
        steps = np.repeat(near, rng.randint(1, 5, n_rows))[:n_rows]
    elif kind == 3:  # bursts
        steps = np.repeat(np.where(rng.rand(n_rows) < 0.4, STEPS - 1, 1), runs)[:n_rows]
    elif kind == 4:  # long speech with short pauses, from the first row to the last
        steps = np.where(rng.rand(n_rows) < 0.12, 2, 60)
        steps[1:] = np.where(rng.rand(max(n_rows - 1, 0)) < 0.5, steps[:-1], steps[1:])
    else:  # silence, speech, and a tail of either
        edges = np.sort(rng.randint(0, n_rows + 1, 2))
        steps = np.full(n_rows, 3)
        steps[edges[0] : edges[1]] = 61
    return np.clip(steps, 0, STEPS).astype(np.int64)


def drawn_case(seed: int, longest: int = 160) -> SpeechCase:
    """A track of up to `longest` rows with settings that fit rows and that do not.

    The generator is one whose numbers NumPy has frozen.
    """
    rng = np.random.RandomState(seed)
    sampling_rate = int(rng.choice([16000, 8000]))
    window = sampling_rate * 4 // 125
    n_rows = int(rng.randint(0, longest + 1)) if rng.rand() < 0.9 else int(rng.randint(0, 4))
    threshold = float(rng.choice([0.5, 0.25, 0.75, 0.3, 0.125]))
    samples = n_rows * window
    if n_rows and rng.rand() < 0.6:
        samples -= int(rng.randint(0, window))
    settings: dict[str, float | None] = {}
    if rng.rand() < 0.85:
        choices: dict[str, list[float]] = {
            "min_speech_duration_ms": [0, 32, 64, 250, 100.5, 333.3],
            "min_silence_duration_ms": [0, 32, 64, 100, 128, 97.3, 500],
            "speech_pad_ms": [0, 30, 16, 32, 33.3, 100, 200, 400],
            "min_silence_at_max_speech": [98, 0, 32, 64, 300],
        }
        settings = {name: float(rng.choice(values)) for name, values in choices.items()}
        # The shortest ones are shorter than two pads.
        settings["max_speech_duration_s"] = (
            float(rng.choice([1.0, 0.5, 1.052, 0.7, 3.0, 0.05])) if rng.rand() < 0.6 else None
        )
    settings["threshold"] = threshold
    settings["neg_threshold"] = (
        float(rng.choice([threshold, threshold - 0.125, threshold - 0.3]))
        if rng.rand() < 0.5
        else None
    )
    steps = drawn_track(rng, n_rows, threshold).tolist()
    if settings.get("max_speech_duration_s", 0) is None:
        del settings["max_speech_duration_s"]
    return SpeechCase(steps, sampling_rate, samples, settings)
