"""Graphs of layers: the laws of streams hold for any of them, and refusals name the layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import pylstm
from pylstm import reference
from tests.engine.drawn_graphs import drawn

Array = NDArray[np.float32]

SEEDS = st.integers(0, 10**6)


def frames(seed: int, n: int, width: int) -> Array:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def whole(stream: pylstm.Stream, x: Array) -> Array:
    return np.concatenate([stream.push_frames(x), stream.flush()])


def entries(model: pylstm.Model) -> list[dict[str, object]]:
    """The layers as the reference takes them."""
    return [
        {
            **node.layer.config(),
            "weights": node.layer.weights,
            "name": node.name,
            "inputs": ",".join(node.inputs),
        }
        for node in model.nodes
    ]


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 70))
def test_a_graph_does_what_the_reference_does(seed: int, n: int) -> None:
    width, nodes = drawn(seed)
    model = pylstm.Model(None, nodes)
    x = frames(seed, n, width)
    expected = reference.model(x, None, entries(model))
    y = whole(model.stream(), x)
    assert y.shape == expected.shape
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-4 * scale)


@pytest.mark.law_chunk
@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, cuts=st.lists(st.integers(1, 14), min_size=1, max_size=20))
def test_any_cut_gives_the_same_rows(seed: int, cuts: list[int]) -> None:
    width, nodes = drawn(seed)
    model = pylstm.Model(None, nodes)
    x = frames(seed, sum(cuts), width)
    stream, parts, start = model.stream(), [], 0
    for size in cuts:
        parts.append(stream.push_frames(x[start : start + size]))
        start += size
        assert stream.frames == sum(map(len, parts))
        if size % 3 == 0:  # what a stream remembers is a value
            moved = model.stream()
            moved.restore(stream.snapshot())
            stream = moved.fork()
    rows = np.concatenate([*parts, stream.flush()])
    assert rows.tobytes() == whole(model.stream(), x).tobytes()


@pytest.mark.law_chunk
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, data=st.data())
def test_a_stream_in_a_pool_gives_the_rows_that_it_gives_alone(
    seed: int, data: st.DataObject
) -> None:
    width, nodes = drawn(seed)
    model = pylstm.Model(None, nodes)
    n = data.draw(st.integers(1, 7))
    pool, alone = model.streams(n), [model.stream() for _ in range(n)]
    for turn in range(4):
        parts = {
            slot: frames(seed + 10 * turn + slot, count, width)
            for slot in range(n)
            if (count := data.draw(st.integers(0, 30)))
        }
        given_rows = pool.push_frames(parts)
        for slot, x in parts.items():
            assert given_rows[slot].tobytes() == alone[slot].push_frames(x).tobytes()
    for slot in range(n):
        assert pool[slot].flush().tobytes() == alone[slot].flush().tobytes()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_a_file_holds_the_graph(seed: int) -> None:
    _, nodes = drawn(seed)
    model = pylstm.Model(None, nodes)
    again = pylstm.Model.from_bytes(model.to_bytes())
    assert again.nodes == model.nodes
    assert again.to_bytes() == model.to_bytes()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 40))
def test_a_trace_shows_the_steps_of_a_stream(seed: int, n: int) -> None:
    width, nodes = drawn(seed)
    model = pylstm.Model(None, nodes)
    x = frames(seed, n, width)
    rows, cells = model.stream().trace(x)
    assert rows.tobytes() == model.stream().push_frames(x).tobytes()
    assert all(
        len(part) == n for cell in cells for part in (cell if type(cell) is tuple else [cell])
    )


def test_a_chain_needs_no_names_and_format_1() -> None:
    model = pylstm.Model(None, [pylstm.Dense(3, 4, seed=0), pylstm.LSTM(4, 2, seed=0)])
    assert [(name, inputs) for name, _, inputs in model.nodes] == [
        ("0", ("features",)),
        ("1", ("0",)),
    ]
    assert b'"pylstm.format":"1"' in model.to_bytes()


def test_rows_stand_for_the_time_at_which_their_window_ends() -> None:
    """A valid window of 5 rows that takes every second: its first row is that of frame 4."""
    weights = {"weight": np.zeros((2, 40, 5), np.float32), "bias": np.zeros(2, np.float32)}
    conv = pylstm.Conv(40, 2, 5, stride=2, activation="sigmoid", weights=weights)
    features = pylstm.LogMel(n_mels=40)
    model = pylstm.Model(features, [conv], labels=["a", "b"])
    hop = features.hop_length / features.sr
    listener = model.listener(
        kind="words", threshold=0.4, smoothing_frames=1, refractory_frames=0, exclusive=False
    )
    events = listener.push(np.zeros(features.sr, np.float32)) + listener.flush()
    assert {event.onset for event in events} == {4 * hop}


DENSE = pylstm.Dense(3, 3, seed=0)
HALF = pylstm.Conv(3, 3, 1, stride=2, seed=0)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"a": (DENSE, "a")}, r"layers\['a'\] takes the rows of 'a'; expected a name before it"),
        ({"a": (DENSE, "b"), "b": DENSE}, r"layers\['a'\] takes the rows of 'b'; expected"),
        ({"a": DENSE, "b": (DENSE, "features")}, "nobody takes the rows of layer 'a'"),
        (
            {"a": DENSE, "b": pylstm.Dense(4, 2, seed=0)},
            r"'b'\] takes 4 values but .*'a'\] gives 3",
        ),
        ({"1": DENSE}, "a layer is called '1'; expected 1 to 31 letters"),
        ({"features": DENSE}, "a layer is called 'features'"),
        (
            {"a": HALF, "b": (pylstm.Add(), "a", "features")},
            r"\[rate\] layer b joins a, with a stride of 2 in all, and features, with one of 1;",
        ),
        ({"a": (pylstm.Add(), "features", "features"), "b": DENSE}, "joins frames from outside"),
        (
            {"a": DENSE, "b": (pylstm.Add(), *["a"] * 9)},
            r"layers\['b'\] has 9 inputs; expected 1 to",
        ),
    ],
)
def test_a_graph_that_cannot_be_is_refused_by_name(nodes: dict[str, object], message: str) -> None:
    with pytest.raises((ValueError, pylstm.ModelFileError), match=message):
        pylstm.Model(None, nodes)
