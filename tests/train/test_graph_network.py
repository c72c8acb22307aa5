"""Networks that are graphs: their gradients, and training to a model that streams."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.layers.graph import graph_of
from pylstm.layers.window_layer import WindowLayer
from tests.layer_graphs import graphs, reference_rows, streamed, torch_rows
from tests.network_passes import assert_close

pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm.train import Adam, Arrays, CrossEntropy, Network, fit

SHARED = [HealthCheck.function_scoped_fixture]


def residual() -> dict[str, Any]:
    """A fork, a gate, a skip connection, a norm, and two heads of which both are heard."""
    return {
        "in": pylstm.Dense(6, 10, seed=1),
        "gate": (pylstm.Dense(6, 10, "sigmoid", seed=2), "features"),
        "gated": (pylstm.Mul(), "in", "gate"),
        "memory": (pylstm.LSTM(10, 10, seed=3), "gated"),
        "sum": (pylstm.Add(), "memory", "in", "gated"),
        "norm": pylstm.LayerNorm(10),
        "both": (pylstm.Concat(), "norm", "features"),
        "out": pylstm.Dense(16, 3, "softmax", seed=4),
    }


@pytest.mark.law_framework_exact
@settings(deadline=None, max_examples=40, suppress_health_check=SHARED)
@given(
    graph=graphs(7, most=7, smooth=True),
    seed=st.integers(0, 2**16),
    threads=st.sampled_from([1, 1, 2]),
)
def test_gradients_are_those_of_torch(graph: dict[str, Any], seed: int, threads: int) -> None:
    torch = pytest.importorskip("torch", reason="the oracle: pip install 'pylstm[torch]'")
    nodes = graph_of(graph, None)
    assume(not any(isinstance(node.layer, WindowLayer) for node in nodes))
    network = Network(graph, threads=threads)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((9, 4, 7)).astype("f4")
    y, _, tape = network.forward(x, training=True, logits=False)
    dy = rng.standard_normal(y.shape).astype("f4")
    d_x, _ = network.backward(tape, dy, d_inputs=True)
    leaf = torch.from_numpy(x).requires_grad_()
    theirs, weights = torch_rows(graph, leaf)
    theirs.backward(torch.from_numpy(dy))
    assert_close("outputs", y, theirs.detach().numpy(), 1e-5)
    assert d_x is not None
    floor = 1e-6 * np.sqrt(np.prod(x.shape[:2]))
    assert_close("d_x", d_x, leaf.grad.numpy(), 1e-4, floor)
    views = network._views(network.gradients)
    assert views.keys() == weights.keys()
    for name, weight in weights.items():
        assert_close(name, views[name], weight.grad.numpy(), 1e-4, floor)


@settings(deadline=None, max_examples=40, suppress_health_check=SHARED)
@given(graph=graphs(5, most=7, smooth=True), seed=st.integers(0, 2**16))
def test_gradients_are_differences_of_the_reference(graph: dict[str, Any], seed: int) -> None:
    """Of all kinds, windows and strides included, along one direction in weights and frames."""
    network = Network(graph)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((14, 2, 5)).astype("f4")
    lengths = np.array([14, 11])
    y, _, tape = network.forward(x, lengths, training=True, logits=False)
    assume(len(y))
    dy = rng.standard_normal(y.shape).astype("f4")
    d_x, _ = network.backward(tape, dy, d_inputs=True)
    assert d_x is not None
    along_x = rng.standard_normal(x.shape)
    along = {name: rng.standard_normal(view.shape) for name, view in network.names.items()}

    def loss(step: float) -> float:
        nodes = [node._replace(layer=moved(node, along, step)) for node in graph_of(graph, None)]
        total = 0.0
        for b, n in enumerate(lengths):
            rows = reference_rows(tuple(nodes), x[:n, b] + step * along_x[:n, b])
            total += float((rows * dy[: len(rows), b]).sum())
        return total

    step = 1e-5
    difference = (loss(step) - loss(-step)) / (2 * step)
    views = network._views(network.gradients)
    present = np.arange(14)[:, None] < lengths
    parts = [(d_x * along_x)[present], *((views[name] * along[name]) for name in views)]
    gradient = sum(float(part.sum()) for part in parts)
    size = sum(float(np.abs(part).sum()) for part in parts)
    assert abs(gradient - difference) <= 1e-4 * max(size, 1)


def moved(node: Any, along: dict[str, Any], step: float) -> Any:
    """The layer with other weights, in float64: for the reference alone."""
    layer = copy.copy(node.layer)
    layer.weights = {
        name: weight + step * along[f"{node.name}.{name}"] for name, weight in layer.weights.items()
    }
    return layer


def test_a_layer_that_is_taken_twice_gets_both_gradients() -> None:
    dense = pylstm.Dense(2, 2, seed=0)
    once = Network([dense])
    twice = Network({"a": dense, "b": (pylstm.Add(), "a", "a")})
    x = np.ones((3, 1, 2), np.float32)
    for network in (once, twice):
        y, _, tape = network.forward(x, training=True)
        d_x, _ = network.backward(tape, np.ones_like(y), d_inputs=True)
        assert d_x is not None
    np.testing.assert_array_equal(twice.gradients, 2 * once.gradients)


def test_sequences_and_threads_know_nothing_of_each_other() -> None:
    x = np.random.default_rng(0).standard_normal((30, 5, 6)).astype("f4")
    lengths = np.array([30, 1, 17, 30, 8])
    whole = Network(residual()).forward(x, lengths)[0]
    np.testing.assert_allclose(
        Network(residual(), threads=3).forward(x, lengths)[0], whole, rtol=0, atol=1e-6
    )
    for b, n in enumerate(lengths):
        alone = Network(residual()).forward(x[:n, [b]])[0]
        np.testing.assert_allclose(alone, whole[:n, [b]], rtol=0, atol=1e-6)


def test_state_goes_out_and_in() -> None:
    network, x = Network(residual()), np.ones((20, 2, 6), np.float32)
    whole, end, _ = network.forward(x)
    assert [state is None for state in end] == [name != "memory" for name in residual()]
    first, state, _ = network.forward(x[:7])
    rest, last, _ = network.forward(x[7:], None, state)
    np.testing.assert_allclose(np.concatenate([first, rest]), whole, rtol=0, atol=1e-6)
    np.testing.assert_allclose(last[3][0], end[3][0], rtol=0, atol=1e-6)


# --- fit ------------------------------------------------------------------------------------------


def examples() -> Arrays:
    """Whether a value of the frame before was above that of now: two classes, and a third."""
    rng = np.random.default_rng(0)
    xs = [rng.standard_normal((25, 6)).astype("f4") for _ in range(12)]
    ys = [np.concatenate([[2], (x[:-1, 0] > x[1:, 0]).astype(np.int64)]) for x in xs]
    return Arrays(xs, ys, batch_size=4)


@pytest.mark.parametrize("as_model", [False, True])
def test_fit_takes_a_graph_and_gives_a_model_that_streams(as_model: bool) -> None:
    given: Any = residual()
    if as_model:
        given = pylstm.Model(None, given, labels=["up", "down", "first"])
    fitted = fit(
        given, examples(), loss=CrossEntropy(), optimiser=Adam(lr=0.01), epochs=15, progress=False
    )
    losses = [epoch["loss"] for epoch in fitted.history]
    assert losses[-1] < 0.6 * losses[0]
    model = fitted.model
    assert [node.inputs for node in model.nodes] == [n.inputs for n in graph_of(residual(), 6)]
    assert model.labels == (("up", "down", "first") if as_model else None)
    x = np.random.default_rng(1).standard_normal((40, 6)).astype("f4")
    logits = fitted.network.forward(x[:, None])[0][:, 0]
    posteriors = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(streamed(model, x), posteriors, rtol=0, atol=1e-5)
    again = pylstm.Model.from_bytes(model.to_bytes())
    assert streamed(again, x).tobytes() == streamed(model, x).tobytes()


@pytest.mark.parametrize("padding", ["valid", "causal", (1, 1)])
def test_fewer_rows_than_frames_meet_the_targets_that_they_stand_for(padding: Any) -> None:
    """A target is the sign of its own frame: with the right one for each row it is learnt."""
    rng = np.random.default_rng(0)
    xs = [rng.standard_normal((int(n), 3)).astype("f4") for n in rng.integers(20, 40, 24)]
    data = Arrays(xs, [(x[:, 0] > 0).astype(np.int64) for x in xs], batch_size=6)
    graph = {
        "window": pylstm.Conv(3, 16, kernel_size=3, stride=2, padding=padding, seed=0),
        "memory": pylstm.GRU(16, 16, seed=1),
        "both": (pylstm.Concat(), "window", "memory"),
        "out": pylstm.Dense(32, 2, "softmax", seed=2),
    }
    fitted = fit(
        graph, data, data, loss=CrossEntropy(), optimiser=Adam(lr=0.01), epochs=20, progress=False
    )
    assert fitted.history[-1]["validation_accuracy"] > 0.95
    x = rng.standard_normal((33, 3)).astype("f4")
    first, period = fitted.network.row_times
    assert (first, period) == (2 if padding == "valid" else 0, 2)
    rows = streamed(fitted.model, x)
    assert ((rows[:, 1] > 0.5) == (x[first::2, 0] > 0)[: len(rows)]).mean() > 0.85
    logits = fitted.network.forward(x[:, None])[0][:, 0]
    assert len(rows) == len(logits) == len(x[first::2])
    posteriors = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rows, posteriors, rtol=0, atol=1e-5)


def test_sequences_without_a_row_are_refused_by_their_length() -> None:
    layers = [pylstm.Conv(3, 4, kernel_size=5, seed=0), pylstm.Dense(4, 2, "softmax", seed=0)]
    settings: dict[str, Any] = {"loss": CrossEntropy(), "optimiser": Adam(), "epochs": 1}

    def data(least: int) -> Arrays:
        lengths = [9, least]
        xs = [np.ones((n, 3), np.float32) for n in lengths]
        return Arrays(xs, [np.zeros(n, np.int64) for n in lengths], batch_size=2)

    with pytest.raises(ValueError, match=r"lengths\[\d\] is 4; expected 5 or more"):
        fit(layers, data(4), progress=False, **settings)
    fit(layers, data(5), progress=False, **settings)


def test_a_checkpoint_knows_its_graph(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    settings: dict[str, Any] = {"loss": CrossEntropy(), "progress": False, "checkpoint": path}
    fit(residual(), examples(), optimiser=Adam(), epochs=1, **settings)
    resumed = fit(residual(), examples(), optimiser=Adam(), epochs=2, resume=True, **settings)
    straight = fit(
        residual(), examples(), optimiser=Adam(), epochs=2, **{**settings, "checkpoint": None}
    )
    assert resumed.network.parameters.tobytes() == straight.network.parameters.tobytes()
    other = residual() | {"sum": (pylstm.Add(), "memory", "gated", "in")}
    with pytest.raises(ValueError, match=r"cannot resume from .*network"):
        fit(other, examples(), optimiser=Adam(), epochs=2, resume=True, **settings)


def test_a_file_whose_layers_have_no_names_trains() -> None:
    """Only Python gives names to all layers of a graph."""
    nodes = pylstm.Model(None, residual()).nodes
    numbers = {name: str(k) for k, name in enumerate(residual())} | {"features": "features"}
    unnamed = [
        node._replace(name=numbers[node.name], inputs=tuple(map(numbers.get, node.inputs)))  # type: ignore[arg-type]
        for node in nodes
    ]
    network = Network(unnamed)
    model = pylstm.Model(None, network.graph())
    x = np.ones((5, 6), np.float32)
    expected = streamed(pylstm.Model(None, residual()), x)
    assert streamed(model, x).tobytes() == expected.tobytes()
