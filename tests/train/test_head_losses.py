"""A loss for each head of a graph: against PyTorch, against single heads, and in `fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylstm
from tests.layer_graphs import streamed, torch_rows
from tests.network_passes import assert_close

pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm.train import (
    CTC,
    MSE,
    Adam,
    Arrays,
    BCEWithLogits,
    CrossEntropy,
    HeadLosses,
    Network,
    Truncated,
    fit,
)
from pylstm.train.losses.loss import Loss

RNG = np.random.default_rng
SHARED = [HealthCheck.function_scoped_fixture]


def two_heads(
    activations: tuple[Any, Any] = ("sigmoid", "softmax"), first: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A recurrent trunk, heads "speech" of 1 and "words" of 3, side by side."""
    graph = dict(first or {})
    graph["gru"] = pylstm.GRU(6, 10, seed=1)
    graph["speech"] = (pylstm.Dense(10, 1, activations[0], seed=2), "gru")
    graph["words"] = (pylstm.Dense(10, 3, activations[1], seed=3), "gru")
    graph["both"] = (pylstm.Concat(), "speech", "words")
    return graph


def gated(own_activations: bool) -> dict[str, Any]:
    """Two heads, of which another layer takes one, too; the activations in layers of their own."""
    graph: dict[str, Any] = {"gru": pylstm.GRU(6, 10, seed=1)}
    ends: Any = ("linear", "linear") if own_activations else ("sigmoid", "softmax")
    graph["speech"] = (pylstm.Dense(10, 1, ends[0], seed=2), "gru")
    heard = "speech"
    if own_activations:
        graph["heard"] = (pylstm.Activation(1, "sigmoid"), "speech")
        heard = "heard"
    graph["trunk"] = (pylstm.Concat(), "gru", heard)
    graph["words"] = (pylstm.Dense(11, 3, ends[1], seed=3), "trunk")
    graph["both"] = (pylstm.Concat(), "words", "speech")
    return graph


def frames(lengths: Any, seed: int = 0) -> Any:
    return RNG(seed).standard_normal((max(lengths), len(lengths), 6)).astype("f4")


def targets_for(loss: Loss, width: int, n_rows: int, batch: int, seed: int) -> Any:
    rng = RNG(seed)
    if isinstance(loss, CTC):
        most = 3 if width > 1 else 1  # a blank alone leaves nothing to say
        return [rng.integers(1, max(width, 2), rng.integers(0, most)) for _ in range(batch)]
    shape = (n_rows, batch) if loss.per == "frame" else (batch,)  # type: ignore[attr-defined]
    if isinstance(loss, CrossEntropy):
        return rng.integers(0, width, shape)
    return rng.random((*shape, width)).astype("f4")


# --- the oracle -----------------------------------------------------------------------------------


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("graph", ["heads", "gated"])
@pytest.mark.parametrize("options", [{}, {"threads": 2}, {"recompute": 3}], ids=str)
def test_loss_and_gradients_are_those_of_torch(graph: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="the oracle: pip install 'pylstm[torch]'")
    functional = torch.nn.functional
    ours, theirs_graph = {
        "heads": (two_heads(), two_heads(("linear", "linear"))),
        "gated": (gated(False), gated(True)),
    }[graph]
    x, rng = frames([9] * 4), RNG(1)
    y_speech, y_words = rng.integers(0, 2, (9, 4, 1)), rng.integers(0, 3, 4)
    loss = HeadLosses(
        {
            "speech": BCEWithLogits(pos_weight=[2.0]),
            "words": CrossEntropy([1.0, 2.0, 0.5], label_smoothing=0.1, per="sequence"),
        },
        weights={"words": 0.3},
    )
    network = Network(ours, **options)
    outputs, _, tape = network.forward(x, training=True, logits=loss.logits)
    result = loss(outputs, {"speech": y_speech, "words": y_words}, columns=network.outputs)
    d_x, _ = network.backward(tape, result.gradient, d_inputs=True)

    leaf = torch.from_numpy(x).requires_grad_()
    rows, weights = torch_rows(theirs_graph, leaf)
    columns = network.outputs
    speech = functional.binary_cross_entropy_with_logits(
        rows[..., columns["speech"]],
        torch.from_numpy(y_speech).float(),
        pos_weight=torch.tensor([2.0]),
    )
    words = functional.cross_entropy(
        rows[-1, :, columns["words"]],
        torch.from_numpy(y_words),
        torch.tensor([1.0, 2.0, 0.5]),
        label_smoothing=0.1,
    )
    total = speech + 0.3 * words
    total.backward()
    np.testing.assert_allclose(result.value, total.item(), rtol=1e-5)
    np.testing.assert_allclose(result.heads["speech"].value, speech.item(), rtol=1e-5)
    np.testing.assert_allclose(result.heads["words"].value, words.item(), rtol=1e-5)
    assert d_x is not None
    assert_close("d_x", d_x, leaf.grad.numpy(), 1e-4)
    views = network._views(network.gradients)
    assert views.keys() == weights.keys()
    for name, weight in weights.items():
        assert_close(name, views[name], weight.grad.numpy(), 1e-4)


