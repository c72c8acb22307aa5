"""Many listeners in one pass: each gives the events that it gives alone."""

from __future__ import annotations

import copy
import pickle
import re
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import _engine, free_memory
from tests.signals import audio
from tests.small_models import DECISIONS, lively_model, small_model

PCM = audio(2.0)
GOOD = PCM[:1000]


def pool_of(kind: str, n: int, threads: int = 1) -> pylstm.Listeners:
    activation, given_settings = DECISIONS[kind]
    return lively_model(activation).listeners(n, threads=threads, **given_settings)


def alone_of(kind: str, n: int) -> list[pylstm.Listener]:
    activation, given_settings = DECISIONS[kind]
    return [lively_model(activation).listener(**given_settings) for _ in range(n)]


def small_pool(n: int = 2) -> pylstm.Listeners:
    return pool_of("exclusive words", n)


# --- the chunk law --------------------------------------------------------------------------------


@pytest.mark.law_chunk
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n", [1, 7, 30])
@pytest.mark.parametrize("kind", DECISIONS)
def test_ragged_pushes_give_each_listener_its_own_events(
    isa: str, kind: str, n: int, threads: int
) -> None:
    pool, alone = pool_of(kind, n, threads), alone_of(kind, n)
    rng = np.random.default_rng(n)
    count = 0
    for number in range(16):
        slots = rng.permutation(n)[: rng.integers(0, n + 1)].tolist()
        starts = rng.integers(0, PCM.size // 2, n)
        lengths = rng.integers(0, rng.choice([1, 160, 6000], n) + 1)
        chunks = {k: PCM[starts[k] : starts[k] + lengths[k]] for k in slots}
        if number == 14:
            slots, chunks = [*range(n)], dict.fromkeys(range(n), PCM)
        rows_too = number % 3 == 0
        heard = pool.push(chunks, posteriors=rows_too)
        assert list(heard) == slots
        for slot, found in heard.items():
            events, rows = alone[slot].push(chunks[slot], posteriors=True)
            count += len(events)
            if rows_too:
                assert found[0] == events
                np.testing.assert_array_equal(found[1], rows)
            else:
                assert found == events
    for together, single in zip(pool, alone, strict=True):
        assert together.snapshot() == single.snapshot()
        assert together.flush() == single.flush()
    assert count >= n


@pytest.mark.law_chunk
@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(list(DECISIONS)),
    counts=st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=9), min_size=1, max_size=5),
)
def test_frames_of_any_number_each(kind: str, counts: list[list[int]]) -> None:
    rng = np.random.default_rng(0)
    pool, alone = pool_of(kind, 9), alone_of(kind, 9)
    for push in counts:
        frames = {
            slot: rng.standard_normal((n, 8)).astype(np.float32) for slot, n in enumerate(push)
        }
        for slot, events in pool.push_frames(frames).items():
            assert events == alone[slot].push_frames(frames[slot])
        for slot, (events, rows) in pool.push_frames(frames, posteriors=True).items():
            expected, expected_rows = alone[slot].push_frames(frames[slot], posteriors=True)
            assert events == expected
            np.testing.assert_array_equal(rows, expected_rows)


def test_frames_with_gaps_are_straightened_in_every_pool() -> None:
    frames = np.random.default_rng(0).standard_normal((8, 40)).astype(np.float32)
    model = lively_model("softmax")
    streams, listeners = model.streams(1), model.listeners(1, kind="symbols")
    np.testing.assert_array_equal(
        streams.push_frames({0: frames.T})[0], model.stream().push_frames(frames.T.copy())
    )
    events = model.listener(kind="symbols").push_frames(frames.T.copy())
    assert listeners.push_frames({0: frames.T})[0] == events != []


def test_pushes_of_nothing() -> None:
    pool = small_pool()
    assert pool.push({}) == {}
    assert pool.push_frames({}, posteriors=True) == {}
    assert pool.push({1: GOOD[:0]}) == {1: []}
    events, rows = pool.push({1: GOOD[:0]}, posteriors=True)[1]
    assert (events, rows.shape) == ([], (0, 4))


# --- slots ----------------------------------------------------------------------------------------


@pytest.mark.law_state_is_a_value
def test_slots_are_listeners_of_their_own() -> None:
    pool = pool_of("segments", 3)
    pool.push({0: PCM[:5000], 1: PCM[:17000]})
    pool[2].restore(pool[1].snapshot())
    heard = pool.push({1: PCM[17000:], 2: PCM[17000:]})
    assert heard[1] == heard[2] != []
    pool.reset(0)
    assert pool.push({0: PCM})[0] == alone_of("segments", 1)[0].push(PCM)
    assert [listener.position for listener in pool] == [PCM.size] * 3
    assert len(pool) == 3
    assert dict(pool.decision) == dict(pool[0].decision)
    assert pool.model is pool[1].model


