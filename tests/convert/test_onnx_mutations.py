"""Good ONNX files that are changed in any way: refused, or with the rows of ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.convert import Conversion, from_onnx, to_onnx
from pylstm.convert.onnx.operators import OPERATORS
from tests.convert.onnx_graphs import drawn, graph, node, streamed

onnx = pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")
pytest.importorskip("onnxruntime", reason="the oracle is ONNX Runtime: pip install onnxruntime")

ROWS = [1, None, 6]


def convolutions() -> bytes:
    """Padding, a norm that is written out, a sum around both, a last operator."""
    nodes = [
        node("Conv", "x W b", "c", pads=[2, 0], dilations=[1], group=2),
        node("ReduceMean", "c", "m", axes=[1]),
        node("Sub", "c m", "d"),
        node("Mul", "d d", "q"),
        node("ReduceMean", "q", "v", axes=[1]),
        node("Add", "v eps", "e"),
        node("Sqrt", "e", "s"),
        node("Div", "d s", "n"),
        node("Slice", "n from to axis", "f"),
        node("Add", "f x", "r"),
        node("Softmax", "r", "y", axis=1),
    ]
    weights = {
        "W": drawn(4, 2, 3),
        "b": drawn(4),
        "eps": np.float32(1e-3),
        "from": np.array([0]),
        "to": np.array([4]),
        "axis": np.array([1]),
    }
    return graph(nodes, {"x": [1, 4, None]}, "y", weights)


def states() -> bytes:
    """Two cells that take turns, with their states."""
    nodes = [
        node("GRU", "x W R B _ h", "g hn", hidden_size=4, linear_before_reset=1),
        node("Squeeze", "g one", "s"),
        node("LSTM", "g4 V U _ _ k c", "l kn cn", hidden_size=3, clip=2.0),
        node("Squeeze", "l one", "o"),
        node("Concat", "o s", "t", axis=2),
        node("MatMul", "t M", "y"),
    ]
    nodes.insert(2, node("Tanh", "s", "g4"))
    weights = {
        "W": drawn(1, 12, 6),
        "R": drawn(1, 12, 4),
        "B": drawn(1, 24),
        "V": drawn(1, 12, 4),
        "U": drawn(1, 12, 3),
        "M": drawn(7, 2),
        "one": np.array([1]),
    }
    inputs = {"x": [None, 1, 6], "h": [1, 1, 4], "k": [1, 1, 3], "c": [1, 1, 3]}
    return graph(nodes, inputs, "y hn kn cn", weights)


def of_to_onnx() -> bytes:
    layers = [
        pylstm.Conv(4, 3, 3, padding="causal", seed=0),
        pylstm.LSTM(3, 4, proj_size=2, seed=1),
        pylstm.Dense(2, 2, "sigmoid", seed=2),
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        to_onnx(pylstm.Model(None, layers), path)
        return path.read_bytes()


FILES: dict[str, Callable[[], bytes]] = {
    "convolutions": cache(convolutions),
    "states": cache(states),
    "of to_onnx": cache(of_to_onnx),
}
NUMBERS = [-1, 0, 1, 2, 3, 1 << 40, -(1 << 63)]


def change(draw: Any, model: Any) -> None:
    """One change of a graph."""
    whole = model.graph
    one = draw(st.sampled_from(list(whole.node)))
    tensor = draw(st.sampled_from(list(whole.initializer)))
    names = [name for n in whole.node for name in [*n.input, *n.output]]
    names += [t.name for t in whole.initializer]
    kinds = ["operator", "wire", "output", "attribute", "number", "type", "shape", "value"]
    kinds += ["twice", "drop", "order", "input", "version", "elsewhere", "nested"]
    kind = draw(st.sampled_from(kinds))
    if kind == "operator":
        one.op_type = draw(st.sampled_from([*OPERATORS, "Sin", "Loop", "Resize", "NonZero"]))
    elif kind == "wire" and one.input:
        one.input[draw(st.integers(0, len(one.input) - 1))] = draw(st.sampled_from([*names, ""]))
    elif kind == "output":
        draw(st.sampled_from(list(whole.output))).name = draw(st.sampled_from(names)) or "none"
    elif kind == "attribute":
        name = draw(st.sampled_from(["axis", "direction", "pads", "clip", "layout", "to", "other"]))
        value = draw(st.sampled_from([*NUMBERS, 0.5, [1], [0, 1], "reverse", "SAME_UPPER"]))
        kept = [a for a in one.attribute if a.name != name]
        made = [onnx.helper.make_attribute(name, value), *map(copy, kept)]
        del one.attribute[:]
        one.attribute.extend(made)
    elif kind == "number":
        for attribute in one.attribute:
            if attribute.type == onnx.AttributeProto.INT:
                attribute.i = draw(st.sampled_from(NUMBERS))
            elif attribute.type == onnx.AttributeProto.FLOAT:
                attribute.f = draw(st.sampled_from([0.0, -1.0, float("nan"), float("inf")]))
            elif attribute.type == onnx.AttributeProto.INTS and attribute.ints:
                attribute.ints[0] = draw(st.sampled_from(NUMBERS))
    elif kind == "type":
        tensor.data_type = draw(st.integers(-1, 30))
    elif kind == "shape" and tensor.dims:
        place = draw(st.integers(0, len(tensor.dims) - 1))
        tensor.dims[place] = draw(st.sampled_from(NUMBERS))
    elif kind == "value" and is_whole(tensor):
        array = np.array(onnx.numpy_helper.to_array(tensor))
        turned = draw(st.booleans())
        array = array.T if turned and array.ndim > 1 else array + array.dtype.type(1)
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(array), tensor.name))
    elif kind == "twice":
        whole.node.append(copy(one))
    elif kind == "drop":
        whole.node.remove(one)
    elif kind == "order":
        nodes = draw(st.permutations([copy(n) for n in whole.node]))
        del whole.node[:]
        whole.node.extend(nodes)
    elif kind == "input":
        info = draw(st.sampled_from(list(whole.input))).type.tensor_type
        info.shape.dim.add().dim_value = draw(st.sampled_from([1, 2, 1 << 62]))
    elif kind == "version":
        model.opset_import[0].version = draw(st.sampled_from([-1, 6, 7, 11, 13, 18, 21, 27, 99]))
    elif kind == "elsewhere":
        tensor.data_location = 1
        tensor.external_data.add(key="location", value="/dev/zero")
    elif kind == "nested":
        inner = onnx.helper.make_graph([], "deep", [], [])
        for _ in range(draw(st.sampled_from([1, 50, 200]))):
            branches = {"then_branch": inner, "else_branch": inner}
            name = draw(st.sampled_from([*names, "none"])) or "none"
            branch = onnx.helper.make_node("If", [name], ["deep_y"], **branches)
            inner = onnx.GraphProto(name="deep", node=[branch])
            if len(inner.SerializeToString()) > 1 << 16:
                break
        whole.node.extend(inner.node)


def is_whole(tensor: Any) -> bool:
    """Whether no change before has made it unreadable."""
    size = 4 if tensor.data_type == 1 else 8
    there = tensor.data_type in (1, 7) and not tensor.external_data
    return there and len(tensor.raw_data) == size * math.prod(tensor.dims)


def copy(message: Any) -> Any:
    made = type(message)()
    made.CopyFrom(message)
    return made


def refusal(data: bytes) -> ValueError | None:
    try:
        from_onnx(data)
    except ValueError as error:
        return error
    return None


def expected_rows(found: Conversion, x: Any) -> Any:
    """Those of ONNX Runtime; None where it does not run the file, such as nodes of one name."""
    assert found.run_source is not None
    try:
        return found.run_source(x)
    except Exception as error:
        if type(error).__module__.startswith("onnxruntime"):
            return None
        raise


def is_large(data: bytes) -> bool:
    """Whether a weight has squares that float32 does not hold."""
    tensors = onnx.ModelProto.FromString(data).graph.initializer
    arrays = [onnx.numpy_helper.to_array(one) for one in tensors if one.data_type == 1]
    return any(np.abs(one).max(initial=0) > 1e9 for one in arrays)


def assert_refused_or_the_same(data: bytes) -> None:
    error = refusal(data)
    if error is not None:
        assert "expected" in str(error)
        return
    found = from_onnx(data)
    layers: Any = found.layers
    layers = layers if isinstance(layers, list) else [layer for layer, *_ in layers.values()]
    if found.run_source is None or any(layer.obstacle for layer in layers) or is_large(data):
        return
    model = pylstm.Model(None, found.layers)
    x = drawn(20, model.n_features, seed=5)
    expected = expected_rows(found, x)
    if expected is not None and np.isfinite(expected).all():
        y = streamed(model, x)
        largest = max(1, float(np.abs(expected).max(initial=0)))
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5 * largest)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", FILES)
def test_they_are_good_before(name: str) -> None:
    found = from_onnx(FILES[name]())
    model = pylstm.Model(None, found.layers)
    x = drawn(20, model.n_features, seed=5)
    assert found.run_source is not None
    np.testing.assert_allclose(streamed(model, x), found.run_source(x), rtol=0, atol=1e-5)


@pytest.mark.law_framework_exact
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_changed_graph(data: Any) -> None:
    model = onnx.ModelProto.FromString(FILES[data.draw(st.sampled_from(list(FILES)))]())
    for _ in range(data.draw(st.integers(1, 2))):
        if model.graph.node:
            change(data.draw, model)
    assert_refused_or_the_same(model.SerializeToString())


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_changed_bytes(data: Any) -> None:
    """Bits that are turned, and files that end early."""
    made = bytearray(FILES[data.draw(st.sampled_from(list(FILES)))]())
    place = data.draw(st.integers(0, len(made) - 1))
    if data.draw(st.booleans()):
        made[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del made[place:]
    assert_refused_or_the_same(bytes(made))