LOSSES = st.sampled_from(
    [
        CrossEntropy(),
        CrossEntropy(per="sequence", pooling="mean"),
        BCEWithLogits(),
        BCEWithLogits(per="sequence"),
        MSE(),
        MSE(per="sequence"),
        CTC(zero_infinity=True),
    ]
)


@settings(deadline=None, max_examples=25, suppress_health_check=SHARED)
@given(
    losses=st.tuples(LOSSES, LOSSES),
    weight=st.sampled_from([0.0, 0.5, 2.0]),
    stride=st.sampled_from([1, 2, 3]),
    options=st.sampled_from([{}, {"threads": 2}, {"recompute": 2}]),
    lengths=st.lists(st.integers(4, 15), min_size=1, max_size=4),
    seed=st.integers(0, 2**16),
)
def test_two_heads_are_the_sum_of_one_and_one(
    losses: tuple[Any, Any],
    weight: float,
    stride: int,
    options: dict[str, Any],
    lengths: list[int],
    seed: int,
) -> None:
    """Strides, padding, losses per frame and per sequence: nothing but a weighted sum."""
    conv = {"conv": pylstm.Conv(6, 6, kernel_size=3, stride=stride, seed=0)}
    graph = two_heads(first=conv)
    x, n = frames(lengths, seed), np.array(lengths)
    network = Network(graph, **options)
    rows = network.n_rows_out(n)
    targets = {
        name: targets_for(loss, width, int(rows.max()), len(n), seed + k)
        for k, (name, loss, width) in enumerate(
            zip(("speech", "words"), losses, (1, 3), strict=True)
        )
    }
    both = HeadLosses(dict(zip(targets, losses, strict=True)), weights={"words": weight})
    outputs, _, tape = network.forward(x, n, training=True, logits=both.logits)
    result = both(outputs, targets, rows, columns=network.outputs)
    network.backward(tape, result.gradient)
    value, gradients = 0.0, np.zeros_like(network.gradients)
    for share, name in ((1.0, "speech"), (weight, "words")):
        loss: Any = both.losses[name]
        alone = Network(only(graph, name))
        outputs, _, tape = alone.forward(x, n, training=True, logits=loss.activation is not None)
        part = loss(outputs, targets[name], rows)
        alone.backward(tape, part.gradient)
        assert part.value == pytest.approx(result.heads[name].value, rel=1e-5, abs=1e-7)
        value += share * part.value
        for weight_name, view in alone._views(alone.gradients).items():
            network._views(gradients)[weight_name][...] += np.float32(share) * view
    assert result.value == pytest.approx(value, rel=1e-5, abs=1e-7)
    assert_close("gradients", network.gradients, gradients, 1e-4, 1e-6)


def only(graph: dict[str, Any], head: str) -> dict[str, Any]:
    """The graph with one head alone, as its last layer."""
    others = {"speech", "words", "both"} - {head}
    return {name: given for name, given in graph.items() if name not in others}


def test_a_stream_has_the_activations_and_training_the_logits() -> None:
    graph, x = two_heads(), frames([12])
    network, model = Network(graph), pylstm.Model(None, graph)
    assert dict(network.outputs) == dict(model.outputs)
    logits, rows = network.forward(x)[0], network.forward(x, logits=False)[0]
    np.testing.assert_allclose(rows[:, 0], streamed(model, x[:, 0]), rtol=0, atol=1e-6)
    speech, words = network.outputs["speech"], network.outputs["words"]
    np.testing.assert_allclose(rows[..., speech], 1 / (1 + np.exp(-logits[..., speech])), atol=1e-6)
    e = np.exp(logits[..., words])
    np.testing.assert_allclose(rows[..., words], e / e.sum(axis=2, keepdims=True), atol=1e-6)
    mixed = network.forward(x, logits=["words"])[0]
    np.testing.assert_array_equal(mixed[..., speech], rows[..., speech])
    np.testing.assert_array_equal(mixed[..., words], logits[..., words])


