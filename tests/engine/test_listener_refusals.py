"""What a listener refuses: it changes nothing, and the listener goes on."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm import _engine
from tests.engine.lively_listeners import heard, listener_of
from tests.signals import audio
from tests.small_models import lively_model, small_model

PCM = audio(2.0)
HOP = 80 / 16000
GOOD = PCM[:3000]
NAN = GOOD.copy()
NAN[777] = np.nan
BAD_AUDIO: dict[str, Any] = {
    "list": [0.0],
    "float64": GOOD.astype(float),
    "int32": np.zeros(4, np.int32),
    "bytes": b"\0\0\0\0",
    "none": None,
    "2-D": GOOD[:, None],
    "NaN": NAN,
    "infinite": -np.abs(NAN) * np.float32(np.inf),
    "masked": np.ma.masked_array(GOOD, GOOD > 0),
}
BAD_FRAMES: dict[str, Any] = {
    "int16": np.zeros((4, 8), np.int16),
    "float64": np.zeros((4, 8)),
    "1-D": np.zeros(8, np.float32),
    "width": np.zeros((4, 9), np.float32),
    "transposed": np.zeros((8, 4), np.float32),
    "NaN": np.full((4, 8), np.nan, np.float32),
    "text": "frames",
}


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("rows_too", [False, True])
@pytest.mark.parametrize(
    ("door", "bad"),
    [("push", bad) for bad in BAD_AUDIO] + [("push_frames", bad) for bad in BAD_FRAMES],
)
def test_bad_input_is_refused_as_a_stream_refuses_it(door: str, bad: str, rows_too: bool) -> None:
    value = (BAD_AUDIO if door == "push" else BAD_FRAMES)[bad]
    listener = listener_of("exclusive words")
    stream = listener.model.stream()
    if door == "push":
        listener.push(GOOD)
    else:
        listener.push_frames(np.zeros((3, 8), np.float32))
    before = listener.snapshot()
    with pytest.raises((TypeError, ValueError)) as of_stream:
        getattr(stream, door)(value)
    with pytest.raises(of_stream.type) as of_listener:
        getattr(listener, door)(value, posteriors=rows_too)
    assert str(of_listener.value) == str(of_stream.value)
    assert listener.snapshot() == before
    if door == "push":
        assert (
            heard(listener, [PCM[3000:]])
            == heard(listener_of("exclusive words"), [PCM])[
                len(listener_of("exclusive words").push(GOOD)) :
            ]
        )


@pytest.mark.law_nothing_poisons
def test_what_is_over_and_what_is_mixed() -> None:
    listener = listener_of("segments")
    listener.push(GOOD)
    before = listener.snapshot()
    with pytest.raises(ValueError, match="audio and frames"):
        listener.push_frames(np.zeros((3, 8), np.float32))
    assert listener.snapshot() == before
    listener.flush()
    after = listener.snapshot()
    for call in (listener.flush, lambda: listener.push(GOOD), lambda: listener.push(GOOD[:0])):
        with pytest.raises(ValueError, match="flushed; reset it"):
            call()
    assert listener.snapshot() == after
    listener.reset()
    listener.push_frames(np.zeros((3, 8), np.float32))
    with pytest.raises(ValueError, match="audio and frames"):
        listener.push(GOOD)
    deltas = small_model(deltas=1).listener()
    deltas.push(PCM[:800])
    with pytest.raises(ValueError, match="9 frames"):
        deltas.flush()
    deltas.push(PCM[800:])
    deltas.flush()


@pytest.mark.law_nothing_poisons
def test_float_audio_on_the_scale_of_int16_is_noticed_once() -> None:
    loud = GOOD * np.float32(32768)
    listener = listener_of("exclusive words")
    listener.push(GOOD)
    before = listener.snapshot()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(RuntimeWarning, match=r"pcm\[\d+\] is .*take pcm / 32768"):
                listener.push(loud)
            assert listener.snapshot() == before
    with pytest.warns(RuntimeWarning, match="said once") as caught:
        listener.push(loud)
    assert [warning.filename for warning in caught] == [__file__]
    listener.push(loud)  # silent: warnings are errors here
    listener.fork().push(loud)
    listener.reset()
    with pytest.warns(RuntimeWarning):
        listener.push(loud)


@pytest.mark.law_one_writer
def test_the_second_writer_gets_an_error_at_once() -> None:
    listener = listener_of("segments")
    long = np.tile(PCM, 20)
    busy: list[str] = []

    def push() -> None:
        try:
            listener.push(long)
        except pylstm.StreamBusyError as error:
            busy.append(str(error))

    for _ in range(50):
        threads = [threading.Thread(target=push) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if busy:
            break
    assert busy, "four threads never met inside one listener"
    assert all("another thread is inside a call" in text for text in busy)
    listener.push(GOOD)


def test_an_event_that_cannot_be_made() -> None:
    """The rows have been decided on; the listener goes on behind them."""
    model = lively_model("softmax")

    class WrongError(Exception):
        pass

    def raising(*_: object) -> object:
        raise WrongError

    decision = _engine.Decision.for_model(model._core, [("kind", "symbols")], raising)
    listener, good = _engine.Listener(model._core, model, decision), model.listener(kind="symbols")
    rows = model.run(PCM[:8000])
    alone = _engine.RowListener(
        _engine.Decision.for_rows(model.labels, 4, HOP, [("kind", "symbols")], raising)
    )
    for call in (
        lambda: listener.push(PCM[:8000]),
        lambda: listener.push(PCM[:8000], posteriors=True),
        lambda: alone.push(rows),
    ):
        with pytest.raises(WrongError):
            call()
    good.push(PCM[:8000])
    good.push(PCM[:8000])
    assert listener.snapshot() == good.snapshot()
    assert alone.rows == len(rows)
