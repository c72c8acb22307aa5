"""Decisions take rows for probabilities: who makes one of others is told, and how to mend it."""

from __future__ import annotations

import pickle
import re
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.layers.column_range import ColumnRange
from tests.engine.drawn_graphs import drawn

SILENCE = np.zeros(1600, np.float32)
LABELS = ["speech", "yes", "no"]


def dense(activation: Any = "linear", n: int = 3, width: int = 13) -> pylstm.Dense:
    return pylstm.Dense(width, n, activation, seed=0)


def model(layers: Any) -> pylstm.Model:
    return pylstm.Model(pylstm.MFCC(), layers, labels=LABELS)


def two_heads(words: Any) -> dict[str, Any]:
    return {
        "gru": pylstm.GRU(13, 8, seed=0),
        "speech": dense("sigmoid", 1, 8),
        "words": (dense(words, 2, 8), "gru"),
        "both": (pylstm.Concat(), "speech", "words"),
    }


HALF = {"weight": np.full(3, 0.5, np.float32), "bias": np.zeros(3, np.float32)}
OPPOSITE = {"weight": np.full(3, -1, np.float32), "bias": np.ones(3, np.float32)}

PROBABLE: dict[str, Any] = {
    "softmax": [dense("softmax")],
    "sigmoid": [dense("sigmoid")],
    "an activation": [dense(), pylstm.Activation(3, "softmax")],
    "clipped": [dense(), pylstm.Activation(3, "clipped_relu", high=1)],
    "a hard sigmoid": [dense(), pylstm.Activation(3, "hard_sigmoid")],
    "a convolution": [pylstm.Conv(13, 3, 3, activation="sigmoid", seed=0)],
    "the best of two rows": [dense("sigmoid"), pylstm.Pool(3, "max", 2)],
    "their mean": [dense("sigmoid"), pylstm.Pool(3, "mean", 2)],
    "the opposite": [dense("sigmoid"), pylstm.Affine(3, weights=OPPOSITE)],
    "some of many": [dense("softmax", 5), pylstm.Select(5, 1, 4)],
    "two heads": two_heads("softmax"),
    "the mean of two": {
        "a": dense("sigmoid"),
        "b": (dense("softmax"), "features"),
        "sum": (pylstm.Add(), "a", "b"),
        "mean": pylstm.Affine(3, weights=HALF),
    },
    "their product": {
        "a": dense("sigmoid"),
        "b": (dense("softmax"), "features"),
        "both": (pylstm.Mul(), "a", "b"),
    },
    "tanh of relu": [dense("relu"), pylstm.Activation(3, "tanh")],
}

IMPROBABLE: dict[str, tuple[Any, str]] = {
    "linear": ([dense()], "layers[0]"),
    "relu": ([dense("relu")], "layers[0]"),
    "tanh": ([dense("tanh")], "layers[0]"),
    "log_softmax": ([dense("log_softmax")], "layers[0]"),
    "a GRU": ([pylstm.GRU(13, 3, seed=0)], "layers[0]"),
    "a pool of a linear layer": ([dense(), pylstm.Pool(3, "max", 2)], "layers[0]"),
    "a norm behind softmax": ([dense("softmax"), pylstm.LayerNorm(3)], "layers[1]"),
    "one of two heads": (two_heads("linear"), "layers['words']"),
    "a sum": (
        {
            "a": dense("sigmoid"),
            "b": (dense("sigmoid"), "features"),
            "sum": (pylstm.Add(), "a", "b"),
        },
        "layers['sum']",
    ),
}


@pytest.mark.parametrize("what", PROBABLE)
def test_of_probabilities_nothing_is_said(what: str) -> None:
    made = model(PROBABLE[what])
    made.listener()  # a warning is an error here
    made.listeners(2, kind="symbols")
    pylstm.find_words(SILENCE, 16000, model=made)


def mended(layers: Any, who: str, activation: pylstm.Activation) -> Any:
    """The layers with an activation behind one of them."""
    if isinstance(layers, list):
        place = int(re.sub(r"\D", "", who))
        return [*layers[: place + 1], activation, *layers[place + 1 :]]
    name = who.split("'")[1]
    found: dict[str, Any] = {}
    for one, node in layers.items():
        layer, *inputs = node if isinstance(node, tuple) else (node,)
        found[one] = (layer, *("mended" if given == name else given for given in inputs))
        if one == name:
            found["mended"] = (activation,)
    return {one: node if len(node) > 1 else node[0] for one, node in found.items()}


