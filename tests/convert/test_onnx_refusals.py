"""ONNX files that cannot be expressed, or are none: each is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.convert import from_onnx
from tests.convert.onnx_graphs import converted, drawn, graph, node, streamed, width_of

onnx = pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")

ROWS = [1, None, 6]


def small(extra: Any = (), **changes: Any) -> Any:
    """A file of MatMul, Add, LSTM, Squeeze and Sigmoid, as a model that tests change."""
    weights = {
        "M": drawn(6, 5),
        "b": drawn(5),
        "W": drawn(1, 16, 5),
        "R": drawn(1, 16, 4),
        "B": drawn(1, 32),
        "one": np.array([1]),
    }
    nodes = [
        node("MatMul", "x M", "m"),
        node("Add", "m b", "a"),
        node("Transpose", "a", "t", perm=[1, 0, 2]),
        node("LSTM", "t W R B", "h", hidden_size=4),
        node("Squeeze", "h one", "s"),
        node("Sigmoid", "s", "y"),
    ]
    return onnx.ModelProto.FromString(graph(nodes, {"x": ROWS}, "y", weights))


def refused(model: Any, words: str, error: Any = ValueError, **options: Any) -> None:
    with pytest.raises(error, match=words):
        from_onnx(model if isinstance(model, bytes) else model.SerializeToString(), **options)


def test_it_is_good_before_it_is_changed(tmp_path: Path) -> None:
    found = converted(small().SerializeToString())
    (tmp_path / "small.onnx").write_bytes(small().SerializeToString())
    for path in (tmp_path / "small.onnx", str(tmp_path / "small.onnx")):
        assert from_onnx(path).layers == found.layers


@pytest.mark.parametrize("data", [b"", b"RIFF....WAVE", b"\x08\x08", bytes(range(100, 200))])
def test_other_files(data: bytes) -> None:
    refused(data, "no ONNX file|is not valid|opset_import")


def test_other_sources() -> None:
    with pytest.raises(TypeError, match="source is 3; expected a path or bytes"):
        from_onnx(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        from_onnx("nowhere.onnx")


def test_data_elsewhere_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    """The file that it names would be read by onnx.load."""
    model = small()
    tensor = model.graph.initializer[0]
    del tensor.float_data[:]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    tensor.external_data.add(key="location", value="../../etc/passwd")
    refused(model, "tensor 'M' is in another file; expected all data in this one")
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="tensor 'M' is in another file"):
        from_onnx(path)


def test_data_elsewhere_inside_of_a_branch() -> None:
    tensor = onnx.TensorProto(name="far", data_type=1, dims=[1], data_location=1)
    info = onnx.helper.make_tensor_value_info("k", 1, [1])
    inner = onnx.helper.make_graph(
        [onnx.helper.make_node("Constant", [], ["k"], value=tensor)], "g", [], [info]
    )
    model = small()
    model.graph.node.append(
        onnx.helper.make_node("If", ["one"], ["k2"], then_branch=inner, else_branch=inner)
    )
    refused(model, "tensor 'far' is in another file")


def test_what_is_more_than_a_graph() -> None:
    model = small()
    model.graph.node[0].domain = "com.microsoft"
    model.opset_import.add(domain="com.microsoft", version=1)
    refused(model, r"node 'the MatMul' \(MatMul\): domain is 'com.microsoft'; expected")
    model = small()
    model.functions.add(name="f", domain="mine")
    refused(model, "the file has the function 'f'; expected none")
    model = small()
    model.opset_import[0].version = 3
    refused(model, r"opset_import is \[3\]")


def test_operators_and_attributes_that_are_unknown() -> None:
    model = small()
    model.graph.node[5].op_type = "Sin"
    refused(model, r"node 'the Sigmoid' \(Sin\): it acts on the rows of a stream; expected one of")
    model = small()
    model.graph.node[5].op_type = "Sigmoyd"
    refused(model, "is not valid: .*Sigmoyd")
    model = small()
    model.graph.node[3].attribute.append(onnx.helper.make_attribute("hidden", 4))
    refused(model, "is not valid: .*hidden|attribute 'hidden' is unknown")


def test_a_loop() -> None:
    model = small()
    model.graph.node[0].input[0] = "y"
    refused(model, "is not valid|is given by nothing")


def test_arguments() -> None:
    model = small()
    refused(model, r"shapes has 'z'; expected inputs of the graph: 'x'", shapes={"z": (1,)})
    refused(model, "constants has 'z'", constants={"z": 1})
    refused(model, r"shapes\['x'\] is \(1, 6\); expected 3 numbers", shapes={"x": (1, 6)})
    refused(model, "one None at most", shapes={"x": (None, None, 6)})
    refused(model, "whole number", TypeError, shapes={"x": (1, None, 6.5)})
    refused(model, "output is 'z'; expected 'y'", output="z")
    refused(model, "input is 'z'; expected 'x'", input="z")
    refused(model, "6 values|has shape", shapes={"x": (1, None, 7)})
    refused(model, "its batch is 2", shapes={"x": (2, None, 6)})
    refused(model, "initial_h is 0 in each call", shapes={"x": (1, 1, 6)})


def test_a_time_axis_that_is_not_clear_is_not_guessed() -> None:
    data = graph([node("Tanh", "x", "y")], {"x": [1, 3, 5]}, "y")
    with pytest.raises(
        ValueError, match="does not say along which axis time goes; expected"
    ) as error:
        from_onnx(data)
    for way in str(error.value).split("shapes=")[1:]:
        shape = eval(way[way.index("(") : way.index(")") + 1])
        converted_width = width_of(from_onnx(data, shapes={"x": shape}))
        assert converted_width == np.prod([n for n in shape if n is not None])


def test_what_depends_on_the_length_is_refused() -> None:
    """Every row is multiplied by the number of rows."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s one", "n"),
        node("Cast", "n", "f", to=1),
        node("Mul", "x f", "y"),
    ]
    data = graph(nodes, {"x": ROWS}, "y", {"one": np.array(1)})
    refused(data, "the layers depend on how many frames a call of the graph has")


