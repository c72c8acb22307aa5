"""Slots of a pool of listeners: they are joined and left, and the pool grows around them."""

from __future__ import annotations

import copy
import pickle
import re
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import free_memory
from tests.engine.lively_listeners import alone_of, pool_of, small_pool
from tests.signals import audio
from tests.small_models import lively_model

PCM = audio(2.0)
GOOD = PCM[:1000]


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