def test_joining_leaving_and_growing() -> None:
    pool = small_pool()
    assert (pool.join(), pool.join(), pool.joined) == (0, 1, [0, 1])
    with pytest.raises(ValueError, match=r"no slot of 2 is free; .* to leave first, or grow\(1\)"):
        pool.join()
    pool.push({0: PCM[:1000]})
    pool.grow(1)
    assert (pool.join(), pool.joined, len(pool)) == (2, [0, 1, 2], 3)
    assert pool[0].position == 1000
    pool.leave(0)
    with pytest.raises(ValueError, match=r"slot 0 was not joined; expected one of \[1, 2\]"):
        pool.leave(0)
    assert (pool.join(), pool[0].position) == (0, 0)


@pytest.mark.parametrize("make", [lambda m: m.streams(2, threads=2), lambda m: m.listeners(2)])
def test_a_pool_grows_around_what_is_there(make) -> None:
    model = lively_model("softmax")
    pool = make(model)
    slot, alone = pool.join(), model.stream()
    held = pool[slot]
    pool.push({slot: PCM[:5000], 1: PCM[:300]})
    alone.push(PCM[:5000])
    before = [session.snapshot() for session in pool]
    for n in (1, 40):
        pool.grow(n)
    assert len(pool) == 43
    assert pool[slot] is held
    assert [session.snapshot() for session in pool][:2] == before
    assert pool.joined == [slot]
    rows = {"posteriors": True} if isinstance(pool, pylstm.Listeners) else {}
    heard = pool.push({slot: PCM[5000:], 42: PCM, 17: PCM}, **rows)
    given_rows = [found[1] if rows else found for found in heard.values()]
    np.testing.assert_array_equal(given_rows[0], alone.push(PCM[5000:]))
    for found in given_rows[1:]:
        np.testing.assert_array_equal(found, model.stream().push(PCM))
    for wrong, error, message in (
        (0, ValueError, "n is 0; expected 1 or more"),
        (-1, ValueError, "n is -1; expected 1 or more"),
        ("2", TypeError, "n is '2'; expected an integer"),
        (10**9, MemoryError, r"n is 1000000000, which takes [\d.]+ [TG]B.*expected at most \d+"),
        (2**62, MemoryError, "n is 4611686018427387904, which takes .*; expected at most"),
    ):
        with pytest.raises(error, match=message):
            pool.grow(wrong)
    assert len(pool) == 43


@pytest.mark.parametrize("n", [10**9, 2**62, np.int64(10**12)])
def test_more_listeners_than_fit(n: int) -> None:
    with pytest.raises(MemoryError, match=rf"n is {n}, which takes [\d.]+ [TPEG]B, and [\d.]+ "):
        lively_model("softmax").listeners(n)


def test_what_the_message_says_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_memory, "free_bytes", lambda: 40_000_000)
    pool = small_pool(1)
    for more_than_fit in (lambda n: lively_model("softmax").listeners(n), pool.grow):
        with pytest.raises(MemoryError, match="expected at most") as caught:
            more_than_fit(10**6)
        most = int(re.findall(r"at most (\d+)", str(caught.value))[0])
        more_than_fit(most)
        with pytest.raises(MemoryError):
            more_than_fit(most + 1)


DOORS: dict[str, Any] = {
    "push": lambda listener: listener.push(PCM[:10]),
    "push_frames": lambda listener: listener.push_frames(np.zeros((1, 8), np.float32)),
    "flush": lambda listener: listener.flush(),
    "reset": lambda listener: listener.reset(),
    "fork": lambda listener: listener.fork(),
    "snapshot": lambda listener: listener.snapshot(),
    "restore": lambda listener: listener.restore(small_pool()[0].snapshot()),
    "pickle": lambda listener: pickle.dumps(listener),
    "copy": lambda listener: copy.copy(listener),
    "position": lambda listener: listener.position,
    "frames": lambda listener: listener.frames,
}


def test_every_door_is_tried() -> None:
    doors = {name for name in dir(pylstm.Listener) if not name.startswith("_")}
    assert doors - {"model", "latency", "decision"} <= DOORS.keys()


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("joined_again", [False, True])
def test_a_listener_of_a_slot_that_has_left_is_refused(door: str, joined_again: bool) -> None:
    """It must not reach the next user of the slot."""
    pool = small_pool(1)
    slot = pool.join()
    stale = pool[slot]
    pool.push({slot: PCM[:5000]})
    pool.leave(slot)
    if joined_again:
        slot = pool.join()
        pool.push({slot: PCM[:700]})
    before = pool[0].snapshot()
    message = r"listener is that of slot 0 before it left the pool; expected .* pool\[0\]"
    with pytest.raises(ValueError, match=message):
        DOORS[door](stale)
    assert pool[0].snapshot() == before
    # What the message says:
    assert pool[pool.joined[0] if joined_again else pool.join()].push(GOOD[:1]) == []


