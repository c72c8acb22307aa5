"""What a pool of listeners refuses: no listener of it changes, and the slot is named."""

from __future__ import annotations

import re
import threading
import warnings
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm import _engine
from tests.engine.lively_listeners import pool_of, small_pool
from tests.signals import audio
from tests.small_models import lively_model, small_model

PCM = audio(2.0)
GOOD = PCM[:1000]
REFUSALS: dict[str, tuple[Any, type, str]] = {
    "not a mapping": ([GOOD], TypeError, "chunks is list; expected a mapping"),
    "slot": ({2: GOOD}, IndexError, "slot is 2; expected 0 to 1"),
    "huge slot": ({2**80: GOOD}, IndexError, "slot is 1208925819614629174706176; expected 0 to 1"),
    "negative slot": ({-1: GOOD}, IndexError, "slot is -1"),
    "slot type": ({"0": GOOD}, TypeError, "slot is '0'; expected an integer"),
    "dtype": ({0: GOOD, 1: GOOD.astype(float)}, TypeError, "slot 1: pcm is float64"),
    "NaN": ({0: GOOD, 1: GOOD + np.float32(np.nan)}, ValueError, r"slot 1: pcm\[0\] is nan"),
    "2-D": ({0: GOOD, 1: GOOD[:, None]}, ValueError, "slot 1: pcm is .*one channel"),
}


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("rows_too", [False, True])
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_push_changes_no_listener(name: str, rows_too: bool) -> None:
    chunks, error, message = REFUSALS[name]
    pool = small_pool()
    pool.push({0: PCM[:777], 1: PCM[:555]})
    before = [listener.snapshot() for listener in pool]
    with pytest.raises(error, match=message):
        pool.push(chunks, posteriors=rows_too)
    assert [listener.snapshot() for listener in pool] == before
    pool.push({0: GOOD, 1: GOOD})


class Twice(dict):
    """Gives a slot twice."""

    def items(self):  # type: ignore[override]
        return [(0, GOOD), (1, GOOD), (0, GOOD)]


@pytest.mark.law_nothing_poisons
def test_what_else_is_refused() -> None:
    with pytest.raises(ValueError, match="n is 0; expected 1 or more"):
        small_pool(0)
    with pytest.raises(ValueError, match="threads is 0; expected 1 to 256"):
        pool_of("segments", 1, threads=0)
    pool = small_pool()
    with pytest.raises(ValueError, match="a slot stands twice in the push; expected each once"):
        pool.push(Twice())
    pool[1].flush()
    for kind in ("push", "push_frames"):
        data = GOOD if kind == "push" else np.zeros((3, 8), np.float32)
        with pytest.raises(ValueError, match="slot 1: the stream has been flushed"):
            getattr(pool, kind)({0: data, 1: data})
    pool[1].reset()
    pool[0].push(GOOD)
    with pytest.raises(ValueError, match=r"slot 0: .*audio and frames"):
        pool.push_frames({1: data, 0: data})
    assert [listener.position for listener in pool] == [GOOD.size, 0]


@pytest.mark.law_nothing_poisons
def test_float_audio_on_the_scale_of_int16_is_noticed_once_a_slot() -> None:
    loud = GOOD * np.float32(32768)
    pool = small_pool(4)
    before = [listener.snapshot() for listener in pool]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match=r"slot 1: pcm\[\d+\] is .*take pcm / 32768"):
            pool.push({0: GOOD, 1: loud, 2: loud})
    assert [listener.snapshot() for listener in pool] == before
    with pytest.warns(RuntimeWarning, match="said once") as caught:
        pool.push({0: GOOD, 1: loud, 2: loud[::-1], 3: np.zeros(9, np.int16)})
    assert [str(w.message).partition(":")[0] for w in caught] == ["slot 1", "slot 2"]
    assert {warning.filename for warning in caught} == {__file__}
    pool.push({1: loud, 2: loud})  # silent: warnings are errors here


@pytest.mark.law_one_writer
@pytest.mark.parametrize("kind", ["listeners", "streams"])
def test_a_slot_that_is_busy_is_named(kind: str) -> None:
    """Another thread pushes into the session of one slot all the time."""
    pool = getattr(lively_model("softmax"), kind)(3)
    busy, over = pool[1], threading.Event()
    long = np.tile(PCM, 10)

    def push() -> None:
        while not over.is_set():
            try:
                busy.push(long)
            except pylstm.StreamBusyError:
                continue

    thread = threading.Thread(target=push)
    thread.start()
    told: list[str] = []
    for _ in range(2000):
        try:
            pool.push({0: GOOD, 1: GOOD, 2: GOOD})
        except pylstm.StreamBusyError as error:
            told.append(str(error))
            if len(told) == 20:
                break
    over.set()
    thread.join()
    assert told, "the push never met the other thread"
    assert all(re.match("slot 1: another thread is inside a call", text) for text in told)
    assert pool[0].position == pool[2].position


def test_an_event_that_cannot_be_made() -> None:
    model = lively_model("softmax")

    class WrongError(Exception):
        pass

    def raising(*_: object) -> object:
        raise WrongError

    decision = _engine.Decision.for_model(model._core, [("kind", "symbols")], raising)
    pool = _engine.Listeners(model._core, model, decision, 3, 1)
    for rows_too in (False, True):
        with pytest.raises(WrongError):
            pool.push({0: PCM[:8000], 2: PCM[:9000]}, posteriors=rows_too)
    assert [listener.position for listener in pool] == [16000, 0, 18000]
    assert pool.push({1: GOOD[:0]}) == {1: []}


def test_a_pool_of_a_model_that_cannot_listen() -> None:
    with pytest.raises(ValueError, match="no features, so that its rows have no times"):
        pylstm.Model(None, [pylstm.LSTM(4, 2, seed=0)], ["a", "b"]).listeners(3)
    assert len(small_model().listeners(3)) == 3