def test_a_head_that_another_layer_takes_is_heard_with_its_activation() -> None:
    x = frames([12])
    ours, apart = Network(gated(False)), Network(gated(True))
    np.testing.assert_allclose(ours.forward(x)[0], apart.forward(x)[0], rtol=0, atol=1e-6)
    assert len(ours.forward(x)[1]) == len(ours.nodes)


def test_joins_of_joins_are_made_of_all_their_heads() -> None:
    graph = two_heads()
    graph["third"] = (pylstm.Dense(10, 2, "softmax", seed=5), "gru")
    graph["all"] = (pylstm.Concat(), "both", "third")
    network, x = Network(graph), frames([5])
    assert [*network.outputs] == ["both", "third"]
    linear = two_heads(("linear", "linear"))
    linear["third"] = (pylstm.Dense(10, 2, seed=5), "gru")
    linear["all"] = (pylstm.Concat(), "both", "third")
    np.testing.assert_array_equal(network.forward(x)[0], Network(linear).forward(x)[0])


def test_a_layer_in_two_heads_gives_logits_to_both_or_to_none() -> None:
    graph = two_heads()
    graph["all"] = (pylstm.Concat(), "both", "speech")
    network, x = Network(graph), frames([4])
    with pytest.raises(ValueError, match="layer 'speech' is part of 'both' and of another head"):
        network.forward(x, logits=["speech"])
    for logits in (True, False, ["both", "speech"], []):
        rows = network.forward(x, logits=logits)[0]
        np.testing.assert_array_equal(rows[..., 0], rows[..., 4])


# --- fit ------------------------------------------------------------------------------------------


def separable(n: int = 24, seed: int = 0) -> tuple[list[Any], dict[str, Any]]:
    """Frames whose first values say whether somebody speaks, and which of three words it is."""
    rng = RNG(seed)
    xs = [rng.standard_normal((int(k), 6)).astype("f4") for k in rng.integers(10, 25, n)]
    words = [x[:, 1:4].argmax(axis=1) for x in xs]
    return xs, {"speech": [(x[:, :1] > 0).astype("f4") for x in xs], "words": words}


LOSS = {"speech": BCEWithLogits(), "words": CrossEntropy()}


def trained(graph: Any, loss: Any, data: Any, epochs: int = 30, **options: Any) -> Any:
    settings = {"optimiser": Adam(lr=0.05), "progress": False, **options}
    return fit(graph, data, loss=loss, epochs=epochs, **settings)


def toy(activations: tuple[str, str]) -> dict[str, Any]:
    """Two heads on the frames themselves."""
    graph: dict[str, Any] = {"trunk": pylstm.Dense(6, 12, "tanh", seed=0)}
    graph["speech"] = (pylstm.Dense(12, 1, activations[0], seed=2), "trunk")
    graph["words"] = (pylstm.Dense(12, 3, activations[1], seed=3), "trunk")
    graph["both"] = (pylstm.Concat(), "speech", "words")
    return graph


@pytest.mark.parametrize("as_model", [False, True])
def test_two_heads_learn_each_its_own(as_model: bool) -> None:
    xs, ys = separable()
    graph: Any = toy(("sigmoid", "softmax"))
    if as_model:
        graph = pylstm.Model(None, graph, ["speech", "a", "b", "c"])
    data = Arrays(xs, ys, batch_size=6)
    fitted = fit(
        graph, data, data, loss=HeadLosses(LOSS), optimiser=Adam(lr=0.05), epochs=25, progress=False
    )
    last = fitted.history[-1]
    assert last["validation_loss"] < 0.15
    assert last["heads"].keys() == {"speech", "words"}
    for head in last["heads"].values():
        assert head["validation_accuracy"] > 0.97
    sums = [sum(h[what] for h in last["heads"].values()) for what in ("loss", "validation_loss")]
    np.testing.assert_allclose(sums, [last["loss"], last["validation_loss"]], rtol=1e-12)
    # What streams decides as it was trained.
    model, x = fitted.model, RNG(9).standard_normal((200, 6)).astype("f4")
    rows = streamed(model, x)
    speech, words = rows[:, model.outputs["speech"]], rows[:, model.outputs["words"]]
    assert ((speech[:, 0] > 0.5) == (x[:, 0] > 0)).mean() > 0.95
    assert (words.argmax(axis=1) == x[:, 1:4].argmax(axis=1)).mean() > 0.9
    np.testing.assert_allclose(words.sum(axis=1), 1, atol=1e-5)


