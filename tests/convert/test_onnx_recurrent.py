"""LSTM, GRU and RNN of ONNX with every attribute: as ONNX Runtime computes them, or refused."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert import from_onnx
from tests.convert.onnx_graphs import converted, drawn, graph, node

Array = NDArray[Any]

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
SIZES = [(1, 2), (7, 5), (40, 64)]


def cell(
    kind: str,
    sizes: tuple[int, int] = (7, 5),
    *,
    bias: bool = True,
    peepholes: bool = False,
    begins: dict[str, Any] | None = None,
    x: Any = (None, 1),
    outputs: str = "Y",
    lengths: bool = False,
    scale: float = 0.5,
    **attributes: Any,
) -> bytes:
    """A file of one operator. `begins` has constants, or None for inputs of the graph."""
    n_inputs, hidden_size = sizes
    rows = GATES[kind] * hidden_size
    n = 2 if attributes.get("direction") == "bidirectional" else 1
    weights = {
        "W": drawn(n, rows, n_inputs, scale=scale),
        "R": drawn(n, rows, hidden_size, scale=scale),
        "B": drawn(n, 2 * rows, scale=scale),
        "P": drawn(n, 3 * hidden_size, scale=scale),
    }
    begins = begins or {}
    names = ["X", "W", "R", "B" if bias else "_", "lengths" if lengths else "_"]
    names += [name if name in begins else "_" for name in ("initial_h", "initial_c")]
    names = names[: 7 if kind == "LSTM" else 6] + ["P"] * peepholes
    while names[-1] == "_":
        names.pop()
    inputs = {"X": [*x, n_inputs]}
    for name, value in begins.items():
        if value is None:
            inputs[name] = [n, 1, hidden_size]
        else:
            weights[name] = value
    weights = {name: w for name, w in weights.items() if name in names}
    made = node(kind, " ".join(names), outputs, hidden_size=hidden_size, **attributes)
    shown = " ".join(name for name in outputs.split() if name != "_")
    return graph([made], inputs, shown, weights, ints={"lengths": [1]} if lengths else {})


HARD_LSTM = ["HardSigmoid", "Tanh", "Tanh"]


def numbers(alpha: float, beta: float | None = None) -> dict[str, Any]:
    """The attributes with the slope and the offset of a HardSigmoid."""
    found: dict[str, Any] = {"activation_alpha": [alpha]}
    return found if beta is None else found | {"activation_beta": [beta]}


OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("LSTM", {}),
    "lstm without bias": ("LSTM", {"bias": False}),
    "lstm with peepholes": ("LSTM", {"peepholes": True}),
    "lstm with input_forget": ("LSTM", {"input_forget": 1}),
    "lstm with both": ("LSTM", {"input_forget": 1, "peepholes": True}),
    "lstm with activations": ("LSTM", {"activations": ["sigmoid", "Tanh", "tanh"]}),
    "lstm with hard gates": ("LSTM", {"activations": HARD_LSTM, **numbers(0.2, 0.5)}),
    "lstm with steep gates": (
        "LSTM",
        {"activations": HARD_LSTM, "peepholes": True, **numbers(0.7)},
    ),
    "lstm with hard gates, coupled": ("LSTM", {"activations": HARD_LSTM, "input_forget": 1}),
    "gru": ("GRU", {}),
    "gru without bias": ("GRU", {"bias": False, "linear_before_reset": 1}),
    "gru, reset after": ("GRU", {"linear_before_reset": 1}),
    "gru with relu": ("GRU", {"activations": ["Sigmoid", "Relu"], "scale": 0.1}),
    "gru with hard gates": ("GRU", {"activations": ["hardsigmoid", "Tanh"], **numbers(1 / 6)}),
    "gru with hard gates, reset after": (
        "GRU",
        {"activations": ["HardSigmoid", "Tanh"], "linear_before_reset": 1, **numbers(0.7, 0.5)},
    ),
    "gru with hard gates and relu": (
        "GRU",
        {"activations": ["HardSigmoid", "Relu"], "scale": 0.1, **numbers(0.2, 0.5)},
    ),
    "rnn": ("RNN", {}),
    "rnn without bias": ("RNN", {"bias": False}),
    "rnn with relu": ("RNN", {"activations": ["Relu"], "scale": 0.1}),
}


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_every_option(name: str, sizes: tuple[int, int]) -> None:
    kind, options = OPTIONS[name]
    scale = options.get("scale", 0.5 if sizes[1] < 64 else 0.1)
    found = converted(cell(kind, sizes, **{**options, "scale": scale}))
    (layer,) = [one for one, *_ in found.layers.values()]
    assert isinstance(layer, getattr(pylstm, kind))


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("kind", GATES)
def test_the_state_is_an_input_and_an_output(kind: str) -> None:
    """Of one step in each call, and of as many as there are."""
    parts = ("h", "c") if kind == "LSTM" else ("h",)
    begins: dict[str, Any] = {f"initial_{part}": None for part in parts}
    outputs = " ".join(["Y", *(f"Y_{part}" for part in parts)])
    for x in ((1, 1), (None, 1)):
        converted(cell(kind, begins=begins, outputs=outputs, x=x))


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("kind", GATES)
def test_zeros_to_begin_with_and_lengths(kind: str) -> None:
    found = converted(
        cell(kind, begins={"initial_h": np.zeros((1, 1, 5), np.float32)}, lengths=True)
    )
    assert "lengths has the lengths of sequences" in found.notes[0]


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("kind", GATES)
def test_the_last_row_alone(kind: str) -> None:
    """A stream gives the row of each frame as if it were the last."""
    found = converted(cell(kind, outputs="_ Y_h"), n=12)
    assert any("last row alone" in note for note in found.notes)


@pytest.mark.law_framework_exact
def test_states_at_the_end_are_left_out() -> None:
    found = converted(cell("LSTM", outputs="Y Y_h Y_c"))
    assert any("Y_c is a state at the end" in note for note in found.notes)


def test_layout_puts_the_batch_first() -> None:
    """ONNX Runtime does not run it; the weights are those of the other layout."""
    data = cell("LSTM", x=(1, None), layout=1)
    assert from_onnx(data).layers == from_onnx(cell("LSTM")).layers


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("clip", [0.3, 2.0])
def test_clip(clip: float) -> None:
    """With large weights, so that memories grow beyond it."""
    converted(cell("LSTM", clip=clip, scale=2.0), tolerance=1e-5)


DIRECTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("LSTM", {}),
    "lstm with options": ("LSTM", {"input_forget": 1, "peepholes": True, "clip": 2.0}),
    "lstm with states": ("LSTM", {"outputs": "Y Y_h Y_c", "bias": False}),
    "gru": ("GRU", {"linear_before_reset": 1}),
    "gru of a length": ("GRU", {"lengths": True}),
    "rnn": ("RNN", {}),
}


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
@pytest.mark.parametrize("name", DIRECTIONS)
def test_other_directions_over_whole_sequences(name: str, direction: str) -> None:
    """No stream runs them, `forward` does."""
    kind, options = DIRECTIONS[name]
    found = from_onnx(cell(kind, direction=direction, **options))
    assert any("runs over whole sequences (forward)" in note for note in found.notes)
    assert found.run_source is not None
    x = drawn(23, 7, scale=1.0)
    y = whole_rows(found.layers, x)
    np.testing.assert_allclose(y, found.run_source(x), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="a stream cannot hear the future"):
        pylstm.Model(None, found.layers)


def whole_rows(layers: Any, x: Array) -> Array:
    """The rows of a chain over a whole sequence."""
    for layer, *_ in layers.values():
        x, _ = layer.forward(x)
    return x


@pytest.mark.law_framework_exact
def test_activations_of_both_directions() -> None:
    functions = ["Sigmoid", "Relu"] * 2
    found: Any = from_onnx(cell("GRU", direction="bidirectional", activations=functions))
    ((gru, _),) = found.layers.values()
    assert gru.candidate == "relu"
    x = drawn(9, 7)
    np.testing.assert_allclose(whole_rows(found.layers, x), found.run_source(x), rtol=0, atol=1e-5)


def test_the_last_row_of_both_directions_is_refused() -> None:
    """In front of it stand frames, behind it none: a row for each frame would be another one."""
    made = cell("RNN", direction="bidirectional")
    model = pytest.importorskip("onnx").ModelProto.FromString(made)
    model.graph.node.append(node("Gather", "Y last", "y", axis=0))
    tensor = pytest.importorskip("onnx").numpy_helper.from_array(np.array(-1), "last")
    model.graph.initializer.append(tensor)
    model.graph.output[0].name = "y"
    with pytest.raises(ValueError, match="last row of layers in both directions; expected all"):
        from_onnx(model.SerializeToString())


ONES = np.ones((1, 1, 5), np.float32)
SIGNS = ["Sigmoid", "Tanh", "Tanh"]

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("GRU", {"direction": "backwards"}, "direction is 'backwards'; expected 'forward' or"),
    ("LSTM", {"direction": "reverse", "x": (1, 1)}, "direction is 'reverse', and a call has one"),
    (
        "RNN",
        {"direction": "bidirectional", "begins": {"initial_h": None}, "outputs": "Y Y_h"},
        "initial_h comes from outside for direction 'bidirectional'; expected zeros",
    ),
    (
        "RNN",
        {"direction": "bidirectional", "activations": ["Tanh", "Relu"]},
        r"activations is \['Tanh', 'Relu'\]; expected",
    ),
    (
        "LSTM",
        {"activations": ["LeakyRelu", "Tanh", "Tanh"], "activation_alpha": [0.2]},
        "with activation_alpha .*; expected",
    ),
    (
        "LSTM",
        {"activations": HARD_LSTM, **numbers(0.2, 0.4)},
        r"activation_beta is \[0.4\]; expected \[0.5\]",
    ),
    ("GRU", {"activations": ["HardSigmoid", "Tanh"], **numbers(-0.2)}, r"alpha is \[-0.2\]; expec"),
    ("GRU", {"activations": ["HardSigmoid", "Tanh"], **numbers(0.0)}, "a slope above 0"),
    (
        "LSTM",
        {"activations": HARD_LSTM, "activation_alpha": [0.2, 0.3]},
        "activation_alpha is .*; expected one number",
    ),
    ("LSTM", {"activations": ["Sigmoid", "HardSigmoid", "Tanh"]}, "activations is .*; expected"),
    ("GRU", {"activations": ["HardSigmoid", "Sigmoid"]}, "activations is .*; expected"),
    (
        "LSTM",
        {"activations": ["Relu", "Tanh", "Tanh"]},
        r"activations is \['Relu', 'Tanh', 'Tanh'\]",
    ),
    (
        "LSTM",
        {"activations": SIGNS, "activation_alpha": [1.0]},
        "activation_alpha is .*; expected none",
    ),
    (
        "LSTM",
        {"activations": SIGNS, "activation_beta": [1.0]},
        "activation_beta is .*; expected none",
    ),
    ("LSTM", {"clip": -1.0}, "clip is -1; expected a number above 0"),
    ("GRU", {"clip": 1.0}, "clip is 1; expected none"),
    ("RNN", {"clip": 1.0}, "clip is 1; expected none"),
    ("RNN", {"activations": ["Sigmoid"]}, r"activations is \['Sigmoid'\]; expected"),
    ("LSTM", {"input_forget": 2}, "input_forget is 2; expected 0 or 1"),
    ("GRU", {"linear_before_reset": 3}, "linear_before_reset is 3; expected 0 or 1"),
    ("LSTM", {"layout": 2}, "layout is 2; expected 0 or 1"),
    ("LSTM", {"begins": {"initial_h": ONES}}, "initial_h is a constant that is not 0"),
    ("LSTM", {"begins": {"initial_c": ONES}}, "initial_c is a constant that is not 0"),
    ("LSTM", {"begins": {"initial_h": None}}, "no output brings back; expected an output"),
    ("LSTM", {"x": (None, 3)}, "its batch is 3, axis 1; expected 1"),
]


@pytest.mark.parametrize(("kind", "options", "words"), REFUSED)
def test_what_cannot_be_expressed(kind: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        from_onnx(cell(kind, **options))
    if "begins" not in options or "constant" in words:
        assert f"node 'the {kind}' ({kind}): " in str(refusal.value)


def test_hidden_size_has_to_be_that_of_the_weights() -> None:
    data = cell("LSTM").replace(b"hidden_size\x18\x05", b"hidden_size\x18\x06")
    with pytest.raises(ValueError, match="hidden_size is 6; expected 5"):
        from_onnx(data)


def test_a_step_that_forgets_is_refused() -> None:
    with pytest.raises(
        ValueError, match="initial_h is 0 in each call, which has one row; expected"
    ):
        from_onnx(cell("GRU", x=(1, 1)), shapes={"X": (1, 1, 7)})


def test_states_that_are_swapped_are_refused() -> None:
    """h comes back where c was."""
    pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")
    from onnx import ModelProto

    begins: dict[str, Any] = {"initial_h": None, "initial_c": None}
    model = ModelProto.FromString(cell("LSTM", begins=begins, outputs="Y Y_h Y_c", x=(1, 1)))
    lstm = model.graph.node[0]
    lstm.output[1], lstm.output[2] = lstm.output[2], lstm.output[1]
    converted(model.SerializeToString())  # the names of outputs mean nothing
    del model.graph.output[2:]
    with pytest.raises(ValueError, match="'initial_h' is a state that no output"):
        from_onnx(model.SerializeToString())


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(
    ("kinds", "opset"), list(itertools.product([("LSTM", "GRU"), ("RNN", "LSTM")], [9, 14, 21]))
)
def test_two_on_top_of_each_other(kinds: tuple[str, str], opset: int) -> None:
    """As PyTorch exports them: Squeeze, and Transpose where the batch comes first."""
    weights, nodes = {}, [node("Transpose", "X", "t", perm=[1, 0, 2])]
    before, width = "t", 7
    for place, kind in enumerate(kinds):
        rows = 5 * GATES[kind]
        weights |= {
            f"W{place}": drawn(1, rows, width),
            f"R{place}": drawn(1, rows, 5),
            f"B{place}": drawn(1, 2 * rows),
        }
        nodes.append(node(kind, f"{before} W{place} R{place} B{place}", f"y{place}", hidden_size=5))
        if opset < 13:
            nodes.append(node("Squeeze", f"y{place}", f"s{place}", axes=[1]))
        else:
            weights["one"] = np.array([1])
            nodes.append(node("Squeeze", f"y{place} one", f"s{place}"))
        before, width = f"s{place}", 5
    nodes.append(node("Transpose", before, "out", perm=[1, 0, 2]))
    converted(graph(nodes, {"X": [1, "time", 7]}, "out", weights, opset))
