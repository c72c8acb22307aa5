"""Layers that join the rows of several others: alone, in streams, and in graphs of all kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.layers import Join
from pylstm.layers.graph import graph_of
from pylstm.reference.layers import LAYERS
from pylstm.safetensors_encoding import encode_model
from tests.instruction_sets import ISAS
from tests.layer_graphs import graphs, reference_rows, streamed

LARGEST = float(np.finfo(np.float32).max)
JOINS = [pylstm.Add(), pylstm.Mul(), pylstm.Concat(), pylstm.Concat(positions=4)]
SHARED = [HealthCheck.function_scoped_fixture]

every_join = pytest.mark.parametrize("join", JOINS, ids=repr)


def parts_of(x: np.ndarray, widths: list[int], join: Join) -> pylstm.Model:
    """A model that joins parts of its rows."""
    ends = np.cumsum(widths)
    selects = {
        f"part_{k}": (pylstm.Select(x.shape[1], int(end - width), int(end)), "features")
        for k, (end, width) in enumerate(zip(ends, widths, strict=True))
    }
    return pylstm.Model(None, {**selects, "joined": (join, *selects)})


def widths_for(join: Join, n: int) -> list[int]:
    if isinstance(join, pylstm.Concat):
        return [4, 16, 8, 20, 12, 4, 8, 8][:n]
    return [20] * n


@every_join
@pytest.mark.parametrize("n", [2, 3, 8])
def test_is_the_reference(join: Join, n: int, isa: str) -> None:
    widths = widths_for(join, n)
    x = np.random.default_rng(n).standard_normal((100, sum(widths))).astype("f4")
    y = parts_of(x, widths, join).stream().push_frames(x)
    xs = np.split(x, np.cumsum(widths)[:-1], axis=1)
    expected = LAYERS[join.kind](xs, {**join._arguments(), "weights": {}})[0]
    assert y.shape == expected.shape == (100, join.output_width(widths))
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(join.join(xs), expected, rtol=1e-6, atol=1e-6)


@every_join
def test_finite_rows_give_finite_rows(join: Join, isa: str) -> None:
    x = np.random.default_rng(0).choice([-LARGEST, LARGEST, 1.0], (50, 60)).astype("f4")
    assert np.isfinite(parts_of(x, [20, 20, 20], join).stream().push_frames(x)).all()


@every_join
def test_sets_that_fuse_give_the_same_bits(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((50, 60)).astype("f4")
    found = []
    for isa in ISAS:
        monkeypatch.setenv("PYLSTM_ISA", isa)
        found.append(parts_of(x, [20, 20, 20], join).stream().push_frames(x).tobytes())
    assert len({bits for isa, bits in zip(ISAS, found, strict=True) if isa != "scalar"}) <= 1


@every_join
def test_gradients_are_those_of_torch(join: Join) -> None:
    torch = pytest.importorskip("torch", reason="the oracle: pip install 'pylstm[torch]'")
    from tests.layer_graphs import torch_join

    rng = np.random.default_rng(0)
    xs = [rng.standard_normal((30, width)).astype("f4") for width in widths_for(join, 4)]
    dy = rng.standard_normal((30, join.output_width([x.shape[1] for x in xs]))).astype("f4")
    leaves = [torch.from_numpy(x).requires_grad_() for x in xs]
    torch_join(join, leaves).backward(torch.from_numpy(dy))
    for ours, leaf in zip(join.join_backward(xs, dy), leaves, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, leaf.grad, rtol=1e-6, atol=1e-6)


@every_join
def test_values(join: Join) -> None:
    assert eval(repr(join), vars(pylstm)) == join
    assert type(join).from_config(join.config(), {}) == join
    assert "input_size" not in join.config()
    assert not hasattr(join, "input_size")
    with pytest.raises(TypeError, match=r"has no width of its own; expected output_width"):
        join.n_outputs  # noqa: B018


# --- refusals, in Python and in files -------------------------------------------------------------


@pytest.mark.parametrize(
    ("join", "widths", "message"),
    [
        (pylstm.Add(), [4], "Add has 1 input; expected 2 to 8"),
        (pylstm.Add(), [4, 4, 5], r"what Add joins are \[4, 4, 5\]; expected the same"),
        (pylstm.Mul(), [4] * 9, "Mul has 9 inputs; expected 2 to 8"),
        (pylstm.Concat(), [65_536, 1], "of Concat is 65537; expected at most 65536"),
        (pylstm.Concat(2), [4, 5], "positions is 2; expected a divisor of 5, the width of an inp"),
    ],
)
def test_widths_that_are_refused(join: Join, widths: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        join.output_width(widths)


@pytest.mark.parametrize(
    ("join", "inputs", "message"),
    [
        ({"kind": "add"}, "features", r"\[inputs\] layers.1 has one input; expected 2 to 8"),
        ({"kind": "mul"}, "features,0", r"\[layer-width\] input 1 of layers.1 is 3 wide; expec"),
        (
            {"kind": "concat", "positions": "2"},
            "0,0",
            r"\[value\] layers.1.positions is 2; expected a divisor of 3",
        ),
        ({"kind": "add", "input_size": "4"}, "0,0", r"\[unused-key\] .*layers.1.input_size"),
        ({"kind": "concat"}, "0,0", r"\[missing-key\] .*layers.1.positions"),
        ({"kind": "add"}, ",".join(["0"] * 9), r"\[inputs\] layers.1.inputs has more than 8"),
    ],
)
def test_files_that_are_refused(join: dict[str, str], inputs: str, message: str) -> None:
    dense = pylstm.Dense(4, 3, seed=0)
    layers = [(dense.config(), dense.tensors()), (join | {"inputs": inputs}, {})]
    with pytest.raises(pylstm.ModelFileError, match=message):
        pylstm.Model.from_bytes(encode_model(None, layers, format=2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "12"}, r"\[value\] 'layers.0.start' is '12'; expected a whole number from 0 to"),
        ({"stop": "3"}, r"\[value\] 'layers.0.stop' is '3'; expected a whole number from 4 to 12"),
        ({"positions": "5"}, r"\[value\] layers.0.positions is 5; expected a divisor of 12"),
        ({"positions": "3"}, r"\[value\] 'layers.0.stop' is '7'; expected .* 4 to 4"),
    ],
)
def test_selections_that_are_refused(changes: dict[str, str], message: str) -> None:
    config = pylstm.Select(12, 3, 7).config()
    with pytest.raises(pylstm.ModelFileError, match=message):
        pylstm.Model.from_bytes(encode_model(None, [(config | changes, {})], format=2))
    numbers = {name: int(value) for name, value in (config | changes).items() if name != "kind"}
    with pytest.raises(ValueError, match=r"(start|stop|positions) is \d+; expected"):
        pylstm.Select(**numbers)


# --- graphs ---------------------------------------------------------------------------------------


def assert_near(y: np.ndarray, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max()))


@pytest.mark.law_framework_exact
@settings(deadline=None, max_examples=25, suppress_health_check=SHARED)
@given(graph=graphs(12), seed=st.integers(0, 2**16))
def test_graphs_are_the_reference(isa: str, graph: dict[str, Any], seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((60, 12)).astype("f4")
    model = pylstm.Model(None, graph)
    expected = reference_rows(model.nodes, x)
    assert_near(streamed(model, x), expected)
    assert pylstm.Model.from_bytes(model.to_bytes()).nodes == model.nodes


@pytest.mark.law_chunk
@settings(deadline=None, max_examples=25, suppress_health_check=SHARED)
@given(
    graph=graphs(12),
    cuts=st.lists(st.integers(0, 30), min_size=1, max_size=8),
    seed=st.integers(0, 2**16),
)
def test_any_cut_and_any_company_give_the_same_bits(
    isa: str, graph: dict[str, Any], cuts: list[int], seed: int
) -> None:
    model = pylstm.Model(None, graph)
    x = np.random.default_rng(seed).standard_normal((1 + sum(cuts), 12)).astype("f4")
    whole, stream = model.stream().push_frames(x), model.stream()
    rows = [stream.push_frames(part) for part in np.split(x, np.cumsum(cuts))]
    assert np.concatenate(rows).tobytes() == whole.tobytes()
    pool = model.streams(len(cuts))
    for part in pool.push_frames({k: x[: 2 * k] for k in range(len(cuts))}).values():
        assert part.tobytes() == whole[: len(part)].tobytes()


@settings(deadline=None, max_examples=25, suppress_health_check=SHARED)
@given(graph=graphs(12), seed=st.integers(0, 2**16), threads=st.integers(1, 2))
def test_a_network_gives_the_rows_of_the_reference(
    graph: dict[str, Any], seed: int, threads: int
) -> None:
    pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")
    from pylstm.train import Network

    x = np.random.default_rng(seed).standard_normal((20, 3, 12)).astype("f4")
    lengths = np.array([20, 7, 13])
    y, _, _ = Network(graph, threads=threads).forward(x, lengths, logits=False)
    for b, n in enumerate(lengths):
        expected = reference_rows(graph_of(graph, 12), x[:n, b])
        assert_near(y[: len(expected), b], expected)
        assert (y[len(expected) :, b] == 0).all()
