"""States of ONNX graphs that no recurrent operator has: cells that are written out, and the last
rows of a convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pylstm.convert import from_onnx
from tests.convert.onnx_graphs import converted, drawn, graph, node

SIZE, INPUTS = 5, 7
STATE = [1, SIZE]


def lstm_nodes(joined: bool = False) -> list[Any]:
    """Gates in the order i, f, g, o. Joined: one matrix for what goes in and for h."""
    if joined:
        first = [node("Concat", "x h", "xh", axis=1), node("MatMul", "xh WU", "s")]
    else:
        first = [node("MatMul", "x W", "p"), node("MatMul", "h U", "q"), node("Add", "p q", "s")]
    return [
        *first,
        node("Add", "s b", "gates"),
        node("Split", "gates", "i f g o", axis=1),
        *(node("Sigmoid", gate, f"s{gate}") for gate in "ifo"),
        node("Tanh", "g", "tg"),
        node("Mul", "sf c", "kept"),
        node("Mul", "tg si", "new"),
        node("Add", "kept new", "cn"),
        node("Tanh", "cn", "tc"),
        node("Mul", "so tc", "hn"),
        node("MatMul", "hn V", "y"),
    ]


def lstm_file(joined: bool = False, outputs: str = "y hn cn") -> bytes:
    w, u = drawn(INPUTS, 4 * SIZE), drawn(SIZE, 4 * SIZE)
    weights = {"b": drawn(4 * SIZE), "V": drawn(SIZE, 2)}
    weights |= {"WU": np.concatenate([w, u])} if joined else {"W": w, "U": u}
    inputs = {"x": [1, INPUTS], "h": STATE, "c": STATE}
    return graph(lstm_nodes(joined), inputs, outputs, weights, opset=13)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("joined", [False, True])
def test_an_lstm_cell(joined: bool) -> None:
    found = converted(lstm_file(joined))
    assert [layer.kind for layer, *_ in found.layers.values()] == ["lstm", "dense"]


def gru_file(reset_after: bool, mixed: str, candidate: str = "Tanh") -> bytes:
    """Gates r, z, n. `mixed` says how z mixes h and n."""
    nodes = [
        node("Gemm", "x W bw", "p", transB=1),
        node("Split", "p", "pr pz pn", axis=1),
        node("Gemm", "h U bu", "q", transB=1),
        node("Split", "q", "qr qz qn", axis=1),
        node("Add", "pr qr", "sr"),
        node("Sigmoid", "sr", "r"),
        node("Add", "qz pz", "sz"),
        node("Sigmoid", "sz", "z"),
    ]
    if reset_after:
        nodes.append(node("Mul", "r qn", "rq"))
    else:
        nodes += [
            node("Mul", "h r", "rh"),
            node("MatMul", "rh Un", "rn"),
            node("Add", "rn bn", "rq"),
        ]
    nodes += [node("Add", "pn rq", "sn"), node(candidate, "sn", "n")]
    if mixed == "difference":
        nodes += [node("Sub", "h n", "d"), node("Mul", "d z", "dz"), node("Add", "dz n", "hn")]
    else:
        nodes += [
            node("Sub", "one z", "rest"),
            node("Mul", "rest n", "a"),
            node("Mul", "z h", "k"),
            node("Add", "a k" if mixed == "sum" else "k a", "hn"),
        ]
    nodes.append(node("Tanh", "hn", "y"))
    weights = {
        "W": drawn(3 * SIZE, INPUTS),
        "U": drawn(3 * SIZE, SIZE),
        "bw": drawn(3 * SIZE),
        "bu": drawn(3 * SIZE, seed=1),
        "Un": drawn(SIZE, SIZE),
        "bn": drawn(SIZE),
        "one": np.array(1, np.float32),
    }
    return graph(nodes, {"x": [1, INPUTS], "h": STATE}, "y hn", weights, opset=13)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("mixed", ["difference", "sum", "turned"])
@pytest.mark.parametrize("reset_after", [True, False])
def test_a_gru_cell(reset_after: bool, mixed: str) -> None:
    found = converted(gru_file(reset_after, mixed))
    (gru, *_), (tanh, *_) = found.layers.values()
    assert (gru.kind, gru.reset_after, tanh.function) == ("gru", reset_after, "tanh")
    assert (
        next(iter(from_onnx(gru_file(True, mixed, "Relu")).layers.values()))[0].candidate == "relu"
    )


def rnn_file(kind: str, form: str) -> bytes:
    """h' = kind(W x + U h + b), the sum in one of several forms; h' comes back in another shape."""
    weights = {
        "W": drawn(INPUTS, SIZE),
        "U": drawn(SIZE, SIZE),
        "b": drawn(SIZE),
        "V": drawn(SIZE, 2),
        "WU": drawn(INPUTS + SIZE, SIZE),
        "zero": np.array([0]),
    }
    nodes = [node("Squeeze", "h3 zero", "h")]
    if form == "gemm":
        nodes += [node("Gemm", "x W b", "p"), node("Gemm", "h U", "q"), node("Add", "q p", "s")]
    elif form == "joined":
        nodes += [node("Concat", "x h", "xh", axis=1), node("Gemm", "xh WU b", "s")]
    else:
        nodes += [node("MatMul", "x W", "p"), node("MatMul", "h U", "q"), node("Add", "p q", "r")]
        nodes.append(node("Add", "b r", "s"))
    nodes += [node(kind, "s", "n"), node("Unsqueeze", "n zero", "hn"), node("MatMul", "n V", "y")]
    used = {name for one in nodes for name in one.input}
    weights = {name: w for name, w in weights.items() if name in used}
    return graph(nodes, {"x": [1, INPUTS], "h3": [1, 1, SIZE]}, "y hn", weights, opset=13)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("form", ["gemm", "joined", "matmul"])
@pytest.mark.parametrize("kind", ["Tanh", "Relu"])
def test_an_rnn_cell(kind: str, form: str) -> None:
    found = converted(rnn_file(kind, form), tolerance=1e-4 if kind == "Relu" else 1e-5)
    (rnn, *_), (dense, *_) = found.layers.values()
    assert (rnn.kind, rnn.nonlinearity, dense.kind) == ("rnn", kind.lower(), "dense")


def test_a_cell_whose_candidate_the_graph_gives_out_is_no_rnn() -> None:
    """A graph that shows the candidate of an LSTM needs more than the cell."""
    pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")
    from onnx import ModelProto, TensorProto, helper

    model = ModelProto.FromString(lstm_file())
    model.graph.output.append(helper.make_tensor_value_info("tg", TensorProto.FLOAT, None))
    with pytest.raises(ValueError, match=r"no cell|no output brings back|stands for two states"):
        from_onnx(model.SerializeToString())


def test_states_that_come_back_as_something_else() -> None:
    for outputs in ("y hn", "y cn", "y hn hn2"):
        data = lstm_file(outputs=outputs.replace(" hn2", ""))
        with pytest.raises(ValueError, match="is a state that no output"):
            from_onnx(data)
    from onnx import ModelProto

    model = ModelProto.FromString(lstm_file())
    places = {one.output[0]: one for one in model.graph.node}
    places["kept"].input[0], places["new"].input[1] = "si", "sf"
    converted(model.SerializeToString())  # names mean nothing: i and f change places
    places["kept"].input[1] = "h"
    with pytest.raises(ValueError, match=r"stands for two states|no output brings back|no cell"):
        from_onnx(model.SerializeToString())


def test_a_cell_that_is_none() -> None:
    """c is not what tanh takes, but its opposite."""
    pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")
    from onnx import ModelProto

    model = ModelProto.FromString(lstm_file())
    place = next(k for k, one in enumerate(model.graph.node) if one.output[0] == "tc")
    model.graph.node[place].op_type = "Sigmoid"
    with pytest.raises(ValueError, match="comes from a state by operators that are no cell"):
        from_onnx(model.SerializeToString())


def conv_file(
    rows: Any, kernel: int = 4, kept: int = 3, dilation: int = 1, **settings: Any
) -> bytes:
    nodes = [
        node("Concat", "past x", "z", axis=2),
        node("Conv", "z W", "c", dilations=[dilation], **settings),
        node("Relu", "c", "y"),
        node("Slice", "z from to axis", "now"),
    ]
    weights = {
        "W": drawn(6, 3, kernel),
        "from": np.array([-kept]),
        "to": np.array([1 << 40]),
        "axis": np.array([2]),
    }
    return graph(nodes, {"x": [1, 3, rows], "past": [1, 3, kept]}, "y now", weights)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("rows", [1, "time"])
@pytest.mark.parametrize("dilation", [1, 2])
def test_a_convolution_that_carries_its_last_rows(rows: Any, dilation: int) -> None:
    """One row in each call, and many: a causal convolution."""
    shapes = {"x": (1, 3, 1)} if rows == 1 else {}
    found = converted(conv_file(rows, kept=3 * dilation, dilation=dilation), shapes=shapes)
    ((layer, *_),) = found.layers.values()
    assert (layer.kind, layer.padding) == ("conv", (3 * dilation, 0))


def test_other_rows_than_the_last_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2 rows of a state and pads .* expected 3 rows, as its"):
        from_onnx(conv_file("time", kept=2))
    with pytest.raises(ValueError, match="with a stride of 2 stand around its rows"):
        from_onnx(conv_file("time", strides=[2]))
    from onnx import ModelProto, numpy_helper

    model = ModelProto.FromString(conv_file("time"))
    for tensor in model.graph.initializer:
        if tensor.name == "to":
            tensor.CopyFrom(numpy_helper.from_array(np.array([-1]), "to"))
        if tensor.name == "from":
            tensor.CopyFrom(numpy_helper.from_array(np.array([-4]), "from"))
    with pytest.raises(ValueError, match="input 'past' is a state that no output"):
        from_onnx(model.SerializeToString())


def test_a_state_that_changes_nothing() -> None:
    nodes = [node("Tanh", "x", "y"), node("Identity", "h", "hn")]
    found = converted(graph(nodes, {"x": [1, "time", 7], "h": STATE}, "y hn"))
    assert any("h changes nothing" in note for note in found.notes)
