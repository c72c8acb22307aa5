"""Many listeners in one pass: each gives the events that it gives alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from tests.engine.lively_listeners import alone_of, pool_of, small_pool
from tests.signals import audio
from tests.small_models import DECISIONS, lively_model

PCM = audio(2.0)
GOOD = PCM[:1000]


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
