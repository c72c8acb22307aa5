"""Another thread writes NaN into the buffer while it is pushed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

import pylstm

AUDIO_MODEL = pylstm.Model(pylstm.MFCC(deltas=1), [pylstm.LSTM(26, 16, seed=1)])
FRAMES_MODEL = pylstm.Model(None, [pylstm.LSTM(8, 16, seed=1), pylstm.Dense(16, 3, seed=2)])

# Long enough that the other thread writes while the engine works. NaN stands near the end, where
# the check sees it last and the engine long afterwards.
PCM = np.zeros(80_000, np.float32)
FRAMES = np.zeros((2000, 8), np.float32)
STEREO = np.zeros((80_000, 2), np.float32)

Push = Callable[[], pylstm.Stream]


def pushed(stream: pylstm.Stream, push: Callable[[], object]) -> pylstm.Stream:
    push()
    return stream


def doors() -> dict[str, tuple[np.ndarray, Push]]:
    """A place in a buffer, and a push of that buffer into a new stream."""

    def audio(pcm: np.ndarray) -> pylstm.Stream:
        stream = AUDIO_MODEL.stream()
        return pushed(stream, lambda: stream.push(pcm))

    def frames() -> pylstm.Stream:
        stream = FRAMES_MODEL.stream()
        return pushed(stream, lambda: stream.push_frames(FRAMES))

    def pool() -> pylstm.Stream:
        streams = AUDIO_MODEL.streams(1)
        return pushed(streams[0], lambda: streams.push({0: PCM}))

    def pool_of_frames() -> pylstm.Stream:
        streams = FRAMES_MODEL.streams(1)
        return pushed(streams[0], lambda: streams.push_frames({0: FRAMES}))

    return {
        "push": (PCM[-300:-299], lambda: audio(PCM)),
        "push with gaps": (STEREO[-300, :1], lambda: audio(STEREO[:, 0])),
        "push_frames": (FRAMES[-3, 2:3], frames),
        "pool": (PCM[-300:-299], pool),
        "pool of frames": (FRAMES[-3, 2:3], pool_of_frames),
    }


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("door", doors())
def test_the_stream_stays_sound(door: str) -> None:
    """A push is refused, or its stream gives a snapshot that is accepted."""
    place, push = doors()[door]
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            place[0] = np.nan
            place[0] = 0.0

    thread = threading.Thread(target=write)
    thread.start()
    taken, refusals = 0, set()
    try:
        while taken < 25:
            try:
                stream = push()
            except ValueError as error:
                refusals.add(str(error).rpartition(". ")[2])
                continue
            taken += 1
            other = stream.model.stream()
            other.restore(stream.snapshot())
            assert all(np.isfinite(part).all() for cell in stream.state for part in cell)
    finally:
        over.set()
        thread.join()
        place[0] = 0.0
    assert refusals <= {"Nothing of it was taken"}
