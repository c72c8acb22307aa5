"""Many streams in one pass: each gives the bits that it gives alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from tests.signals import audio
from tests.small_models import small_model

PCM = audio(2.0)


@pytest.mark.law_chunk
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 7, 61, 130])
def test_ragged_pushes_give_each_stream_its_own_bits(isa: str, n: int, threads: int) -> None:
    model = small_model()
    pool, alone = model.streams(n, threads=threads), [model.stream() for _ in range(n)]
    rng = np.random.default_rng(n)
    for _ in range(12):
        slots = rng.permutation(n)[: rng.integers(0, n + 1)].tolist()
        starts = rng.integers(0, PCM.size // 2, n)
        lengths = rng.integers(0, rng.choice([1, 160, 4000], n) + 1)
        chunks = {k: PCM[starts[k] : starts[k] + lengths[k]] for k in slots}
        for slot, rows in pool.push(chunks).items():
            np.testing.assert_array_equal(rows, alone[slot].push(chunks[slot]))
    for together, single in zip(pool, alone, strict=True):
        assert together.snapshot() == single.snapshot()
        np.testing.assert_array_equal(together.flush(), single.flush())


@pytest.mark.law_chunk
@settings(max_examples=30, deadline=None)
@given(
    hidden_sizes=st.lists(st.sampled_from([1, 15, 16, 17, 40]), min_size=1, max_size=3),
    n_features=st.sampled_from([1, 13]),
    counts=st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=9), min_size=1, max_size=4),
)
def test_frames_of_any_number_each(
    hidden_sizes: list[int], n_features: int, counts: list[list[int]]
) -> None:
    layers: list = []
    width = n_features
    for hidden_size in hidden_sizes:
        layers.append(pylstm.LSTM(width, hidden_size, num_layers=2, seed=len(layers)))
        width = hidden_size
    model = pylstm.Model(None, [*layers, pylstm.Dense(width, 19, "tanh", seed=9)])
    rng = np.random.default_rng(0)
    pool, alone = model.streams(9), [model.stream() for _ in range(9)]
    for push in counts:
        frames = {
            slot: rng.standard_normal((n, n_features)).astype(np.float32)
            for slot, n in enumerate(push)
        }
        for slot, rows in pool.push_frames(frames).items():
            np.testing.assert_array_equal(rows, alone[slot].push_frames(frames[slot]))


@pytest.mark.law_state_is_a_value
def test_slots_are_streams_of_their_own() -> None:
    model = small_model()
    pool = model.streams(3)
    pool.push({0: PCM[:5000], 1: PCM[:7000]})
    pool[2].restore(pool[1].snapshot())
    rows = pool.push({1: PCM[7000:9000], 2: PCM[7000:9000]})
    np.testing.assert_array_equal(rows[1], rows[2])
    pool.reset(0)
    np.testing.assert_array_equal(pool.push({0: PCM})[0], model.stream().push(PCM))
    assert [stream.position for stream in pool] == [PCM.size, 9000, 9000]
    assert len(pool) == 3


def test_joining_and_leaving() -> None:
    pool = small_model().streams(2)
    assert (pool.join(), pool.join(), pool.joined) == (0, 1, [0, 1])
    with pytest.raises(ValueError, match="no slot of 2 is free"):
        pool.join()
    pool.push({0: PCM[:1000]})
    pool.leave(0)
    with pytest.raises(ValueError, match=r"slot 0 was not joined; expected one of \[1\]"):
        pool.leave(0)
    assert (pool.join(), pool[0].position) == (0, 0)


def test_out_is_filled() -> None:
    model = small_model()
    pool, out = model.streams(2), np.empty((1, 3), np.float32)
    rows = pool.push({0: PCM[:200], 1: PCM[:200]}, out={1: out})
    assert rows[1] is out
    np.testing.assert_array_equal(rows[0], out)


GOOD = PCM[:1000]
REFUSALS = {
    "not a mapping": ([GOOD], {}, TypeError, "chunks is list; expected a mapping"),
    "slot": ({2: GOOD}, {}, IndexError, "slot is 2; expected 0 to 1"),
    "negative slot": ({-1: GOOD}, {}, IndexError, "slot is -1"),
    "slot type": ({"0": GOOD}, {}, TypeError, "slot is '0'; expected an integer"),
    "slot twice": ({0: GOOD, np.int64(0): GOOD}, {}, None, ""),
    "dtype": ({0: GOOD, 1: GOOD.astype(float)}, {}, TypeError, "slot 1: pcm is float64"),
    "NaN": ({0: GOOD, 1: GOOD + np.float32(np.nan)}, {}, ValueError, r"slot 1: pcm\[0\] is nan"),
    "2-D": ({0: GOOD, 1: GOOD[:, None]}, {}, ValueError, "slot 1: pcm is .*one channel"),
    "out": ({0: GOOD}, {0: np.empty((0, 3), "f4")}, ValueError, "slot 0: out is .*at least"),
}


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_push_changes_no_stream(name: str) -> None:
    chunks, out, error, message = REFUSALS[name]
    pool = small_model().streams(2)
    pool.push({0: PCM[:777], 1: PCM[:555]})
    before = [stream.snapshot() for stream in pool]
    if error is None:  # equal keys are one slot
        assert list(pool.push(chunks, out)) == [0]
        return
    with pytest.raises(error, match=message):
        pool.push(chunks, out)
    assert [stream.snapshot() for stream in pool] == before
    pool.push({0: GOOD, 1: GOOD})


def test_what_cannot_be_a_pool() -> None:
    with pytest.raises(ValueError, match="n is 0; expected 1 or more"):
        small_model().streams(0)
    with pytest.raises(ValueError, match="threads is 0; expected 1 to 256"):
        small_model().streams(1, threads=0)
    flushed = small_model().streams(2)
    flushed[1].flush()
    with pytest.raises(ValueError, match="slot 1: the stream has been flushed"):
        flushed.push({0: GOOD, 1: GOOD})
    assert flushed[0].position == 0


@pytest.mark.law_one_writer
def test_eight_threads_of_64_streams_are_the_serial_result() -> None:
    model = small_model()
    chunks = [PCM[k * 37 : k * 37 + 3000] for k in range(64)]
    serial = [model.stream().push(chunk) for chunk in chunks]
    results: list = [None] * 8

    def work(k: int) -> None:
        streams = [model.stream() for _ in chunks]
        parts: list[list[np.ndarray]] = [[] for _ in chunks]
        for start in range(0, 3000, 500):
            for stream, chunk, part in zip(streams, chunks, parts, strict=True):
                part.append(stream.push(chunk[start : start + 500]))
        results[k] = [np.concatenate(part) for part in parts]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        for rows, expected in zip(result, serial, strict=True):
            np.testing.assert_array_equal(rows, expected)
