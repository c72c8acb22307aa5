"""Audio that clients of the load generator play: one recording, in several encodings and rates."""

from __future__ import annotations

import wave
from functools import lru_cache
from pathlib import Path

import numpy as np
from protocol import described

import pylstm

DEMO = Path(pylstm.__file__).parent / "models" / "demo.wav"
PLAIN = {"rate": 16000, "encoding": "int16", "channels": 1}


def mixed() -> list[dict]:
    """A file of the model's rate, a browser, a telephone, a sound card."""
    return [
        PLAIN,
        {"rate": 48000, "encoding": "float32", "channels": 2},
        {"rate": 8000, "encoding": "mulaw", "channels": 1},
        {"rate": 44100, "encoding": "int16", "channels": 2},
    ]


@lru_cache
def mu_law() -> tuple[np.ndarray, np.ndarray]:
    """The values of µ-law in order, and their codes."""
    values = pylstm.Intake(8000, rate=8000, encoding="mulaw").push(bytes(range(256)))
    codes = np.argsort(values).astype(np.uint8)
    return values[codes], codes


@lru_cache
def recording(rate: int, encoding: str, channels: int) -> bytes:
    """The demonstration in another form; the second channel is quieter."""
    with wave.open(str(DEMO)) as audio:
        data, demo_rate = audio.readframes(audio.getnframes()), audio.getframerate()
    if (rate, encoding, channels) == (demo_rate, "int16", 1):
        return data
    change = pylstm.Intake(rate, rate=demo_rate, encoding="int16")
    samples = np.concatenate([change.push(data), change.flush()])
    samples = np.stack([samples * 0.5**channel for channel in range(channels)], axis=-1).ravel()
    if encoding == "mulaw":
        values, codes = mu_law()
        between = (values[1:] + values[:-1]) / 2
        return codes[np.searchsorted(between, samples)].tobytes()
    if encoding == "int16":
        return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()
    return samples.astype("<f4").tobytes()


class Played:
    """The recording over and over, cut into chunks, and the events in it.

    Parameters
    ----------
    description : dict
        Rate, encoding and channels, as a client tells them.
    start : float
        Where to begin, as a part of the recording.
    chunk : float
        Seconds.
    n_chunks : int
        How many will be played.
    model : Model
        What hears the events.
    """

    def __init__(
        self, description: dict, start: float, chunk: float, n_chunks: int, model: pylstm.Model
    ) -> None:
        self.description = description
        data = recording(**description)
        intake = pylstm.Intake(model, **description)
        size = {"int16": 2, "float32": 4, "mulaw": 1}[description["encoding"]]
        self._frame = size * description["channels"]
        self._frames = round(chunk * description["rate"])
        first = int(len(data) // self._frame * start) * self._frame
        self._length = len(data)
        # Once more behind its end, so that a chunk is one piece.
        self._audio = data[first:] + data[:first]
        while len(self._audio) < self._length + self._frames * self._frame:
            self._audio += self._audio[: self._length]
        listener = model.listener()
        events = []
        for number in range(n_chunks):
            events += listener.push(intake.push(self.chunk(number)[0]))
        events += listener.push(intake.flush()) + listener.flush()
        self.events = [described(event) for event in events]

    def chunk(self, number: int) -> tuple[bytes, int]:
        """The bytes of a chunk, and how many samples of each channel it has."""
        size = self._frames * self._frame
        start = number * size % self._length
        return self._audio[start : start + size], self._frames