@pytest.mark.parametrize("what", IMPROBABLE)
def test_of_others_it_says_which_layer_and_what_mends_it(what: str) -> None:
    layers, who = IMPROBABLE[what]
    with pytest.warns(RuntimeWarning) as told:
        model(layers).listener()
    said = str(told[0].message)
    assert said.startswith(f"the rows of {who} can leave 0 to 1; expected probabilities")
    offers = re.findall(r"pylstm\.(Activation\([^)]*\))", said)
    assert len(offers) == 3
    for offer in offers:
        activation = eval(offer, {"Activation": pylstm.Activation})  # as the user pastes it
        model(mended(layers, who, activation)).listener()


def test_features_alone_are_no_probabilities() -> None:
    with pytest.warns(RuntimeWarning, match="the rows of the features can leave 0 to 1"):
        pylstm.Model(pylstm.MFCC(), []).listener(kind="symbols", blank=0)


def test_one_output_is_offered_no_softmax() -> None:
    with pytest.warns(RuntimeWarning, match=r"put pylstm\.Activation\(1, 'sigmoid'\) behind"):
        pylstm.Model(pylstm.MFCC(), [dense(n=1)]).listener(kind="segments", label=0)


def test_only_what_the_decision_looks_at_counts() -> None:
    made = model(two_heads("linear"))
    made.listener(kind="segments", label="speech")
    made.listener(kind="words", background=["yes", "no"])
    with pytest.warns(RuntimeWarning, match="'words'"):
        made.listener(kind="segments", label="no")
    with pytest.warns(RuntimeWarning, match="'words'"):
        made.listener(kind="words", background=["yes", "speech"])


def test_the_warning_points_at_who_decides() -> None:
    made = model([dense()])
    calls = [
        made.listener,
        lambda: made.listeners(2),
        lambda: pylstm.find_words(SILENCE, 16000, model=made),
        lambda: pylstm.speech_segments(SILENCE, 16000, model=made, label="speech"),
    ]
    for call in calls:
        with pytest.warns(RuntimeWarning) as told:
            call()
        assert [warning.filename for warning in told] == [__file__]


def test_copies_and_those_from_pickles_say_nothing_more() -> None:
    with pytest.warns(RuntimeWarning):
        listener = model([dense()]).listener()
    listener.push(SILENCE)
    listener.fork()
    pickle.loads(pickle.dumps(listener)).push(SILENCE)


def test_rows_are_taken_as_they_are() -> None:
    weights = {"weight": np.zeros((3, 13), np.float32), "bias": np.array([0, 1.25, 0], np.float32)}
    made = model([pylstm.Dense(13, 3, weights=weights)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        events = made.listener(smoothing_frames=1).push(SILENCE)
    assert [(event.label, event.score) for event in events] == [("yes", 1.25)]


@pytest.mark.parametrize(
    ("words", "select", "exclusive"),
    [("sigmoid", False, False), ("softmax", False, True), ("sigmoid", True, False)],
)
def test_heads_of_sigmoids_are_as_independent_as_one(
    words: str, select: bool, exclusive: bool
) -> None:
    layers = two_heads(words)
    if select:
        layers |= {"twice": (pylstm.Concat(), "both", "both"), "some": pylstm.Select(6, 1, 4)}
    assert model(layers).listener().decision["exclusive"] == exclusive


# --- the bounds themselves ------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_no_value_is_outside_of_what_layers_say(seed: int) -> None:
    width, nodes = drawn(seed)
    unit: dict[str, Any] = {"unit": (pylstm.Activation(width, "sigmoid"), "features")}
    for name, node in nodes.items():
        layer, *inputs = node if isinstance(node, tuple) else (node,)
        unit[name] = (layer, *("unit" if one == "features" else one for one in inputs))
        if not inputs:
            unit[name] = layer
    made = pylstm.Model(None, unit)
    ranges = {"features": ColumnRange.of(width)}
    for node in made.nodes:
        ranges[node.name] = node.layer.column_range([ranges[name] for name in node.inputs])
    frames = np.random.default_rng(seed).normal(0, 5, (60, width)).astype(np.float32)
    rows = made.stream().push_frames(frames)
    low, high = ranges[made.nodes[-1].name]
    assert len(low) == len(high) == made.n_outputs
    assert (rows >= low - 1e-4 * (1 + abs(np.nan_to_num(low, neginf=0)))).all()
    assert (rows <= high + 1e-4 * (1 + abs(np.nan_to_num(high, posinf=0)))).all()
