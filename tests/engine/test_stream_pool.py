"""Many streams in one pass: each gives the bits that it gives alone."""

from __future__ import annotations

import copy
import pickle
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


DOORS = {
    "push": lambda stream: stream.push(PCM[:10]),
    "push_frames": lambda stream: stream.push_frames(np.zeros((1, 13), np.float32)),
    "trace": lambda stream: stream.trace(np.zeros((1, 13), np.float32)),
    "flush": lambda stream: stream.flush(),
    "rows": lambda stream: stream.rows(160),
    "reset": lambda stream: stream.reset(),
    "fork": lambda stream: stream.fork(),
    "snapshot": lambda stream: stream.snapshot(),
    "restore": lambda stream: stream.restore(small_model().stream().snapshot()),
    "pickle": lambda stream: pickle.dumps(stream),
    "copy": lambda stream: copy.copy(stream),
    "state": lambda stream: stream.state,
    "setting the state": lambda stream: setattr(stream, "state", small_model().stream().state),
    "position": lambda stream: stream.position,
    "frames": lambda stream: stream.frames,
}


def test_every_door_is_tried() -> None:
    doors = {name for name in dir(pylstm.Stream) if not name.startswith("_")} - {"model", "latency"}
    assert doors <= DOORS.keys()


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("joined_again", [False, True])
def test_a_stream_of_a_slot_that_has_left_is_refused(door: str, joined_again: bool) -> None:
    """It must not reach the next user of the slot."""
    pool = small_model().streams(1)
    slot = pool.join()
    stale = pool[slot]
    pool.push({slot: PCM[:5000]})
    pool.leave(slot)
    if joined_again:
        slot = pool.join()
        pool.push({slot: PCM[:700]})
    before = pool[0].snapshot()
    with pytest.raises(ValueError, match=r"slot 0 before it left the pool; expected .* pool\[0\]"):
        DOORS[door](stale)
    assert pool[0].snapshot() == before
    # What the message says:
    assert pool[pool.joined[0] if joined_again else pool.join()].rows(160) in (0, 1)


@pytest.mark.parametrize("door", ["push", "push_frames", "leave", "reset", "[]"])
def test_the_number_of_a_user_who_has_left_is_refused(door: str) -> None:
    pool = small_model().streams(2)
    stale = pool.join()
    pool.leave(stale)
    slot = pool.join()
    assert (slot, type(stale)) == (stale, type(slot))
    pool.push({slot: PCM[:700]})
    before = pool[slot].snapshot()
    call = {
        "push": lambda: pool.push({stale: PCM}),
        "push_frames": lambda: pool.push_frames({stale: np.zeros((1, 13), np.float32)}),
        "leave": lambda: pool.leave(stale),
        "reset": lambda: pool.reset(stale),
        "[]": lambda: pool[stale],
    }[door]
    with pytest.raises(ValueError, match=r"slot is 0 as join.* who has left; expected one that is"):
        call()
    assert pool[slot].snapshot() == before
    assert pool.joined == [0]
    pool.push({0: PCM[:100]})  # a number of the caller's own is taken as it is
    other = small_model().streams(2)
    other.push({stale: PCM[:100]})  # and so is, by another pool, what this one gave
    assert pickle.loads(pickle.dumps(slot)) == slot == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["join", "leave", "push", "stale"]), st.integers(0, 3))))
def test_whatever_joins_and_leaves_each_user_has_a_stream_alone(steps: list) -> None:
    """Users come and go; each gets the rows of a stream of its own, and those who left get none."""
    model = small_model()
    pool = model.streams(3)
    here: list[tuple[int, pylstm.Stream, pylstm.Stream]] = []
    gone: list[tuple[int, pylstm.Stream]] = []
    for number, (step, which) in enumerate(steps):
        chunk = PCM[number * 100 : number * 100 + 900]
        if step == "join" and len(here) < 3:
            slot = pool.join()
            here.append((slot, pool[slot], model.stream()))
        elif step == "leave" and here:
            slot, stream, _ = here.pop(which % len(here))
            pool.leave(slot)
            gone.append((slot, stream))
        elif step == "push" and here:
            slot, stream, alone = here[which % len(here)]
            rows = pool.push({slot: chunk})[slot] if which % 2 else stream.push(chunk)
            np.testing.assert_array_equal(rows, alone.push(chunk))
        elif step == "stale" and gone:
            slot, stream = gone[which % len(gone)]
            with pytest.raises(ValueError, match="left"):
                stream.push(chunk)
            with pytest.raises(ValueError, match="left"):
                pool.push({slot: chunk})
    assert pool.joined == sorted(slot for slot, _, _ in here)
    for slot, stream, alone in here:
        assert pool[slot] is stream
        assert stream.snapshot() == alone.snapshot()


def test_a_slot_leaves_while_another_thread_pushes_into_it() -> None:
    """The push meets the old stream, or none; never that of the next user."""
    model = small_model()
    pool = model.streams(1)
    over = threading.Event()
    strange: list[Exception] = []

    def push(slot: int, stream: pylstm.Stream) -> None:
        while not over.is_set():
            try:
                stream.push(PCM[:400])
                pool.push({slot: PCM[:400]})
            except pylstm.StreamBusyError:
                continue
            except ValueError as error:
                if "left" not in str(error):
                    strange.append(error)
                return

    for _ in range(60):
        slot = pool.join()
        thread = threading.Thread(target=push, args=(slot, pool[slot]))
        thread.start()
        while True:
            try:
                pool.leave(slot)
                break
            except pylstm.StreamBusyError:
                continue
        mine = pool.join()
        rows = pool.push({mine: PCM[:4000]})[mine]
        thread.join()
        np.testing.assert_array_equal(rows, model.stream().push(PCM[:4000]))
        assert pool[mine].position == 4000
        pool.leave(mine)
    over.set()
    assert strange == []


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