@pytest.mark.parametrize("door", ["push", "push_frames", "leave", "reset", "[]"])
def test_the_number_of_a_user_who_has_left_is_refused(door: str) -> None:
    pool = small_pool()
    stale = pool.join()
    pool.leave(stale)
    slot = pool.join()
    pool.push({slot: PCM[:700]})
    before = pool[slot].snapshot()
    call = {
        "push": lambda: pool.push({stale: PCM}),
        "push_frames": lambda: pool.push_frames({stale: np.zeros((1, 8), np.float32)}),
        "leave": lambda: pool.leave(stale),
        "reset": lambda: pool.reset(stale),
        "[]": lambda: pool[stale],
    }[door]
    with pytest.raises(ValueError, match=r"slot is 0 as join.* who has left; expected one that is"):
        call()
    assert pool[slot].snapshot() == before
    pool.push({0: PCM[:100]})  # a number of the caller's own is taken as it is


STEPS = st.sampled_from(["join", "leave", "push", "grow", "stale"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(STEPS, st.integers(0, 3)), max_size=40))
def test_whatever_joins_leaves_and_grows_each_user_has_a_listener_alone(steps: list) -> None:
    kind = "independent words"
    pool = pool_of(kind, 2)
    here: list[tuple[int, pylstm.Listener, pylstm.Listener]] = []
    gone: list[tuple[int, pylstm.Listener]] = []
    for number, (step, which) in enumerate(steps):
        chunk = PCM[number * 100 : number * 100 + 1900]
        if step == "join" and len(here) < len(pool):
            slot = pool.join()
            here.append((slot, pool[slot], alone_of(kind, 1)[0]))
        elif step == "grow":
            pool.grow(which + 1)
        elif step == "leave" and here:
            slot, listener, _ = here.pop(which % len(here))
            pool.leave(slot)
            gone.append((slot, listener))
        elif step == "push" and here:
            slot, listener, alone = here[which % len(here)]
            events = pool.push({slot: chunk})[slot] if which % 2 else listener.push(chunk)
            assert events == alone.push(chunk)
        elif step == "stale" and gone:
            slot, listener = gone[which % len(gone)]
            with pytest.raises(ValueError, match="left"):
                listener.push(chunk)
            with pytest.raises(ValueError, match="left"):
                pool.push({slot: chunk})
    assert pool.joined == sorted(slot for slot, _, _ in here)
    for slot, listener, alone in here:
        assert pool[slot] is listener
        assert listener.snapshot() == alone.snapshot()


def test_a_pool_grows_while_another_thread_pushes() -> None:
    pool = small_pool()
    over = threading.Event()
    strange: list[Exception] = []

    def push() -> None:
        while not over.is_set():
            try:
                pool.push({slot: GOOD for slot in range(len(pool))})
            except Exception as error:
                strange.append(error)
                return

    thread = threading.Thread(target=push)
    thread.start()
    for _ in range(100):
        pool.grow(1)
    over.set()
    thread.join()
    assert strange == []
    assert len(pool) == 102
    assert pool[0].position > 0


# --- what is refused ------------------------------------------------------------------------------

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


@pytest.mark.law_one_writer
def test_threads_of_listeners_are_the_serial_result() -> None:
    kind = "independent words"
    chunks = [PCM[k * 37 : k * 37 + 12000] for k in range(24)]
    serial = [listener.push(c) for listener, c in zip(alone_of(kind, 24), chunks, strict=True)]
    assert all(serial)
    results: list[list[list[pylstm.Event]]] = [[] for _ in range(4)]

    def work(k: int) -> None:
        pool = pool_of(kind, 24, threads=1 + k % 2)
        found: list[list[pylstm.Event]] = [[] for _ in chunks]
        for start in range(0, 12000, 1500):
            heard = pool.push({s: c[start : start + 1500] for s, c in enumerate(chunks)})
            for slot, events in heard.items():
                found[slot] += events
        results[k] = found

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [serial] * 4


def test_a_pool_of_a_model_that_cannot_listen() -> None:
    with pytest.raises(ValueError, match="no features, so that its rows have no times"):
        pylstm.Model(None, [pylstm.LSTM(4, 2, seed=0)], ["a", "b"]).listeners(3)
    assert len(small_model().listeners(3)) == 3
