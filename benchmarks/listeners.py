"""What do decisions cost beside the engine that they serve?"""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.result import Result, Table
from benchmarks.speech import SAMPLE_RATE

QUESTION = "What do decisions cost beside the engine that they serve?"
TICK = SAMPLE_RATE // 50
CROWDS = (("keywords", 1000), ("vad", 1000), ("vad", 5000))
STREAMS, LISTENERS, DETECTORS = "bare streams", "listeners", "streams, a Detector each"


def speech() -> NDArray[np.int16]:
    """The bundled recording, so that there are events."""
    path = Path(pylstm.__file__).parent / "models" / "demo.wav"
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


class Crowd:
    """Many sources of audio, each at another place of the recording."""

    def __init__(self, push: Callable[[dict[int, NDArray[np.int16]]], object], n: int) -> None:
        self.push = push
        self.pcm = speech()
        self.places = np.random.default_rng(0).integers(0, len(self.pcm) - TICK, n)

    def tick(self) -> object:
        self.places += TICK
        self.places[self.places > len(self.pcm) - TICK] = 0
        pcm = self.pcm
        return self.push({k: pcm[at : at + TICK] for k, at in enumerate(self.places.tolist())})


def streams(model: pylstm.Model, n: int) -> Crowd:
    return Crowd(model.streams(n).push, n)


def listeners(model: pylstm.Model, n: int) -> Crowd:
    return Crowd(model.listeners(n).push, n)


def detectors(model: pylstm.Model, n: int) -> Crowd:
    """What a service had to do before there were listeners."""
    pool, each = model.streams(n), [pylstm.Detector.for_model(model) for _ in range(n)]

    def push(chunks: dict[int, NDArray[np.int16]]) -> object:
        return {slot: each[slot].push(rows) for slot, rows in pool.push(chunks).items()}

    return Crowd(push, n)


def run(effort: Effort) -> Result:
    table = Table("20 ms of audio for each, in one push", "crowd", "ms", STREAMS)
    load = Table("A core's share that it takes", "crowd", "%")
    for name, n in CROWDS:
        model = pylstm.load(name)
        crowds = {STREAMS: streams, LISTENERS: listeners, DETECTORS: detectors}
        found = [
            Contender(kind, calls(partial(Crowd.tick, crowd(model, n))))
            for kind, crowd in crowds.items()
        ]
        # A turn is one push at least; more would only lengthen the run.
        times = contest(found, replace(effort, rounds=min(effort.rounds, 60)), tolerance=0)
        table.add(f"{n:,} × `{name}`", times, 1e3)
        for kind, timing in times.items():
            load.put(f"{n:,} × `{name}`", kind, 100 * timing.fastest / (TICK / SAMPLE_RATE))
    notes = [
        "One process, one thread; the time holds slicing the audio and everything in Python. Each "
        "source plays the bundled recording from another place, so that there are events.",
        "`vad` listeners decide on segments, its Detectors on words.",
    ]
    return Result(QUESTION, [table, load], notes)
