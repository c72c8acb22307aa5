"""`from_onnx` gives the layers back that `to_onnx` wrote a file from, of every kind."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.convert import from_onnx, to_onnx
from pylstm.convert.self_check import largest_difference
from pylstm.layers.activation import FUNCTIONS
from tests.convert.onnx_graphs import converted, drawn
from tests.layer_graphs import graphs
from tests.layer_kinds import STREAMING, draw_layer, stacked
from tests.window_layer_cases import drawn_layer

pytestmark = pytest.mark.law_framework_exact

onnx = pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")
pytest.importorskip("onnxruntime", reason="the oracle is ONNX Runtime: pip install onnxruntime")

PARAMETERS: dict[str, dict[str, Any]] = {
    "clipped_relu": {"low": -0.5, "high": 0.5},
    "log": {"floor": 2e-38},
    "leaky_relu": {"alpha": 0.2},
    "prelu": {"num_parameters": 3, "positions": 2},
}


LAYERS: dict[str, Any] = {
    "conv": pylstm.Conv(6, 4, 3, padding="causal", seed=1),
    "late": pylstm.Conv(4, 4, 3, seed=1),
    "sum": (pylstm.Add(), "late", "conv"),
    "lstm": pylstm.LSTM(4, 5, num_layers=2, proj_size=3, seed=2),
    "head": pylstm.Dense(3, 2, "sigmoid", seed=3),
}


def written(layers: Any = LAYERS, features: Any = None) -> Any:
    """The file as the package onnx has it, for tests that change it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        to_onnx(pylstm.Model(features, layers), path)
        return onnx.load(path)


