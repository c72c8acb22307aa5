"""Another thread writes NaN into the buffer while it is pushed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

import pylstm
from pylstm import _engine
from pylstm.decisions.event import event

AUDIO_LAYERS = [pylstm.LSTM(26, 16, seed=1), pylstm.Activation(16, "sigmoid")]
AUDIO_MODEL = pylstm.Model(pylstm.MFCC(deltas=1), AUDIO_LAYERS)
FRAMES_MODEL = pylstm.Model(None, [pylstm.LSTM(8, 16, seed=1), pylstm.Dense(16, 3, seed=2)])

# Long enough that the other thread writes while the engine works. NaN stands near the end, where
# the check sees it last and the engine long afterwards.
PCM = np.zeros(80_000, np.float32)
FRAMES = np.zeros((2000, 8), np.float32)
STEREO = np.zeros((80_000, 2), np.float32)

Session = pylstm.Stream | pylstm.Listener
Push = Callable[[], Session]


def pushed(stream: Session, push: Callable[[], object]) -> Session:
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

    def listener() -> pylstm.Listener:
        made = AUDIO_MODEL.listener(kind="symbols")
        return pushed(made, lambda: made.push(PCM))  # type: ignore[return-value]

    def pool_of_listeners() -> pylstm.Listener:
        listeners = AUDIO_MODEL.listeners(1, kind="symbols")
        return pushed(listeners[0], lambda: listeners.push({0: PCM}))  # type: ignore[return-value]

    return {
        "push": (PCM[-300:-299], lambda: audio(PCM)),
        "push with gaps": (STEREO[-300, :1], lambda: audio(STEREO[:, 0])),
        "push_frames": (FRAMES[-3, 2:3], frames),
        "pool": (PCM[-300:-299], pool),
        "pool of frames": (FRAMES[-3, 2:3], pool_of_frames),
        "listener": (PCM[-300:-299], listener),
        "pool of listeners": (PCM[-300:-299], pool_of_listeners),
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
            other = stream.fork()
            other.reset()
            other.restore(stream.snapshot())
            for cell in getattr(stream, "state", []):  # a listener shows none
                assert all(np.isfinite(part).all() for part in cell)
    finally:
        over.set()
        thread.join()
        place[0] = 0.0
    assert refusals <= {"Nothing of it was taken"}


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["words", "segments", "symbols"])
def test_a_decision_on_rows_from_elsewhere_stays_sound(kind: str, dtype: type) -> None:
    texts = [("kind", kind), *([("label", "b")] if kind == "segments" else [])]
    decision = _engine.Decision.for_rows(["a", "b"], 2, 0.01, texts, event)
    rows = np.repeat(np.tile(np.array([[0.2, 0.8], [0.6, 0.4]], dtype), (20, 1)), 1000, axis=0)
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            rows[-40, 1] = np.nan
            rows[-40, 1] = 0.8

    thread = threading.Thread(target=write)
    thread.start()
    taken, refusals = 0, set()
    try:
        while taken < 40:
            listener, other = _engine.RowListener(decision), _engine.RowListener(decision)
            try:
                heard = listener.push(rows)
            except ValueError as error:
                refusals.add(str(error).rpartition(". ")[2])
                continue
            taken += 1
            other.restore(listener.snapshot())
            heard += listener.finish()
            assert all(np.isfinite((e.time, e.onset, e.score)).all() for e in heard)
    finally:
        over.set()
        thread.join()
    assert refusals <= {"Nothing of it was taken"}
