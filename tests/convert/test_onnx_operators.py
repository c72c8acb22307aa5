"""Operators of ONNX as layers: against ONNX Runtime, in random cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.convert import from_onnx
from pylstm.convert.onnx.operators import OPERATORS
from tests.convert.onnx_graphs import converted, drawn, graph, node

ROWS = [1, None, 12]
"""A tensor (batch, time, values)."""
SIGNALS = [1, 4, None]
"""A tensor (batch, channels, time)."""
PICTURES = [1, 3, None, 8]
"""A tensor (batch, channels, time, bands)."""

ints = lambda *values: np.array(values, np.int64)  # noqa: E731
floats = lambda *values: np.array(values, np.float32)  # noqa: E731


def positive(*shape: int) -> Any:
    return np.abs(drawn(*shape)) + np.float32(0.1)


# Name -> nodes, shape of the input, weights; the output is "y".
CASES: dict[str, tuple[list[tuple[Any, ...]], list[Any], dict[str, Any]]] = {
    "Sigmoid": ([("Sigmoid", "x", "y", {})], ROWS, {}),
    "Tanh": ([("Tanh", "x", "y", {})], SIGNALS, {}),
    "Relu": ([("Relu", "x", "y", {})], PICTURES, {}),
    "Softsign": ([("Softsign", "x", "y", {})], ROWS, {}),
    "LeakyRelu": ([("LeakyRelu", "x", "y", {"alpha": 0.3})], ROWS, {}),
    "Elu": ([("Elu", "x", "y", {"alpha": 0.7})], ROWS, {}),
    "Selu": ([("Selu", "x", "y", {})], ROWS, {}),
    "Abs": ([("Abs", "x", "y", {})], ROWS, {}),
    "HardSigmoid": ([("HardSigmoid", "x", "y", {"alpha": 0.3})], ROWS, {}),
    "HardSwish": ([("HardSwish", "x", "y", {})], ROWS, {}),
    "Clip": (
        [("Clip", "x low high", "y", {})],
        ROWS,
        {"low": floats(-0.5)[0], "high": floats(1)[0]},
    ),
    "Clip from below": ([("Clip", "x low", "y", {})], ROWS, {"low": floats(-0.5)[0]}),
    "Max": ([("Max", "low x", "y", {})], ROWS, {"low": floats(0.25)}),
    "Min": ([("Min", "x high", "y", {})], ROWS, {"high": floats(0.25)}),
    "PRelu": ([("PRelu", "x slope", "y", {})], SIGNALS, {"slope": drawn(4, 1)}),
    "PRelu of one": ([("PRelu", "x slope", "y", {})], ROWS, {"slope": floats(0.3)}),
    "Softmax": ([("Softmax", "x", "y", {"axis": -1})], ROWS, {}),
    "Softmax over channels": ([("Softmax", "x", "y", {"axis": 1})], SIGNALS, {}),
    "LogSoftmax": ([("LogSoftmax", "x", "y", {"axis": 2})], ROWS, {}),
    "Log of a Softmax": ([("Softmax", "x", "s", {}), ("Log", "s", "y", {})], ROWS, {}),
    "Sqrt of a square": ([("Mul", "x x", "s", {}), ("Sqrt", "s", "y", {})], ROWS, {}),
    "Log": ([("Clip", "x low", "s", {}), ("Log", "s", "y", {})], ROWS, {"low": floats(1e-3)[0]}),
    "a GELU that is written out": (
        [
            ("Div", "x root", "d", {}),
            ("Erf", "d", "e", {}),
            ("Add", "e one", "a", {}),
            ("Mul", "x a", "m", {}),
            ("Mul", "m half", "y", {}),
        ],
        ROWS,
        {"root": floats(2**0.5)[0], "one": floats(1)[0], "half": floats(0.5)[0]},
    ),
    "Softsign that is written out": (
        [("Abs", "x", "a", {}), ("Add", "a one", "d", {}), ("Div", "x d", "y", {})],
        ROWS,
        {"one": floats(1)[0]},
    ),
    "Neg": ([("Neg", "x", "y", {})], ROWS, {}),
    "Pow": ([("Pow", "x two", "y", {})], ROWS, {"two": floats(2)}),
    "Add a constant": ([("Add", "x b", "y", {})], ROWS, {"b": drawn(12)}),
    "Sub a constant": ([("Sub", "x b", "y", {})], ROWS, {"b": drawn(12)}),
    "Sub from a constant": ([("Sub", "b x", "y", {})], ROWS, {"b": drawn(12)}),
    "Mul by a constant": ([("Mul", "w x", "y", {})], SIGNALS, {"w": drawn(4, 1)}),
    "Div by a constant": ([("Div", "x w", "y", {})], ROWS, {"w": positive(12)}),
    "constants in a row": (
        [("Sub", "x m", "c", {}), ("Div", "c s", "d", {}), ("Mul", "d g", "y", {})],
        ROWS,
        {"m": drawn(12), "s": positive(12), "g": drawn(12, seed=3)},
    ),
    "Add": ([("Relu", "x", "r", {}), ("Add", "x r", "y", {})], ROWS, {}),
    "Sub": ([("Relu", "x", "r", {}), ("Sub", "x r", "y", {})], PICTURES, {}),
    "Mul": ([("Sigmoid", "x", "r", {}), ("Mul", "x r", "y", {})], SIGNALS, {}),
    "Sum": ([("Relu", "x", "r", {}), ("Sum", "x r r", "y", {})], ROWS, {}),
    "MatMul": ([("MatMul", "x W", "y", {})], ROWS, {"W": drawn(12, 5)}),
    "MatMul and bias": (
        [("MatMul", "x W", "m", {}), ("Add", "b m", "s", {}), ("Relu", "s", "y", {})],
        ROWS,
        {"W": drawn(12, 5), "b": drawn(5)},
    ),
    "MatMul of each position": ([("MatMul", "x W", "y", {})], PICTURES, {"W": drawn(8, 5)}),
    "MatMul from the left": ([("MatMul", "A x", "y", {})], SIGNALS, {"A": drawn(5, 4)}),
    "Einsum": (
        [("Einsum", "x W", "y", {"equation": "btf,fo->bto"})],
        ROWS,
        {"W": drawn(12, 5)},
    ),
    "Einsum of channels, matrix first": (
        [("Einsum", "W x", "y", {"equation": "oc, bctf -> btfo"})],
        PICTURES,
        {"W": drawn(5, 3)},
    ),
    "Gemm": (
        [("Gemm", "x W b", "y", {"transB": 1, "alpha": 0.5, "beta": 2.0})],
        [None, 12],
        {"W": drawn(5, 12), "b": drawn(5)},
    ),
    "LayerNormalization": (
        [("LayerNormalization", "x g b", "y", {"epsilon": 1e-4})],
        ROWS,
        {"g": drawn(12), "b": drawn(12, seed=1)},
    ),
    "LayerNormalization of positions": (
        [("LayerNormalization", "x g", "y", {})],
        PICTURES,
        {"g": drawn(8)},
    ),
    "a norm that is written out": (
        [
            ("ReduceMean", "x", "m", {"axes": [-1]}),
            ("Sub", "x m", "c", {}),
            ("Pow", "c two", "s", {}),
            ("ReduceMean", "s", "v", {"axes": [-1]}),
            ("Add", "v eps", "e", {}),
            ("Sqrt", "e", "d", {}),
            ("Div", "c d", "n", {}),
            ("Mul", "n g", "w", {}),
            ("Add", "w b", "y", {}),
        ],
        ROWS,
        {"two": floats(2)[0], "eps": floats(1e-5)[0], "g": drawn(12), "b": drawn(12, seed=1)},
    ),
    "the same by a reciprocal": (
        [
            ("ReduceMean", "x", "m", {"axes": [1]}),
            ("Sub", "x m", "c", {}),
            ("Mul", "c c", "s", {}),
            ("ReduceMean", "s", "v", {"axes": [1]}),
            ("Add", "v eps", "e", {}),
            ("Sqrt", "e", "d", {}),
            ("Reciprocal", "d", "i", {}),
            ("Mul", "c i", "y", {}),
        ],
        SIGNALS,
        {"eps": floats(1e-3)[0]},
    ),
    "a norm whose variance loses its axis": (
        [
            ("ReduceMean", "x", "m", {"axes": [-1]}),
            ("Sub", "x m", "c", {}),
            ("Mul", "c c", "s", {}),
            ("ReduceMean", "s", "v", {"axes": [-1], "keepdims": 0}),
            ("Add", "v eps", "e", {}),
            ("Unsqueeze", "e last", "u", {}),
            ("Sqrt", "u", "d", {}),
            ("Reciprocal", "d", "i", {}),
            ("Mul", "i g", "w", {}),
            ("Mul", "x w", "one", {}),
            ("Mul", "m w", "two", {}),
            ("Sub", "b two", "three", {}),
            ("Add", "one three", "y", {}),
        ],
        ROWS,
        {"eps": floats(1e-3)[0], "last": ints(-1), "g": drawn(12), "b": drawn(12, seed=1)},
    ),
    "BatchNormalization": (
        [("BatchNormalization", "x s b m v", "y", {"epsilon": 1e-3})],
        SIGNALS,
        {"s": drawn(4), "b": drawn(4, seed=1), "m": drawn(4, seed=2), "v": positive(4)},
    ),
    "ReduceMean": ([("ReduceMean", "x", "y", {"axes": [3]})], PICTURES, {}),
    "ReduceMean of the row": (
        [("ReduceMean", "x", "y", {"axes": [1, 3], "keepdims": 0})],
        PICTURES,
        {},
    ),
    "ReduceMax": ([("ReduceMax", "x", "y", {"axes": [1]})], PICTURES, {}),
    "ReduceSum": ([("ReduceSum", "x a", "y", {"keepdims": 0})], PICTURES, {"a": ints(-1)}),
    "Concat": (
        [("Relu", "x", "r", {}), ("Concat", "r x", "y", {"axis": 1})],
        PICTURES,
        {},
    ),
    "Concat of values": (
        [("Relu", "x", "r", {}), ("Concat", "r x", "y", {"axis": -1})],
        PICTURES,
        {},
    ),
    "Split": (
        [("Split", "x", "a b", {"axis": 2}), ("Sigmoid", "b", "s", {}), ("Mul", "a s", "y", {})],
        ROWS,
        {},
    ),
    "Slice": (
        [("Slice", "x b e a", "y", {})],
        PICTURES,
        {"b": ints(2), "e": ints(7), "a": ints(3)},
    ),
    "Gather": ([("Gather", "x p", "y", {"axis": 2})], ROWS, {"p": ints(3, 1, 1, 7)}),
    "Transpose and Reshape": (
        [
            ("Transpose", "x", "t", {"perm": [0, 2, 1, 3]}),
            ("Reshape", "t s", "r", {}),
            ("MatMul", "r W", "y", {}),
        ],
        PICTURES,
        {"s": ints(1, -1, 24), "W": drawn(24, 5)},
    ),
    "Flatten": (
        [("Flatten", "x", "f", {"axis": 2}), ("MatMul", "f W", "y", {})],
        [1, None, 3, 4],
        {"W": drawn(12, 5)},
    ),
    "Dropout": ([("Dropout", "x", "d", {}), ("Tanh", "d", "y", {})], ROWS, {}),
    "Identity": ([("Identity", "x", "i", {}), ("Tanh", "i", "y", {})], ROWS, {}),
    "a shape that is computed": (
        [
            ("Shape", "x", "s", {}),
            ("Gather", "s one", "t", {}),
            ("Unsqueeze", "t zero", "u", {}),
            ("Concat", "u rest", "n", {"axis": 0}),
            ("Reshape", "x n", "r", {}),
            ("MatMul", "r W", "y", {}),
        ],
        ROWS,
        {"one": np.array(1), "zero": ints(0), "rest": ints(2, 6), "W": drawn(6, 5)},
    ),
    "Conv over time": (
        [("Conv", "x W b", "y", {})],
        SIGNALS,
        {"W": drawn(6, 4, 3), "b": drawn(6)},
    ),
    "Conv with strides and dilations": (
        [("Conv", "x W", "y", {"strides": [2], "dilations": [3], "pads": [4, 0]})],
        SIGNALS,
        {"W": drawn(6, 4, 3)},
    ),
    "Conv that looks ahead": (
        [("Conv", "x W", "c", {"auto_pad": "SAME_UPPER"}), ("Relu", "c", "y", {})],
        SIGNALS,
        {"W": drawn(6, 4, 4)},
    ),
    "windows with long strides": (
        [
            ("MaxPool", "x", "p", {"kernel_shape": [4], "strides": [4]}),
            ("Conv", "p W", "c", {"strides": [5]}),
            ("AveragePool", "c", "y", {"kernel_shape": [2], "strides": [2]}),
        ],
        SIGNALS,
        {"W": drawn(6, 4, 5)},
    ),
    "depthwise Conv": ([("Conv", "x W", "y", {"group": 4})], SIGNALS, {"W": drawn(8, 1, 3)}),
    "causal Conv by a Pad": (
        [("Pad", "x p", "z", {}), ("Conv", "z W", "y", {})],
        SIGNALS,
        {"p": ints(0, 0, 4, 0, 0, 0), "W": drawn(6, 4, 5)},
    ),
    "Conv that is padded on both sides and cut": (
        [
            ("Conv", "x W b", "c", {"pads": [4, 4]}),
            ("Relu", "c", "r", {}),
            ("Slice", "r from to axis", "y", {}),
        ],
        SIGNALS,
        {
            "W": drawn(6, 4, 5),
            "b": drawn(6),
            "from": ints(0),
            "to": ints(-4),
            "axis": ints(2),
        },
    ),
    "Conv in two dimensions": (
        [("Conv", "x W b", "y", {"pads": [2, 1, 0, 1], "strides": [1, 2]})],
        PICTURES,
        {"W": drawn(6, 3, 3, 3), "b": drawn(6)},
    ),
    "Conv inside of the row": (
        [
            ("Conv", "x W", "a", {"pads": [1, 1]}),
            ("Relu", "a", "r", {}),
            ("Conv", "r V", "y", {"strides": [2]}),
        ],
        [None, 3, 8],
        {"W": drawn(5, 3, 3), "V": drawn(4, 5, 2)},
    ),
    "Conv and BatchNormalization": (
        [
            ("Conv", "x W", "c", {}),
            ("BatchNormalization", "c s b m v", "n", {}),
            ("Relu", "n", "y", {}),
        ],
        PICTURES,
        {
            "W": drawn(6, 3, 2, 3),
            "s": drawn(6),
            "b": drawn(6, seed=1),
            "m": drawn(6, seed=2),
            "v": positive(6),
        },
    ),
    "Conv over time and BatchNormalization": (
        [
            ("Conv", "x W b", "c", {"group": 2}),
            ("BatchNormalization", "c s b m v", "n", {}),
            ("Sigmoid", "n", "y", {}),
        ],
        SIGNALS,
        {
            "W": drawn(6, 2, 3),
            "s": drawn(6),
            "b": drawn(6),
            "m": drawn(6, seed=2),
            "v": positive(6),
        },
    ),
    "a residual": (
        [
            ("Conv", "x W", "c", {"pads": [2, 0]}),
            ("Relu", "c", "r", {}),
            ("Add", "x r", "y", {}),
        ],
        SIGNALS,
        {"W": drawn(4, 4, 3)},
    ),
    "a residual of a valid Conv": (
        [
            ("Conv", "x W", "c", {}),
            ("Slice", "x b e a", "late", {}),
            ("Add", "late c", "y", {}),
        ],
        SIGNALS,
        {"W": drawn(4, 4, 3), "b": ints(2), "e": ints(1 << 40), "a": ints(2)},
    ),
    "MaxPool": ([("MaxPool", "x", "y", {"kernel_shape": [1, 2], "strides": [1, 2]})], PICTURES, {}),
    "AveragePool": (
        [("AveragePool", "x", "y", {"kernel_shape": [2, 3], "pads": [0, 1, 0, 1]})],
        PICTURES,
        {},
    ),
    "GlobalAveragePool": ([("GlobalAveragePool", "x", "y", {})], [None, 3, 8], {}),
    "GlobalMaxPool": ([("GlobalMaxPool", "x", "y", {})], [None, 3, 8], {}),
}


def file_of(name: str, opset: int = 17) -> bytes:
    nodes, shape, weights = CASES[name]
    made = [node(kind, inputs, outputs, **settings) for kind, inputs, outputs, settings in nodes]
    opset = 14 if any(kind == "Split" for kind, *_ in nodes) else opset
    return graph(made, {"x": shape}, "y", weights, opset)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", CASES)
def test_an_operator_does_what_onnx_runtime_does(name: str) -> None:
    _, shape, _ = CASES[name]
    converted(file_of(name), shapes={"x": shape}, n=100 if "long" in name else 40)


def test_few_layers_are_left() -> None:
    """Scales, shifts and functions are parts of the sums before them."""
    for name, kinds in {
        "MatMul and bias": ["Dense"],
        "Gemm": ["Dense"],
        "constants in a row": ["Affine"],
        "Conv over time and BatchNormalization": ["Conv"],
        "a norm that is written out": ["LayerNorm"],
        "LayerNormalization": ["LayerNorm"],
        "causal Conv by a Pad": ["Conv"],
        "Conv that looks ahead": ["Conv"],
        "a residual": ["Conv", "Add"],
        "a GELU that is written out": ["Activation"],
    }.items():
        layers = from_onnx(file_of(name), shapes={"x": CASES[name][1]}).layers
        assert [type(layer).__name__ for layer, *_ in layers.values()] == kinds, name


def test_every_operator_has_a_case() -> None:
    used = {kind for nodes, *_ in CASES.values() for kind, *_ in nodes}
    elsewhere = {"LSTM", "GRU", "RNN", "Squeeze", "Size", "Cast", "CastLike", "Expand", "Tile"}
    elsewhere |= {"Gelu", "Where", "DepthToSpace", "SpaceToDepth", "GatherElements", "GatherND"}
    assert set(OPERATORS) - used - elsewhere == set()


def test_two_outputs_stand_side_by_side() -> None:
    nodes = [node("MatMul", "x W", "a"), node("Sigmoid", "a", "y"), node("Tanh", "x", "z")]
    data = graph(nodes, {"x": ROWS}, "y z", {"W": drawn(12, 3)})
    found = converted(data)
    assert any("stand side by side" in note for note in found.notes)
    assert pylstm.Model(None, found.layers).n_outputs == 15
    assert pylstm.Model(None, converted(data, output="y").layers).n_outputs == 3


def test_outputs_that_begin_at_different_frames() -> None:
    """The rows of both stand for the same frames."""
    nodes = [node("Conv", "x W", "y"), node("Tanh", "x", "z")]
    found = converted(graph(nodes, {"x": SIGNALS}, "y z", {"W": drawn(6, 4, 3)}))
    model = pylstm.Model(None, found.layers)
    assert (model.n_outputs, len(model.stream().push_frames(drawn(9, 4)))) == (10, 7)


@pytest.mark.law_framework_exact
def test_shapes_that_are_not_those_of_the_file() -> None:
    """A file of a batch of 3 and 20 frames streams, one sequence at a time."""
    nodes = [node("Conv", "x W", "y", pads=[2, 0])]
    data = graph(nodes, {"x": [3, 4, 20]}, "y", {"W": drawn(6, 4, 3)})
    converted(data, n=33, shapes={"x": (1, 4, None)})


def test_a_condition_that_is_known_is_followed() -> None:
    pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")
    from onnx import TensorProto, helper

    def branch(name: str, kind: str) -> Any:
        info = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)
        return helper.make_graph([node(kind, "x", f"{name}_y")], name, [], [info])

    nodes = [
        node("Equal", "sr rate", "is_wide"),
        node(
            "If",
            "is_wide",
            "y",
            then_branch=branch("wide", "Tanh"),
            else_branch=branch("narrow", "Sigmoid"),
        ),
    ]
    data = graph(nodes, {"x": ROWS}, "y", {"rate": np.array(16000)}, ints={"sr": []})
    for rate, function in ((16000, "tanh"), (8000, "sigmoid")):
        found = converted(data, constants={"sr": rate})
        assert [layer.function for layer, *_ in found.layers.values()] == [function]
    with pytest.raises(
        ValueError, match=r"takes 'sr', which is not known; expected constants={'sr'"
    ):
        from_onnx(data)