@pytest.mark.parametrize(("start", "end"), [(0, 100), (0, 1 << 20), (-5000, 1 << 40)])
def test_rows_that_end_at_a_number_are_refused(start: int, end: int) -> None:
    """Up to there all goes well."""
    weights = {"from": np.array([start]), "to": np.array([end]), "axis": np.array([1])}
    nodes = [node("Slice", "x from to axis", "s"), node("Tanh", "s", "y")]
    data = graph(nodes, {"x": ROWS}, "y", weights)
    refused(data, f"takes rows {start} to {end}; expected all of them, however many come")


def test_rows_up_to_a_number_are_refused() -> None:
    """The smaller one of 100 and the number of frames."""
    nodes = [
        node("Shape", "x", "s"),
        node("Slice", "s one two", "n"),
        node("Min", "n most", "to"),
        node("Slice", "x zero to one", "y"),
    ]
    numbers = {"zero": 0, "one": 1, "two": 2, "most": 100}
    weights = {name: np.array([n]) for name, n in numbers.items()}
    refused(graph(nodes, {"x": ROWS}, "y", weights), "output 'y' has a part of its rows")


def test_rows_behind_the_end_have_to_be_cut_off() -> None:
    nodes = [node("Conv", "x W", "y", pads=[2, 2])]
    data = graph(nodes, {"x": [1, 4, None]}, "y", {"W": drawn(6, 4, 3)})
    refused(data, r"output 'y' has rows behind the end .*; expected these cut off, as y\[")
    weights = {"W": drawn(6, 4, 3), "from": np.array([0]), "to": np.array([-2])}
    weights["axis"] = np.array([2])
    nodes = [node("Conv", "x W", "c", pads=[2, 2]), node("Slice", "c from to axis", "y")]
    converted(graph(nodes, {"x": [1, 4, None]}, "y", weights))


