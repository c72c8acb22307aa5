"""The chunk law: however audio or frames are cut, the rows that come out are the same bits."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from tests.signals import audio
from tests.small_models import small_model

SETTINGS = [
    {},
    {"center": False},
    {"pad_mode": "reflect"},
    {"deltas": 2},
    {"top_db": 60.0},
    {"n_fft": 401, "win_length": 333, "hop_length": 97},
    {"n_fft": 256, "win_length": 200, "hop_length": 700},
    {"deltas": 1, "pad_mode": "reflect", "top_db": 30.0},
]
LENGTH = 9000


def cuts(pcm: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """The signal in chunks of the given sizes, over and over, until it is used up."""
    chunks, start, k = [], 0, 0
    while start < pcm.size:
        size = sizes[k % len(sizes)]
        chunks.append(pcm[start : start + size])
        start, k = start + size, k + 1
    return chunks


def streamed(model: pylstm.Model, chunks: list[np.ndarray]) -> np.ndarray:
    stream = model.stream()
    return np.concatenate([*(stream.push(chunk) for chunk in chunks), stream.flush()])


@pytest.mark.law_chunk
@pytest.mark.parametrize("sizes", [[1], [7], [160], [1000], [2, 3, 5, 7, 11, 13, 1009], [LENGTH]])
@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_any_cut_gives_what_run_gives(isa: str, options: dict, sizes: list[int]) -> None:
    model, pcm = small_model(**options), audio(LENGTH / 16000)
    np.testing.assert_array_equal(streamed(model, cuts(pcm, sizes)), model.run(pcm))


@pytest.mark.slow
@pytest.mark.law_chunk
@pytest.mark.parametrize("options", SETTINGS, ids=str)
@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 1500), min_size=1, max_size=30).filter(any),
    length=st.integers(2000, LENGTH),
    int16=st.booleans(),
)
def test_random_cuts_with_empty_chunks(
    options: dict, sizes: list[int], length: int, int16: bool
) -> None:
    model, pcm = small_model(**options), audio(length / 16000)
    if int16:
        pcm = (pcm.clip(-1, 1) * 32767).astype(np.int16)
    np.testing.assert_array_equal(streamed(model, cuts(pcm, sizes)), model.run(pcm))


@pytest.mark.law_chunk
@pytest.mark.law_state_is_a_value
@settings(max_examples=40, deadline=None)
@given(
    options=st.sampled_from(SETTINGS),
    before=st.integers(0, LENGTH),
    between=st.integers(0, 500),
    size=st.integers(1, 2000),
)
def test_snapshot_restore_and_fork_anywhere(
    options: dict, before: int, between: int, size: int
) -> None:
    model, pcm = small_model(**options), audio(LENGTH / 16000)
    whole, stream = model.run(pcm), model.stream()
    head = stream.push(pcm[:before])
    snapshot, fork = stream.snapshot(), stream.fork()
    stream.push(pcm[::-1][:between])  # the original goes astray
    restored = model.stream()
    restored.push(pcm[:between])
    restored.restore(snapshot)
    assert restored.snapshot() == snapshot == fork.snapshot()
    for other in (restored, fork):
        tail = [other.push(chunk) for chunk in cuts(pcm[before:], [size])]
        np.testing.assert_array_equal(np.concatenate([head, *tail, other.flush()]), whole)


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_a_pickled_and_a_copied_stream_go_on(options: dict) -> None:
    model, pcm = small_model(**options), audio(LENGTH / 16000)
    stream = model.stream()
    head = stream.push(pcm[:4003])
    for other in (pickle.loads(pickle.dumps(stream)), copy.copy(stream), copy.deepcopy(stream)):
        assert (other.position, other.snapshot()) == (stream.position, stream.snapshot())
        tail = [other.push(pcm[4003:]), other.flush()]
        np.testing.assert_array_equal(np.concatenate([head, *tail]), model.run(pcm))
    assert stream.position == 4003


ELSEWHERE = """
import pickle, sys
stream, pcm = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(stream.push(pcm).tobytes() + stream.flush().tobytes())
"""


@pytest.mark.law_state_is_a_value
def test_a_stream_goes_on_in_another_process() -> None:
    model, pcm = small_model(deltas=2, top_db=30.0), audio(LENGTH / 16000)
    stream = model.stream()
    stream.push(pcm[:4003])
    sent = pickle.dumps((stream, pcm[4003:]))
    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], input=sent, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stdout == stream.push(pcm[4003:]).tobytes() + stream.flush().tobytes()


@pytest.mark.law_chunk
@given(
    n_frames=st.integers(0, 60),
    sizes=st.lists(st.integers(0, 25), min_size=1, max_size=8).filter(any),
    n_features=st.sampled_from([1, 13, 40]),
    hidden_size=st.sampled_from([1, 16, 33, 65]),
)
@settings(max_examples=40, deadline=None)
def test_frames_in_any_groups(
    n_frames: int, sizes: list[int], n_features: int, hidden_size: int
) -> None:
    layers = [pylstm.LSTM(n_features, hidden_size, 2, seed=3), pylstm.Dense(hidden_size, 5, seed=4)]
    model = pylstm.Model(None, layers)
    x = np.random.default_rng(5).standard_normal((n_frames, n_features)).astype(np.float32)
    stream, one_by_one = model.stream(), model.stream()
    rows = [stream.push_frames(part) for part in cuts_of_frames(x, sizes)]
    single = [one_by_one.push_frames(x[t : t + 1]) for t in range(n_frames)]
    empty = np.empty((0, 5), np.float32)
    np.testing.assert_array_equal(np.concatenate([empty, *rows]), np.concatenate([empty, *single]))


def cuts_of_frames(x: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    parts, start, k = [], 0, 0
    while start < len(x):
        parts.append(x[start : start + sizes[k % len(sizes)]])
        start, k = start + sizes[k % len(sizes)], k + 1
    return parts


def test_strides_and_int16_are_the_same_audio() -> None:
    model = small_model()
    pcm16 = (audio(0.5).clip(-1, 1) * 32767).astype(np.int16)
    pcm = pcm16.astype(np.float32) / 32768
    stereo = np.stack([pcm, -pcm], axis=1)
    records = np.zeros(pcm.size, dtype=[("flag", np.int8), ("sample", np.float32)])
    records["sample"] = pcm
    whole = model.run(pcm)
    np.testing.assert_array_equal(model.run(pcm16), whole)
    np.testing.assert_array_equal(model.run(stereo[:, 0]), whole)
    np.testing.assert_array_equal(model.run(pcm[::-1].copy()[::-1]), whole)
    np.testing.assert_array_equal(model.run(records["sample"]), whole)  # unaligned
    np.testing.assert_array_equal(model.run(np.repeat(pcm16, 3)[::3]), whole)


def test_rows_come_as_soon_as_the_last_sample_under_the_window_is_in() -> None:
    model = small_model()
    stream = model.stream()
    assert stream.latency == model.latency == 200
    for t in range(20):
        due = t * 160 + stream.latency
        assert stream.rows(due - stream.position - 1) == 0
        assert len(stream.push(np.zeros(due - stream.position - 1, np.float32))) == 0
        assert stream.rows(1) == 1
        assert len(stream.push(np.zeros(1, np.float32))) == 1
    assert stream.position == 19 * 160 + 200
    assert stream.frames == 20


@pytest.mark.law_state_is_a_value
def test_reset_is_a_new_stream() -> None:
    model, pcm = small_model(top_db=40.0, deltas=1), audio(0.5)
    stream = model.stream()
    fresh = stream.snapshot()
    stream.push(pcm)
    stream.flush()
    stream.reset()
    assert stream.snapshot() == fresh
    assert (stream.position, stream.frames) == (0, 0)
    np.testing.assert_array_equal(
        np.concatenate([stream.push(pcm), stream.flush()]), model.run(pcm)
    )


def test_out_is_filled_and_returned() -> None:
    model, pcm = small_model(), audio(0.5)
    stream, out = model.stream(), np.full((100, 3), np.nan, np.float32)
    rows = stream.push(pcm, out=out)
    assert rows.base is out
    assert np.isnan(out[len(rows) :]).all()
    np.testing.assert_array_equal(rows, model.stream().push(pcm))
    exact = np.empty((1, 3), np.float32)
    due = stream.latency + 160 * stream.frames - stream.position
    assert stream.push(np.zeros(due, np.float32), out=exact) is exact


@pytest.mark.law_state_is_a_value
def test_state_is_readable_and_settable() -> None:
    model = pylstm.Model(None, [pylstm.LSTM(4, 7, 2, seed=0), pylstm.LSTM(7, 3, seed=1)])
    x = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    stream = model.stream()
    rows = stream.push_frames(x[:10])
    assert [h.shape for h, c in stream.state] == [(7,), (7,), (3,)]
    np.testing.assert_array_equal(stream.state[2][0], rows[-1])
    other = model.stream()
    other.state = stream.state
    np.testing.assert_array_equal(other.push_frames(x[10:]), stream.push_frames(x[10:]))


def test_an_empty_stream_flushes_to_nothing() -> None:
    for options in SETTINGS:
        stream = small_model(**options).stream()
        assert stream.push(np.empty(0, np.float32)).shape == (0, 3)
        assert stream.flush().shape == (0, 3)
        assert small_model(**options).run(np.empty(0, np.int16)).shape == (0, 3)


@pytest.mark.law_nothing_poisons
def test_a_minute_of_silence_leaves_no_subnormal_in_the_state() -> None:
    model = pylstm.Model(pylstm.MFCC(), [pylstm.LSTM(13, 32, bias=False, seed=0)])
    stream = model.stream()
    stream.push(audio(1.0))
    x = np.zeros((6000, 13), np.float32)
    frames = pylstm.Model(None, [pylstm.LSTM(13, 32, bias=False, seed=0)]).stream()
    frames.push_frames(np.ones((10, 13), np.float32))
    frames.push_frames(x)
    stream.push(np.zeros(16000 * 60, np.float32))
    for h, c in stream.state + frames.state:
        for memory in (h, c):
            subnormal = (memory != 0) & (np.abs(memory) < np.finfo(np.float32).tiny)
            assert not subnormal.any()


@pytest.mark.law_nothing_poisons
def test_huge_finite_input_and_weights_leave_the_state_finite(isa: str) -> None:
    lstm = pylstm.LSTM(3, 5, seed=0)
    weights = {name: np.full_like(w, 3e38) * np.sign(w) for name, w in lstm.weights.items()}
    stream = pylstm.Model(None, [pylstm.LSTM(3, 5, weights=weights)]).stream()
    x = np.array([[3e38, -3e38, 3e38], [1, 2, 3], [-3e38, 3e38, 3e38]], np.float32)
    for _ in range(10):
        assert np.isfinite(stream.push_frames(x)).all()
    assert all(np.isfinite(memory).all() for pair in stream.state for memory in pair)