def assert_comes_back(model: pylstm.Model) -> None:
    """The same names, inputs, settings and weights, so the same rows to the last bit."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        to_onnx(model, path)
        found = from_onnx(path)
    again = pylstm.Model(None, found.layers)
    assert again.nodes == model.nodes
    x = drawn(30, model.n_features, seed=3)
    y = again.stream().push_frames(x)
    np.testing.assert_array_equal(y, pylstm.Model(None, dict_of(model)).stream().push_frames(x))
    assert (found.run_source is None) == any("end of a sequence" in note for note in found.notes)
    if found.run_source is not None:
        largest = max(1, float(np.abs(y).max(initial=0)))
        np.testing.assert_allclose(found.run_source(x), y, rtol=0, atol=1e-5 * largest)


def dict_of(model: pylstm.Model) -> Any:
    if all(node.name.isdigit() for node in model.nodes):
        return list(model.layers)
    return {node.name: (node.layer, *node.inputs) for node in model.nodes}


@pytest.mark.parametrize("variant", STREAMING)
def test_each_kind(variant: str) -> None:
    assert_comes_back(pylstm.Model(None, [stacked(variant, 6, 9)]))


@pytest.mark.parametrize(
    "layer",
    [
        pylstm.Stack(6),
        pylstm.Select(6, 0, 6),
        pylstm.Activation(6, "linear"),
        pylstm.Pool(6, "max"),
    ],
    ids=lambda layer: layer.kind,
)
def test_layers_that_need_no_weights(layer: pylstm.Layer) -> None:
    """Some of them write no operator at all."""
    assert_comes_back(pylstm.Model(None, [layer]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_activation(function: Any) -> None:
    layer = pylstm.Activation(6, function, **PARAMETERS.get(function, {}))
    assert_comes_back(pylstm.Model(None, [layer]))


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_drawn_settings(data: st.DataObject) -> None:
    variant = data.draw(st.sampled_from(STREAMING))
    layer = draw_layer(data, variant, data.draw(st.integers(1, 12)), 7, seed=2)
    assume(layer.obstacle is None)
    assert_comes_back(pylstm.Model(None, {"only": layer}))


@settings(max_examples=8, deadline=None)
@given(layer=drawn_layer())
def test_drawn_windows(layer: Any) -> None:
    assert_comes_back(pylstm.Model(None, [layer, pylstm.Affine(layer.n_outputs)]))


@settings(max_examples=8, deadline=None)
@given(graph=graphs(6))
def test_drawn_graphs(graph: Any) -> None:
    """Branches that wait, skip, and have strides."""
    assert_comes_back(pylstm.Model(None, graph))


def test_frames_that_are_joined_before_a_layer_says_how_wide_they_are() -> None:
    layers: dict[str, Any] = {
        "input": (pylstm.Mul(), "features", "features"),
        "head": pylstm.Dense(8, 2, seed=0),
    }
    found = from_onnx(written(layers, pylstm.LogMel(n_mels=8)).SerializeToString())
    assert list(found.layers) == ["input_2", *layers]
    assert found.run_source is not None
    assert largest_difference(found.layers, found.run_source) < 1e-5


def test_other_weights_come_in() -> None:
    """As after a training of the file elsewhere."""
    model = written()
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size > 1:
            tensor.CopyFrom(
                onnx.numpy_helper.from_array(np.where(array, -array, array), tensor.name)
            )
    layers: Any = from_onnx(model.SerializeToString()).layers
    for name in ("conv", "lstm", "head"):
        before = LAYERS[name].weights
        for key, values in layers[name][0].weights.items():
            np.testing.assert_array_equal(values, -before[key])


@pytest.mark.parametrize("kind", [pylstm.LSTM, pylstm.GRU, pylstm.RNN])
def test_the_operators_say_what_usual_layers_are(kind: Any) -> None:
    """Without metadata, as tools leave a file that do not know them."""
    layers = {
        "conv": pylstm.Conv(6, 4, 3, padding="causal", dilation=2, activation="relu", seed=1),
        "cells": kind(4, 5, num_layers=2, seed=2),
        "head": pylstm.Dense(5, 2, "softmax", seed=3),
    }
    model = written(layers)
    del model.metadata_props[:]
    converted(model.SerializeToString(), shapes={"features": (1, 6)})  # a frame in each call
    found = converted(model.SerializeToString())
    kinds = [layer.kind for layer, *_ in found.layers.values()]
    assert kinds == ["conv", kind.kind, kind.kind, "dense"]


def test_what_the_metadata_says_is_not_believed() -> None:
    """Names of layers are those of the graph, sizes those of its weights."""
    model = written({"head": pylstm.Dense(3, 2, "sigmoid", seed=3)})
    about = {one.key: one for one in model.metadata_props}
    said = about["layers"].value
    lies = [("sigmoid", "tanh"), ("3", "999999999"), ("[2, 3]", "[3, 2]"), ("dense", "x")]
    for old, new in lies:
        about["layers"].value = said.replace(old, new)
        assert about["layers"].value != said
        (found,) = from_onnx(model.SerializeToString()).layers.values()
        assert found[0].activation == "sigmoid"  # read from the operators
    for text in (
        "",
        "{}",
        "[]",
        "[1]",
        "[" * 100_000,
        '[{"settings": {}, "weights": {"w": [-1]}}]',
    ):
        about["layers"].value = text
        assert len(from_onnx(model.SerializeToString()).layers) == 1


def test_a_changed_graph_is_not_taken_for_the_one_that_was_written() -> None:
    model = written(
        {"rnn": pylstm.RNN(3, 2, seed=0), "head": pylstm.Dense(2, 2, "sigmoid", seed=3)}
    )
    model.graph.node[-2].op_type = "Tanh"
    try:
        layers: Any = from_onnx(model.SerializeToString()).layers
    except ValueError:
        return
    assert list(layers.values())[-1][0].activation == "tanh"


def test_labels_and_the_decision_come_back(tmp_path: Path) -> None:
    model = pylstm.load("keywords")
    to_onnx(model, tmp_path / "model.onnx")
    found = from_onnx(tmp_path / "model.onnx")
    again = pylstm.Model(model.features, found.layers, found.labels, decision=found.decision)
    assert again.labels == model.labels is not None
    assert dict(again.decision) == dict(model.decision)
    assert found.notes == (
        "The features of the model are not in the file: frames come from outside.",
    )


@pytest.mark.parametrize("labels", ['["a"]', "[1, 2]", "{", "7"])
def test_labels_that_no_model_can_have_are_left_out(labels: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    layers = [pylstm.Dense(3, 2, "softmax", seed=1)]
    to_onnx(pylstm.Model(None, layers, ["a", "b"]), path)
    file = onnx.load(path)
    for one in file.metadata_props:
        if one.key == "labels":
            one.value = labels
    found = from_onnx(file.SerializeToString())
    assert (found.layers, found.labels, found.decision) == (layers, None, None)
