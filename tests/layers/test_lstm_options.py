"""LSTMs with projections, peepholes, coupled gates, limits and layer normalisation: against
PyTorch, ONNX Runtime and formulas, with every kernel that this processor runs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.reference.layers import LAYERS as REFERENCES
from tests.instruction_sets import ISAS
from tests.layers_in_torch import torch_recurrent
from tests.lstm_formulas import formula_forward, formula_module

Array = NDArray[Any]

# Law 2, over 1,000 steps; what is aimed at is a tenth of it.
TOLERANCE = 1e-5
AIM = 1e-6

# Input, hidden and projected size: nothing but tails, tails of different lengths, whole blocks.
SIZES = [(1, 2, 1), (17, 33, 20), (40, 128, 64)]

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "peepholes": {"peepholes": True},
    "coupled": {"coupled": True},
    "coupled_peepholes": {"coupled": True, "peepholes": True},
    "cell_clip": {"cell_clip": 0.25},
    "gate_clip": {"gate_clip": 0.75},
    "peepholes_in_limits": {"peepholes": True, "gate_clip": 1.0, "cell_clip": 0.5},
    "layer_norm": {"layer_norm": True},
    "layer_norm_coupled_peepholes": {"layer_norm": True, "coupled": True, "peepholes": True},
}

every_option = pytest.mark.parametrize("options", OPTIONS)
every_size = pytest.mark.parametrize("sizes", SIZES, ids=str)


def frames(count: int, width: int) -> Array:
    return np.random.default_rng(count).standard_normal((count, width), np.float32)


def layer_of(
    sizes: tuple[int, int, int],
    options: str,
    projected: bool,
    num_layers: int = 2,
    bias: bool = True,
) -> pylstm.LSTM:
    """With gains of 0.4: layers of random weights and gains of 1 are chaotic."""
    input_size, hidden_size, proj_size = sizes
    layer = pylstm.LSTM(
        input_size,
        hidden_size,
        num_layers,
        bias,
        proj_size=proj_size if projected else 0,
        seed=hidden_size,
        **OPTIONS[options],
    )
    for name, values in layer.weights.items():
        if name.startswith("gain_"):
            values *= np.float32(0.4)
        elif name.startswith("peephole_"):
            values *= 4  # so that the memory counts
    return layer


def streamed(layer: pylstm.LSTM, x: Array) -> Array:
    return pylstm.Model(None, [layer]).stream().push_frames(x)


def from_reference(layer: pylstm.LSTM, x: Array) -> Array:
    return REFERENCES["lstm"](x, {**layer._arguments(), "weights": layer.weights})[0]


# --- oracles --------------------------------------------------------------------------------------


@pytest.fixture
def torch() -> Any:
    module = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    module.set_num_threads(1)
    return module


# oneDNN has no projections, and PyTorch says that it takes another way.
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.law_framework_exact
@every_size
@pytest.mark.parametrize("bias", [True, False])
def test_projections_are_those_of_torch(
    isa: str, torch: Any, sizes: tuple[int, int, int], bias: bool
) -> None:
    layer, x = layer_of(sizes, "plain", True, bias=bias), frames(1000, sizes[0])
    with torch.no_grad():
        expected = torch_recurrent(layer)(torch.from_numpy(x))[0].numpy()
    np.testing.assert_allclose(streamed(layer, x), expected, rtol=0, atol=AIM)


@pytest.mark.law_framework_exact
@every_size
@every_option
@pytest.mark.parametrize("projected", [False, True])
def test_formulas_in_torch(
    monkeypatch: pytest.MonkeyPatch,
    torch: Any,
    sizes: tuple[int, int, int],
    options: str,
    projected: bool,
) -> None:
    layer, x = layer_of(sizes, options, projected, num_layers=1), frames(1000, sizes[0])
    exact, in_float32 = (formula(torch, layer, x, dtype) for dtype in (np.float64, np.float32))
    compare_all(monkeypatch, layer, x, exact, float(np.abs(in_float32 - exact).max()))


def formula(torch: Any, layer: pylstm.LSTM, x: Array, dtype: Any) -> Array:
    tensor = torch.from_numpy(x[:, None].astype(dtype))
    module = formula_module(layer).to(tensor.dtype)
    state = [
        torch.zeros(n, 1, width, dtype=tensor.dtype) for n, width in layer.state_shapes.values()
    ]
    with torch.no_grad():
        y, _ = formula_forward(module, layer, tensor, np.array([len(x)]), state)
    found: Array = y[:, 0].numpy()
    return found


def compare_all(
    monkeypatch: pytest.MonkeyPatch,
    layer: pylstm.LSTM,
    x: Array,
    expected: Array,
    rounding: float = 0.0,
) -> None:
    """Every instruction set, beside an oracle that takes long.

    Where two memories come near each other, normalising them multiplies a difference by up to
    1 / sqrt(1e-5): `rounding` is what is left of PyTorch's own float32, and twice that is allowed.
    """
    for isa in ISAS:
        monkeypatch.setenv("PYLSTM_ISA", isa)
        tolerance = max(TOLERANCE, 2 * rounding) if layer.layer_norm else AIM
        np.testing.assert_allclose(
            streamed(layer, x), expected, rtol=0, atol=tolerance, err_msg=isa
        )


@pytest.mark.law_framework_exact
@every_size
@every_option
@pytest.mark.parametrize("projected", [False, True])
def test_the_reference_says_the_same(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int, int], options: str, projected: bool
) -> None:
    layer, x = layer_of(sizes, options, projected, num_layers=3), frames(100, sizes[0])
    compare_all(monkeypatch, layer, x, from_reference(layer, x))


def onnx_lstm(layer: pylstm.LSTM) -> bytes:
    """The layer as a model of one LSTM node, whose gates stand in the order i, o, f, c."""
    from onnx import TensorProto, helper, numpy_helper

    hidden_size = layer.hidden_size

    def turned(name: str) -> Array:
        parts = layer.weights[name].reshape(-1, hidden_size, *layer.weights[name].shape[1:])
        if layer.coupled:  # ONNX has rows for f, which nobody reads
            i, g, o = parts
            f = np.full_like(i, 7)
        else:
            i, f, g, o = parts
        return np.concatenate([i, o, f, g])

    weights = {
        "W": turned("weight_ih_l0"),
        "R": turned("weight_hh_l0"),
        "B": np.concatenate([turned("bias_ih_l0"), turned("bias_hh_l0")]),
    }
    if layer.peepholes:
        i, o = (layer.weights[f"peephole_{gate}_l0"] for gate in "io")
        f = np.full_like(i, 7) if layer.coupled else layer.weights["peephole_f_l0"]
        weights["P"] = np.concatenate([i, o, f])
    settings: dict[str, Any] = {"hidden_size": hidden_size, "input_forget": int(layer.coupled)}
    if layer.gate_clip:
        settings["clip"] = layer.gate_clip
    inputs = ["X", "W", "R", "B", "", "", "", "P"][: 8 if layer.peepholes else 4]
    node = helper.make_node("LSTM", inputs, ["Y"], **settings)
    graph = helper.make_graph(
        [node],
        "lstm",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 1, layer.input_size])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(w[None], name) for name, w in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.mark.law_framework_exact
@every_size
@pytest.mark.parametrize(
    "options", ["plain", "peepholes", "coupled", "coupled_peepholes", "gate_clip"]
)
def test_onnx_runtime(isa: str, sizes: tuple[int, int, int], options: str) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="an oracle: pip install onnxruntime onnx")
    pytest.importorskip("onnx", reason="an oracle's format: pip install onnxruntime onnx")
    layer, x = layer_of(sizes, options, False, num_layers=1), frames(1000, sizes[0])
    session = runtime.InferenceSession(onnx_lstm(layer), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"X": x[:, None]})
    np.testing.assert_allclose(streamed(layer, x), y[:, 0, 0], rtol=0, atol=TOLERANCE)


# --- all kernels, all precisions ------------------------------------------------------------------

COMBINATIONS = [
    {"peepholes": peepholes, "coupled": coupled, "layer_norm": norm, **clips}
    for peepholes, coupled, norm in itertools.product([False, True], repeat=3)
    for clips in ({}, {"gate_clip": 1.0, "cell_clip": 0.5})
]


@pytest.mark.parametrize("precision", pylstm.layers.PRECISIONS)
@pytest.mark.parametrize("proj_size", [0, 20])
def test_fused_kernels_agree_to_the_bit(
    precision: str, proj_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = frames(60, 17)
    for options in COMBINATIONS:
        layer = pylstm.LSTM(17, 33, 2, proj_size=proj_size, seed=1, **options)
        layer = layer if precision == "float32" else layer.quantize(precision)
        rows = {}
        for isa in ISAS:
            monkeypatch.setenv("PYLSTM_ISA", isa)
            rows[isa] = streamed(layer, x)
        fused = [y.tobytes() for isa, y in rows.items() if isa != "scalar"]
        assert len(set(fused)) <= 1, options
        assert all(np.isfinite(y).all() for y in rows.values())


@pytest.mark.law_chunk
@pytest.mark.parametrize("precision", pylstm.layers.PRECISIONS)
@pytest.mark.parametrize("proj_size", [0, 7])
def test_any_cut_and_any_company_give_the_same_bits(
    isa: str, precision: str, proj_size: int
) -> None:
    x = frames(60, 5)
    for options in COMBINATIONS:
        layer = pylstm.LSTM(5, 19, 2, proj_size=proj_size, seed=1, **options)
        layer = layer if precision == "float32" else layer.quantize(precision)
        model = pylstm.Model(None, [layer])
        whole, stream = model.stream().push_frames(x), model.stream()
        parts = [stream.push_frames(part) for part in np.split(x, [1, 2, 5, 17, 18, 43])]
        assert np.concatenate(parts).tobytes() == whole.tobytes(), options
        pool = model.streams(9)
        for t in range(3):
            for rows in pool.push_frames({slot: x[t : t + 1] for slot in range(9)}).values():
                assert rows.tobytes() == whole[t : t + 1].tobytes(), options
        pool = model.streams(9)
        for slot, rows in pool.push_frames({slot: x[: 3 * slot] for slot in range(9)}).items():
            assert rows.tobytes() == whole[: 3 * slot].tobytes(), options


def test_bytes_follow_a_projection_that_is_larger_than_one() -> None:
    """Without the scale of its own, h would be cut off at 1."""
    layer = pylstm.LSTM(3, 16, proj_size=8, seed=1)
    layer.weights["weight_hr_l0"] *= 60
    layer.weights["weight_hh_l0"] *= np.float32(0.02)
    x = frames(50, 3)
    exact = streamed(layer, x)
    assert np.abs(exact).max() > 5
    error = np.abs(streamed(layer.quantize("int8"), x) - exact).max()
    assert error < 0.05 * np.abs(exact).max()


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("precision", pylstm.layers.PRECISIONS)
def test_a_state_stays_finite(isa: str, precision: str) -> None:
    """Weights, inputs and memories at the end of what a float holds."""
    for options, proj_size in itertools.product(COMBINATIONS, [0, 7]):
        layer = pylstm.LSTM(5, 19, 2, proj_size=proj_size, seed=1, **options)
        for values in layer.weights.values():
            values[...] = np.copysign(np.float32(3e38), values)
        layer = layer if precision == "float32" else layer.quantize(precision)
        stream = pylstm.Model(None, [layer]).stream()
        stream.state = [tuple(np.full_like(part, 3e38) for part in cell) for cell in stream.state]
        for scale in (1e-38, 1, 3e37):
            assert np.isfinite(stream.push_frames(frames(20, 5) * np.float32(scale))).all()
            assert all(np.isfinite(part).all() for cell in stream.state for part in cell)


# --- settings, files, traces ----------------------------------------------------------------------


def test_a_limit_is_kept() -> None:
    layer = pylstm.LSTM(4, 16, cell_clip=0.25, gate_clip=0.5, seed=1)
    (gates,) = layer.trace(3 * frames(100, 4))
    assert np.abs(gates.c).max() == 0.25
    np.testing.assert_allclose(
        [gates.i.max(), gates.f.min(), gates.g.max()],
        [1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(0.5)), np.tanh(0.5)],
        rtol=0,
        atol=AIM,
    )


def test_a_trace_of_a_projected_layer_has_two_widths() -> None:
    layer, x = pylstm.LSTM(4, 16, 2, proj_size=5, coupled=True, seed=1), frames(30, 4)
    for column, gates in enumerate(layer.trace(np.stack([x, -x], axis=1))):
        assert gates.h.shape == (30, 2, 5), column
        assert gates.c.shape == gates.f.shape == (30, 2, 16)
        np.testing.assert_array_equal(gates.f, 1 - gates.i)


def test_needs_format() -> None:
    assert pylstm.LSTM(3, 4, seed=0).needs_format == 1
    assert pylstm.LSTM(3, 4, seed=0).quantize("int8").needs_format == 1
    assert pylstm.Dense(3, 4, seed=0).needs_format == 1
    for options in ({"proj_size": 2}, *(chosen for chosen in OPTIONS.values() if chosen)):
        layer = pylstm.LSTM(3, 4, seed=0, **options)
        assert layer.needs_format == 2, options
        assert {name: value for name, value in layer.config().items() if name in options} == {
            name: str(value).lower() for name, value in options.items()
        }


def test_a_plain_layer_writes_what_it_always_did() -> None:
    assert pylstm.LSTM(3, 4, seed=0, cell_clip=-0.0).config() == {
        "kind": "lstm",
        "input_size": "3",
        "hidden_size": "4",
        "num_layers": "1",
        "bias": "true",
    }


@pytest.mark.parametrize("name", ["cell_clip", "gate_clip"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (-1, ValueError),
        (1e-31, ValueError),
        (1e39, ValueError),
        (np.inf, ValueError),
        (np.nan, ValueError),
        (True, TypeError),
        ("1", TypeError),
        (None, TypeError),
    ],
)
def test_bad_limits(name: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^{name} is .*; expected "):
        pylstm.LSTM(3, 4, seed=0, **{name: value})  # type: ignore[arg-type]
    for good in (0, 1e-30, 3e38):
        assert getattr(pylstm.LSTM(3, 4, seed=0, **{name: good}), name) == good  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["peepholes", "coupled", "layer_norm"])
@pytest.mark.parametrize("value", [1, 0, "true", None])
def test_bad_switches(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{name} is .*; expected True or False"):
        pylstm.LSTM(3, 4, seed=0, **{name: value})  # type: ignore[arg-type]


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("proj_size", "0", "expected a whole number from 1 to"),
        ("proj_size", "4", "'layers.0.proj_size' is '4'; expected less than hidden_size"),
        ("proj_size", "2", "'layers.0.weight_hh_l0'"),
        ("peepholes", "yes", "'layers.0.peepholes' is 'yes'; expected"),
        ("peepholes", "true", "'layers.0.peephole_i_l0'"),
        ("coupled", "true", "'layers.0.weight_ih_l0'"),
        ("layer_norm", "true", "'layers.0.gain_ih_l0'"),
        ("cell_clip", "0", "'layers.0.cell_clip' is '0'; expected a number from 1e-30 to 3e"),
        ("gate_clip", "-1", "'layers.0.gate_clip' is '-1'; expected a number from 1e-30 to 3e"),
        ("gate_clip", "1e39", "'layers.0.gate_clip' is '1e39'; expected a number"),
    ],
)
def test_files_that_say_what_is_not_there(key: str, value: str, message: str) -> None:
    from pylstm.safetensors_encoding import encode_model

    layer = pylstm.LSTM(3, 4, seed=0)
    data = encode_model(None, [(layer.config() | {key: value}, layer.tensors())])
    with pytest.raises(pylstm.ModelFileError, match=message):
        pylstm.Model.from_bytes(data)


def test_drawn_gains_change_nothing_yet() -> None:
    layer = pylstm.LSTM(3, 4, layer_norm=True, seed=0)
    assert all((layer.weights[f"gain_{part}_l0"] == 1).all() for part in ("ih", "hh", "c"))
    assert (layer.weights["bias_c_l0"] == 0).all()
    same = pylstm.LSTM(3, 4, seed=0)
    np.testing.assert_array_equal(layer.weights["weight_ih_l0"], same.weights["weight_ih_l0"])