def test_memory_is_not_taken_before_it_is_counted() -> None:
    nodes = [node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")]
    data = graph(nodes, {"x": ROWS}, "y", {"s": np.array([1 << 20, 1 << 20])})
    refused(data, r"node 'the ConstantOfShape' .*the size of what it gives is about 1e\+12")


def test_what_is_nearly_a_norm_is_none() -> None:
    """The deviations are multiplied by the mean, or by those of other axes, instead of by
    themselves."""
    for other, axis, words in (("m", -1, "part of a norm"), ("c", -2, "over time|part of a norm")):
        nodes = [
            node("ReduceMean", "x", "m", axes=[-1]),
            node("Sub", "x m", "c"),
            node("Mul", f"c {other}", "s"),
            node("ReduceMean", "s", "v", axes=[axis]),
            node("Add", "v eps", "e"),
            node("Sqrt", "e", "d"),
            node("Div", "c d", "y"),
        ]
        refused(graph(nodes, {"x": ROWS}, "y", {"eps": np.float32(1e-3)}), words)


def test_large_results_are_refused() -> None:
    for nodes, weights in (
        ([node("Add", "x b", "y")], {"b": np.zeros((1 << 15, 1, 1), np.float32)}),
        (
            [node("OneHot", "i n v", "o"), node("Add", "x o", "y")],
            {
                "i": np.zeros(1 << 10, np.int64),
                "n": np.array([1 << 40]),
                "v": np.array([0, 1], np.float32),
            },
        ),
        (
            [node("MatMul", "a b", "m"), node("Add", "x m", "y")],
            {"a": np.zeros((1 << 15, 1), np.float32), "b": np.zeros((1, 1 << 15), np.float32)},
        ),
    ):
        data = graph(nodes, {"x": [1, None, 1000]}, "y", weights)
        refused(data, r"node 'the \w+' .*(values at most|size of what it gives is about)")


def test_types_that_an_operator_does_not_take() -> None:
    nodes = [node("Clip", "x low", "y")]
    data = graph(nodes, {"x": ROWS}, "y", {"low": np.float64(0.5)})
    refused(
        data, r"'the Clip' \(Clip\): input 1, 'low', is of float64; expected float32, as another"
    )
    nodes = [node("MatMul", "x W", "y")]
    data = graph(nodes, {"x": ROWS}, "y", {"W": drawn(6, 2) > 0})
    refused(data, r"input 1, 'W', is of bool; expected tensor\(")
    model = small()
    model.graph.input[0].type.tensor_type.elem_type = 23
    refused(model, "input 'x' is of the type FLOAT4E2M1; expected float32")
    model = small()
    model.graph.initializer[0].data_type = 17
    refused(model, "tensor 'M' is of the type FLOAT8E4M3FN; expected float32|is not valid")


def test_tensors_that_are_not_whole() -> None:
    for dims in ([6, 4], [6, -5], [1 << 40, 5]):
        model = small()
        model.graph.initializer[0].dims[:] = dims
        refused(model, r"tensor 'M' has shape .*; expected|is not valid")


def test_names_are_text() -> None:
    data = small().SerializeToString().replace(b"the MatMul", b"the Mat\xfful")
    refused(data, r"a name in the file is b'the Mat\\xfful'; expected text in UTF-8")


def test_weights_of_other_types() -> None:
    model = small()
    tensor = onnx.numpy_helper.from_array(drawn(6, 5).astype(np.float64), "M")
    model.graph.initializer[0].CopyFrom(tensor)
    refused(model, "'M', is of float64; expected float32|is not valid")
    model = small()
    bad = drawn(6, 5)
    bad[0, 0] = np.nan
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(bad, "M"))
    refused(model, "'M', holds NaN or infinity; expected numbers")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_mutations_are_refused_or_do_what_onnx_runtime_does(data: Any) -> None:
    """A tensor is renamed, swapped, transposed, missing or surplus; a name of a node's changes."""
    model = small()
    tensors, nodes = model.graph.initializer, model.graph.node
    first, second = (data.draw(st.integers(0, len(tensors) - 1)) for _ in range(2))
    place = data.draw(st.integers(0, len(nodes) - 1))
    change = data.draw(st.sampled_from(["rename", "swap", "turn", "remove", "rewire", "drop"]))
    if change == "rename":
        tensors[first].name += "x"
    elif change == "swap":
        tensors[first].name, tensors[second].name = tensors[second].name, tensors[first].name
    elif change == "turn":
        turned = np.swapaxes(onnx.numpy_helper.to_array(tensors[first]).copy(), 0, -1)
        tensors[first].CopyFrom(
            onnx.numpy_helper.from_array(np.ascontiguousarray(turned), tensors[first].name)
        )
    elif change == "remove":
        del tensors[first]
    elif change == "rewire":
        spot = data.draw(st.integers(0, len(nodes[place].input) - 1))
        names = [n for one in nodes for n in [*one.input, *one.output]]
        nodes[place].input[spot] = data.draw(st.sampled_from(names))
    else:
        del nodes[place]
    try:
        found = from_onnx(model.SerializeToString())
    except ValueError:
        return
    assert found.run_source is not None
    x = drawn(20, width_of(found), seed=5)
    y = streamed(pylstm.Model(None, found.layers), x)
    np.testing.assert_allclose(y, found.run_source(x), rtol=0, atol=1e-5)
