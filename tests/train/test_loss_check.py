"""Losses and outputs that do not fit each other: what is said, and that what it says works."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.layers.graph import graph_of
from tests.layer_graphs import graphs, reference_rows

pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm.train import (
    CTC,
    MSE,
    Adam,
    Arrays,
    BCEWithLogits,
    CrossEntropy,
    DivergedError,
    HeadLosses,
    Network,
    fit,
)
from pylstm.train.output_heads import value_ranges

RNG = np.random.default_rng
SHARED = [HealthCheck.function_scoped_fixture]


@settings(deadline=None, max_examples=40, suppress_health_check=SHARED)
@given(graph=graphs(5, most=7), scale=st.sampled_from([1.0, 100.0]), seed=st.integers(0, 2**16))
def test_no_layer_leaves_its_range(graph: dict[str, Any], scale: float, seed: int) -> None:
    nodes = graph_of(graph, None)
    x = (scale * RNG(seed).standard_normal((12, 5))).astype("f4")
    for place, node in enumerate(nodes):
        low, high = value_ranges(nodes)[node.name]
        rows = reference_rows(_up_to(nodes, place), x)
        slack = 1e-5 * max([1.0, *(abs(b) for b in (low, high) if np.isfinite(b))])
        if rows.size:
            assert low - slack <= rows.min()
            assert rows.max() <= high + slack


def _up_to(nodes: Any, place: int) -> Any:
    """The nodes that one needs, it being the last."""
    needed = {nodes[place].name}
    for node in reversed(nodes[: place + 1]):
        if node.name in needed:
            needed |= set(node.inputs)
    return tuple(node for node in nodes[: place + 1] if node.name in needed)


FUNCTIONS: dict[str, dict[str, float]] = {
    name: {} for name in pylstm.layers.FUNCTIONS if name not in ("clipped_relu", "log")
} | {"clipped_relu": {"low": -2, "high": 3}, "log": {"floor": 1e-6}}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_leaves_its_range(function: Any) -> None:
    layer = pylstm.Activation(4, function, **FUNCTIONS[function])
    low, high = layer.value_range([(-np.inf, np.inf)])
    x = RNG(0).permutation(np.linspace(-300, 300, 40_000, dtype=np.float32))
    y = layer.forward(x.reshape(-1, 4))[0]
    assert low <= y.min()
    assert y.max() <= high
    # A range that is far too wide would tell nothing.
    assert np.isinf(low) or y.min() - low < 0.01
    assert np.isinf(high) or high - y.max() < 0.01


# --- outputs for losses ---------------------------------------------------------------------------


def data(loss: Any, width: int, n: int = 4) -> Arrays:
    rng = RNG(0)
    xs = [rng.standard_normal((12, 6)).astype("f4") for _ in range(n)]
    if isinstance(loss, CTC):
        return Arrays(xs, [rng.integers(1, width, 2) for _ in xs], per="transcript")
    if isinstance(loss, CrossEntropy):
        return Arrays(xs, [rng.integers(0, width, 12) for _ in xs])
    return Arrays(xs, [rng.random((12, width)).astype("f4") for _ in xs])


def run(layers: Any, loss: Any, source: Any = None, width: int = 3) -> Any:
    source = data(loss, width) if source is None else source
    return fit(layers, source, loss=loss, optimiser=Adam(), epochs=1, progress=False)


def chain(*layers: Any) -> list[Any]:
    return [pylstm.Dense(6, 3, "tanh", seed=0), *layers]


def pooled(function: Any) -> list[Any]:
    return chain(pylstm.Dense(3, 3, function, seed=1), pylstm.Pool(3, "mean", 2, 1, "causal"))


CE, BCE = CrossEntropy(), BCEWithLogits()


@pytest.mark.parametrize("loss", [CE, BCE, CTC(zero_infinity=True), MSE()], ids=repr)
@pytest.mark.parametrize("end", ["usual", "linear", "conv", "norm", "projected"])
def test_outputs_that_fit_are_taken_silently(loss: Any, end: str) -> None:
    usual = {"softmax": "softmax", "sigmoid": "sigmoid", None: "tanh"}[loss.activation]
    layers: Any = {
        "usual": pylstm.Dense(3, 3, usual, seed=1),  # type: ignore[arg-type]
        "linear": pylstm.Dense(3, 3, seed=1),
        "conv": pylstm.Conv(3, 3, 1, seed=1),
        "norm": pylstm.LayerNorm(3),
        "projected": pylstm.LSTM(3, 5, proj_size=3, seed=1),
    }
    run(chain(layers[end]), loss)


WARNED = {
    "relu": (chain(pylstm.Dense(3, 3, "relu", seed=1)), CE, r"layers\[1\] gives values from 0 up"),
    "gru": (chain(pylstm.GRU(3, 3, seed=1)), CE, r"layers\[1\] gives values from -1 to 1"),
    "lstm": (chain(pylstm.LSTM(3, 3, seed=1)), CTC(), "from -1 to 1; .* CTC computes softmax"),
    "rnn": (chain(pylstm.RNN(3, 3, 1, "relu", seed=1)), BCE, "0 up; .*BCEWithLogits .* sigmoid"),
    "tanh": (chain(), BCE, r"layers\[0\] gives values from -1 to 1"),
    "joined": (
        {
            "a": pylstm.GRU(6, 1, seed=0),
            "b": (pylstm.GRU(6, 2, seed=1), "features"),
            "joined": (pylstm.Concat(), "a", "b"),
        },
        CE,
        r"layers\['joined'\] gives values from -1 to 1",
    ),
    "selected": (
        chain(pylstm.GRU(3, 5, seed=1), pylstm.Select(5, 1, 4)),
        CE,
        r"layers\[2\] gives values from -1 to 1",
    ),
    "log_softmax": (
        chain(pylstm.Dense(3, 3, "log_softmax", seed=1)),
        BCE,
        "gives values up to 0; expected logits",
    ),
}
REFUSED = {
    "pooled softmax": (pooled("softmax"), CE, r"layers\[2\] gives values from 0 to 1; .*already"),
    "pooled sigmoid": (pooled("sigmoid"), BCE, r"layers\[2\] gives values from 0 to 1; .*already"),
    "hard sigmoid": (chain(pylstm.Activation(3, "hard_sigmoid")), BCE, "from 0 to 1"),
    "masked": (
        {
            "a": pylstm.Dense(6, 3, "sigmoid", seed=0),
            "b": (pylstm.Dense(6, 3, "softmax", seed=1), "features"),
            "masked": (pylstm.Mul(), "a", "b"),
        },
        CE,
        r"layers\['masked'\] gives values from 0 to 1",
    ),
}


@pytest.mark.parametrize("case", [*WARNED, *REFUSED])
def test_logits_within_bounds(case: str) -> None:
    """What the message says to set behind them is set, and then nothing is said."""
    layers, loss, message = (WARNED | REFUSED)[case]
    loss = CTC(zero_infinity=True) if isinstance(loss, CTC) else loss
    if case in REFUSED:
        with pytest.raises(ValueError, match=message) as refused:
            run(layers, loss)
        text = str(refused.value)
    else:
        with pytest.warns(UserWarning, match=message) as warned:
            run(layers, loss)
        text = str(warned[0].message)
        assert warned[0].filename == __file__  # where fit is called
    found = re.search(r'Dense\((\d+), (\d+), "(\w+)"\) behind it', text)
    assert found
    cure = pylstm.Dense(int(found[1]), int(found[2]), found[3], seed=5)  # type: ignore[arg-type]
    run({**layers, "cure": cure} if isinstance(layers, dict) else [*layers, cure], loss)


@pytest.mark.parametrize(
    ("function", "loss", "other"),
    [("sigmoid", CE, BCE), ("softmax", BCE, CE), ("sigmoid", CTC(zero_infinity=True), BCE)],
)
def test_another_activation_than_that_of_the_loss(function: Any, loss: Any, other: Any) -> None:
    layers = chain(pylstm.Dense(3, 3, function, seed=1))
    message = (
        rf"layers\[1\] ends in {function}; expected {loss.activation}, .*{type(other).__name__}"
    )
    with pytest.warns(UserWarning, match=message):
        run(layers, loss)
    run(chain(pylstm.Dense(3, 3, loss.activation, seed=1)), loss)
    run(layers, other)


def heads(*functions: Any) -> dict[str, Any]:
    graph: dict[str, Any] = {"trunk": pylstm.Dense(6, 3, "tanh", seed=0)}
    for k, function in enumerate(functions):
        graph[f"head_{k}"] = (pylstm.Dense(3, 2, function, seed=k), "trunk")
    graph["all"] = (pylstm.Concat(), *(f"head_{k}" for k in range(len(functions))))
    return graph


@pytest.mark.parametrize(
    ("functions", "loss"),
    [
        (("softmax", "softmax"), CE),
        (("sigmoid", "softmax"), CE),
        (("linear", "softmax"), CE),
        (("sigmoid", "sigmoid"), CTC()),
        (("sigmoid", "softmax"), BCE),
    ],
)
def test_one_loss_for_heads_with_activations_of_their_own(functions: Any, loss: Any) -> None:
    with pytest.raises(ValueError, match=r"HeadLosses\(\{.*\}\)") as refused:
        run(heads(*functions), loss, width=4)
    found = re.search(r"HeadLosses\(\{.*\}\)", str(refused.value))
    assert found
    cure = eval(found[0])  # as the message has it
    assert isinstance(cure, HeadLosses)
    rng = RNG(0)
    xs = [rng.standard_normal((12, 6)).astype("f4") for _ in range(4)]
    ys = {
        name: [rng.integers(0, 2, 12) for _ in xs]
        if isinstance(own, CrossEntropy)
        else [rng.random((12, 2)).astype("f4") for _ in xs]
        for name, own in cure.trained.items()
    }
    run(heads(*functions), cure, Arrays(xs, ys))


def test_one_loss_for_the_parts_of_a_head() -> None:
    graph = heads("softmax", "softmax")
    graph["third"] = (pylstm.Dense(3, 2, "softmax", seed=9), "trunk")
    graph["last"] = (pylstm.Concat(), "all", "third")
    with pytest.raises(ValueError, match=r"losses\['all'\] is CrossEntropy for 'head_0', 'head_1'"):
        run(graph, HeadLosses({"all": CE, "third": CE}), data(CE, 2))
    graph.pop("all")
    graph["last"] = (pylstm.Concat(), "head_0", "head_1", "third")
    names = ("head_0", "head_1", "third")
    xs = [np.ones((3, 6), np.float32)] * 2
    ys = {name: [np.zeros(3, int)] * 2 for name in names}
    run(graph, HeadLosses(dict.fromkeys(names, CE)), Arrays(xs, ys))


def test_logits_side_by_side_are_one_distribution() -> None:
    run(heads("linear", "linear"), CE, width=4)


def test_a_model_that_decides_on_labels_needs_posteriors() -> None:
    def model(function: Any) -> pylstm.Model:
        return pylstm.Model(None, chain(pylstm.Dense(3, 3, function, seed=1)), ["a", "b", "c"])

    with pytest.warns(UserWarning, match=r"layers\[1\] gives logits.*expected softmax at its end"):
        run(model("linear"), CE)
    with pytest.warns(UserWarning, match=r"layers\[1\] gives logarithms.*expected softmax"):
        run(model("log_softmax"), CE)
    run(model("softmax"), CE)
    run(model("linear"), MSE())


def test_a_loss_of_ones_own_gets_logits_and_no_advice() -> None:
    seen = []

    def loss(outputs: Any, targets: Any, lengths: Any = None, weights: Any = None) -> Any:
        seen.append(outputs.copy())
        return CE(outputs, targets, lengths, weights)

    layers = [pylstm.Dense(6, 3, "sigmoid", seed=1)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(layers, loss, data(CE, 3))
    assert np.abs(seen[0]).max() > 1


# --- targets --------------------------------------------------------------------------------------

STRIDE = [pylstm.Conv(6, 3, 3, stride=2, seed=0), pylstm.Dense(3, 3, "softmax", seed=1)]


@pytest.mark.parametrize("layers", [chain(pylstm.Dense(3, 3, "softmax", seed=1)), STRIDE])
def test_labels_per_sequence_and_a_loss_per_frame(layers: Any) -> None:
    xs = [np.ones((12, 6), np.float32)] * 4
    source = Arrays(xs, [0, 1, 2, 0])
    message = r"targets has shape \(4,\); expected \(12, 4\).*per='sequence'$"
    with pytest.raises(ValueError, match=message):
        run(layers, CrossEntropy(), source)
    run(layers, CrossEntropy(per="sequence"), source)
    with pytest.raises(ValueError, match=r"targets has shape .*per='frame'|expected \(4,\)"):
        run(layers, CrossEntropy(per="sequence"), data(CE, 3))


def test_ys_that_are_too_short_are_named_with_their_lengths() -> None:
    xs = [np.ones((n, 6), np.float32) for n in (12, 20, 7)]
    ys = [np.zeros(n, int) for n in (12, 19, 7)]
    with pytest.raises(ValueError, match=r"ys\[1\] has 19 entries, xs\[1\] 20 frames; expected 20"):
        Arrays(xs, ys)
    with pytest.raises(ValueError, match=r"ys\['a'\]\[0\] has 1 entry, xs\[0\] 12 frames"):
        Arrays(xs, {"a": [[1]] * 3})
    with pytest.raises(ValueError, match=r"ys\[1\] is one number, xs\[1\] 20 frames; expected 20"):
        Arrays(xs, [ys[0], 1, ys[2]])
    Arrays(xs, [ys[0], np.zeros(20, int), ys[2]])
    Arrays(xs, ys, per="transcript")


@pytest.mark.parametrize("in_heads", [False, True])
def test_transcripts_that_need_more_rows_than_there_are(in_heads: bool) -> None:
    xs = [np.ones((12, 6), np.float32)] * 2
    ys = [np.array([1, 2]), np.array([1, 1, 2, 2])]

    def training(loss: Any) -> Any:
        if not in_heads:
            return run(STRIDE, loss, Arrays(xs, ys, per="transcript", shuffle=False))
        graph = {
            "conv": STRIDE[0],
            "text": STRIDE[1],
            "idle": (pylstm.Dense(3, 1, seed=1), "conv"),
            "both": (pylstm.Concat(), "text", "idle"),
        }
        source = Arrays(xs, {"text": ys}, per="transcript", shuffle=False)
        return run(graph, HeadLosses({"text": loss, "idle": None}), source)

    name = r"targets\['text'\]" if in_heads else "targets"
    with pytest.raises(DivergedError) as error:
        training(CTC())
    assert re.search(
        rf"the loss is inf; {name}\[1\] has 4 labels in 5 rows \(Network.row_times is \(2, 2\): a"
        r" row every 2 frames, .*expected 6 rows or more.*zero_infinity=True",
        str(error.value),
    )
    training(CTC(zero_infinity=True))


def test_a_loop_of_ones_own_takes_the_targets_of_its_rows() -> None:
    network, loss = Network(STRIDE), CrossEntropy()
    x, lengths = np.ones((30, 2, 6), np.float32), np.array([30, 9])
    targets = np.zeros((30, 2), int)
    outputs, _, _ = network.forward(x, lengths)
    with pytest.raises(ValueError, match=r"targets\[first::step\] with first, step = Netw"):
        loss(outputs, targets)
    first, step = network.row_times
    with pytest.raises(ValueError, match=r"is 30; expected 1 to 14, .*Network.n_rows_out\(lengths"):
        loss(outputs, targets[first::step], lengths)
    loss(outputs, targets[first::step], network.n_rows_out(lengths))


@settings(deadline=None, max_examples=30, suppress_health_check=SHARED)
@given(graph=graphs(5, most=6), n=st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_rows_are_counted(graph: dict[str, Any], n: list[int]) -> None:
    network = Network(graph)
    rows = network.n_rows_out(np.array(n))
    for length, count in zip(n, rows, strict=True):
        assert len(network.forward(np.ones((length, 1, 5), np.float32))[0]) == count
        assert network.n_rows_out(length) == count


def test_the_graph_of_what_was_fitted() -> None:
    graph = heads("softmax", "softmax")
    xs, ys = [np.ones((3, 6), np.float32)] * 2, [np.zeros(3, int)] * 2
    losses = HeadLosses({"head_0": CE, "head_1": CE})
    fitted = run(graph, losses, Arrays(xs, {"head_0": ys, "head_1": ys}))
    again: Any = fitted.graph()
    assert {name: inputs for name, (_, *inputs) in again.items()} == {
        node.name: list(node.inputs) for node in graph_of(graph, 6)
    }
    assert pylstm.Model(None, again).to_bytes() == fitted.model.to_bytes()
    for call in (
        lambda: pylstm.Model(None, fitted.graph),
        lambda: Network(fitted.network.graph),
        lambda: run(fitted.network.layers, CE),
    ):
        with pytest.raises(TypeError, match=r"is the method (graph|layers); .*call it, \1\(\)"):
            call()