def test_one_loss_for_two_sigmoid_heads() -> None:
    """Each output by itself: one loss for all columns is right."""
    xs, ys = separable()
    both = [
        np.concatenate([speech, np.eye(3, dtype="f4")[words]], axis=1)
        for speech, words in zip(ys["speech"], ys["words"], strict=True)
    ]
    fitted = trained(toy(("sigmoid", "sigmoid")), BCEWithLogits(), Arrays(xs, both, batch_size=6))
    assert fitted.history[-1]["loss"] < 0.1
    assert fitted.history[-1]["accuracy"] > 0.97


def test_a_mask_is_trained_as_it_streams() -> None:
    """MSE takes what a stream gives, so that a head that ends in sigmoid learns to give targets."""
    xs, ys = separable()
    masks = [np.where(x[:, :1] > 0, 0.8, 0.3).astype("f4") for x in xs]
    losses = {"speech": MSE(), "words": CrossEntropy()}
    data = Arrays(xs, {"speech": masks, "words": ys["words"]}, batch_size=6)
    for graph, loss, source in (
        (toy(("sigmoid", "softmax")), HeadLosses(losses), data),
        (only(toy(("sigmoid", "softmax")), "speech"), MSE(), Arrays(xs, masks, batch_size=6)),
    ):
        fitted = trained(graph, loss, source, 25)
        rows = streamed(fitted.model, xs[0])[:, 0]
        assert np.abs(rows - masks[0][:, 0]).mean() < 0.06


def test_per_frame_and_per_sequence_and_a_head_that_is_not_trained() -> None:
    xs, ys = separable()
    ys = {"speech": ys["speech"], "words": [int(x[-1, 1:4].argmax()) for x in xs]}
    graph = toy(("sigmoid", "softmax"))
    graph["idle"] = (pylstm.Dense(12, 2, "tanh", seed=7), "trunk")
    del graph["both"]
    graph["all"] = (pylstm.Concat(), "speech", "idle", "words")
    losses = {"speech": BCEWithLogits(), "words": CrossEntropy(per="sequence"), "idle": None}
    fitted = trained(graph, HeadLosses(losses), Arrays(xs, ys, batch_size=6), 40)
    assert fitted.history[-1]["heads"]["words"]["accuracy"] > 0.95
    assert fitted.history[-1]["heads"].keys() == {"speech", "words"}
    idle = fitted.network.names["idle.weight"]
    np.testing.assert_array_equal(idle, graph["idle"][0].weights["weight"])


