"""What a push from Python allocates, for test_realtime.py, which preloads allocation_counter.c.

Prints, for each of a few loops, allocations, frees and calls on locks of one thousand turns.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

import pylstm

TURNS = 1000


def count(call: Callable[[], object]) -> list[int]:
    """Allocations, frees and calls on locks of this thread in so many calls."""
    library = ctypes.CDLL(None)
    found = (ctypes.c_long * 3)()
    for _ in range(3):  # what is made once and then kept
        call()
    library.counter_arm()
    for _ in range(TURNS):
        call()
    library.counter_disarm(found)
    return list(found)


def main() -> None:
    features = pylstm.MFCC()
    layers = [pylstm.LSTM(13, 32, seed=0), pylstm.Dense(32, 3, activation="softmax", seed=1)]
    model = pylstm.Model(features, layers)
    stream, fresh = model.stream(), model.stream()
    rng = np.random.default_rng(0)
    pcm = (0.1 * rng.standard_normal(160)).astype(np.float32)
    pcm16 = (pcm * 32767).astype(np.int16)
    stream.push(np.zeros(stream.latency, np.float32))  # from here on every hop completes a row
    out = np.empty((1, 3), np.float32)
    frames = pylstm.Model(None, layers).stream()
    frame = rng.standard_normal((1, 13)).astype(np.float32)
    kept: list[bytearray] = []

    def first_call() -> None:
        fresh.reset()
        fresh.push(pcm)

    loops: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "bytearray": lambda: bytearray(100_000),
        "kept": lambda: kept.append(bytearray(100_000)),
        "push": lambda: stream.push(pcm, out=out),
        "push int16": lambda: stream.push(pcm16, out),
        "push_frames": lambda: frames.push_frames(frame, out),
        "push after reset": first_call,
    }
    assert stream.push(pcm, out=out) is out
    print(json.dumps({name: count(call) for name, call in loops.items()}))


if __name__ == "__main__":
    assert Path(pylstm.__file__).is_file()
    main()