def test_strides_take_the_targets_of_each_head(tmp_path: Path) -> None:
    """A resumed training has the same bits; rows meet the targets that they stand for."""
    xs, ys = separable(12)
    trunk = {"conv": pylstm.Conv(6, 6, kernel_size=3, stride=2, padding="causal", seed=0)}
    path = tmp_path / "fit.checkpoint"

    def run(epochs: int, **options: Any) -> Any:
        data = Truncated(Arrays(xs, ys, batch_size=4, shuffle=False), 9)
        weights = {"words": 0.5}
        loss = HeadLosses(LOSS, weights=weights)
        return trained(two_heads(first=trunk), loss, data, epochs, **options)

    run(2, checkpoint=path)
    resumed, whole = run(4, checkpoint=path, resume=True), run(4)
    np.testing.assert_array_equal(resumed.network.parameters, whole.network.parameters)
    for one, other in zip(resumed.history, whole.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    with pytest.raises(ValueError, match=r"its loss is HeadLosses.*'words': 0.5"):
        trained(two_heads(first=trunk), HeadLosses(LOSS), Arrays(xs, ys, batch_size=4), 5,
                checkpoint=path, resume=True)  # fmt: skip


def test_a_head_in_which_nothing_counts_adds_nothing() -> None:
    graph, x = two_heads(), frames([6, 6])
    network = Network(graph)
    loss = HeadLosses(LOSS)
    outputs, _, _ = network.forward(x)
    ignored = {"speech": np.ones((6, 2, 1)), "words": np.full((6, 2), -100)}
    result = loss(outputs, ignored, columns=network.outputs)
    assert result.value == result.heads["speech"].value
    assert not result.gradient[..., network.outputs["words"]].any()
    nothing = loss(outputs, ignored, weights={"speech": np.zeros((6, 2))}, columns=network.outputs)
    assert np.isnan(nothing.value)
    assert not nothing.gradient.any()


def test_weights_of_targets_for_some_heads() -> None:
    xs, ys = separable(8)
    silent = [np.where(x[:, 0] > 0, 1.0, 0.0) for x in xs]
    data = Arrays(xs, ys, batch_size=4, weights={"words": silent})
    batch = next(iter(data.batches(0, 0)))
    assert batch.weights.keys() == {"words"}
    fitted = trained(toy(("sigmoid", "softmax")), HeadLosses(LOSS), data, 2)
    assert np.isfinite(fitted.history[-1]["loss"])


# --- what is refused ------------------------------------------------------------------------------

GOOD = {"speech": np.ones((6, 2, 1)), "words": np.zeros((6, 2), int)}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: HeadLosses([CrossEntropy()]), TypeError, "losses is list; expected a mapping"),  # type: ignore[arg-type]
        (lambda: HeadLosses({}), ValueError, "losses has no loss"),
        (lambda: HeadLosses({"a": None}), ValueError, "losses has no loss"),
        (lambda: HeadLosses({1: MSE()}), TypeError, "a name in losses is 1"),  # type: ignore[dict-item]
        (lambda: HeadLosses({"a": MSE}), TypeError, r"is the class MSE; expected MSE\(\)"),  # type: ignore[dict-item]
        (lambda: HeadLosses({"a": "mse"}), TypeError, r"losses\['a'\] is str"),  # type: ignore[dict-item]
        (lambda: HeadLosses({"a": MSE()}, [1]), TypeError, "weights is list"),  # type: ignore[arg-type]
        (lambda: HeadLosses({"a": MSE()}, {"b": 1}), ValueError, "weights has 'b'; expected .*'a'"),
        (lambda: HeadLosses({"a": MSE()}, {"a": -1}), ValueError, r"weights\['a'\] is -1"),
        (lambda: HeadLosses({"a": MSE()}, {"a": "1"}), TypeError, r"weights\['a'\] is '1'"),  # type: ignore[dict-item]
        (lambda: HeadLosses({"a": MSE()}, {"a": 0}), ValueError, "0 for every head"),
    ],
)
def test_settings_that_are_refused(make: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("targets", "weights", "error", "message"),
    [
        (np.ones((6, 2)), None, TypeError, "targets is ndarray; expected a mapping .*'words'"),
        ({"speech": GOOD["speech"]}, None, ValueError, "targets has the heads 'speech'; expected"),
        (GOOD, np.ones((6, 2)), TypeError, "weights is for ndarray; expected a mapping"),
        (GOOD, {"word": np.ones((6, 2))}, ValueError, "weights is for the heads 'word'; expected"),
        (
            {**GOOD, "words": np.zeros(2, int)},
            None,
            ValueError,
            r"head 'words': targets has shape \(2,\).*per='sequence'",
        ),
    ],
)
def test_targets_that_are_refused(targets: Any, weights: Any, error: Any, message: str) -> None:
    network = Network(two_heads())
    outputs = network.forward(frames([6, 6]))[0]
    with pytest.raises(error, match=message):
        HeadLosses(LOSS)(outputs, targets, weights=weights, columns=network.outputs)


def test_other_heads_than_the_graph_has() -> None:
    data = Arrays(*separable(4))
    other = HeadLosses({"speech": BCEWithLogits()})
    with pytest.raises(ValueError, match=r"losses has the heads 'speech'.*'speech', 'words'.*None"):
        trained(two_heads(), other, data)
    with pytest.raises(ValueError, match="a name in logits is 'word'; expected 'speech', 'words'"):
        Network(two_heads()).forward(frames([3]), logits=["word"])
    with pytest.raises(TypeError, match="logits is 'words'"):
        Network(two_heads()).forward(frames([3]), logits="words")
    network = Network(two_heads())
    wide = np.zeros((3, 1, 7), np.float32)
    with pytest.raises(ValueError, match="outputs has 7 columns; expected 4"):
        HeadLosses(LOSS)(wide, GOOD, columns=network.outputs)


@pytest.mark.parametrize(
    ("ys", "options", "error", "message"),
    [
        ({}, {}, ValueError, "ys has no head"),
        ({"a": [0, 1, 2]}, {}, ValueError, r"ys\['a'\] has 3 entries; expected 2"),
        ({"a": [0, 1], "b": [0, 0.5]}, {}, TypeError, r"ys\['b'\]\[1\] is float"),
        ({"a": [0, 1]}, {"weights": [1, 1]}, TypeError, "weights is list; expected a mapping"),
        ({"a": [0, 1]}, {"weights": {"b": [1, 1]}}, ValueError, "weights has the head 'b'"),
        ({"a": [0, 1]}, {"per": {"b": "frame"}}, ValueError, "per has the head 'b'"),
        ({"a": [0, 1]}, {"weights": {"a": [1, -1]}}, ValueError, r"weights\['a'\]\[1\] holds"),
    ],
)
def test_arrays_that_are_refused(ys: Any, options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        Arrays([np.ones((4, 6), np.float32)] * 2, ys, **options)
