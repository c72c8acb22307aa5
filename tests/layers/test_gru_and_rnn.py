"""The engine's GRU and plain RNN against PyTorch and ONNX Runtime, with every kernel that this
processor runs, and what their kernels promise each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm import reference
from pylstm.layers import PRECISIONS, Layer
from pylstm.reference.layers import LAYERS as REFERENCES
from tests.instruction_sets import ISAS
from tests.layer_kinds import VARIANTS, make_layer
from tests.network_passes import frames

# The same weights give the outputs of other libraries within this, over 1,000 steps.
TOLERANCE = 1e-5

SHAPES = [(1, 1), (13, 7), (3, 17), (40, 33), (16, 65), (40, 128)]
CELLS = [name for name, kind in VARIANTS.items() if kind.layer in (pylstm.GRU, pylstm.RNN)]


def streamed(layer: Layer, x: np.ndarray) -> np.ndarray:
    """The rows of a stream that gets one frame at a time, then several."""
    stream, half = pylstm.Model(None, [layer]).stream(), len(x) // 2
    rows = [stream.push_frames(frame[None]) for frame in x[:half]]
    return np.concatenate([*rows, stream.push_frames(x[half:])])


# --- other libraries ------------------------------------------------------------------------------


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(("input_size", "hidden_size"), SHAPES)
@pytest.mark.parametrize("variant", ["gru", "rnn_tanh", "rnn_relu"])
def test_torch(isa: str, variant: str, input_size: int, hidden_size: int) -> None:
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    torch.set_num_threads(1)
    num_layers = 1 + hidden_size % 3
    layer: Any = make_layer(variant, input_size, hidden_size, num_layers=num_layers, seed=0)
    x = frames(1000, 1, input_size)[:, 0]
    module = VARIANTS[variant].torch_module(layer).double()  # type: ignore[misc]
    with torch.no_grad():
        expected = module(torch.from_numpy(x).double())[0].numpy()
    largest = max(1, np.abs(expected).max())
    np.testing.assert_allclose(streamed(layer, x), expected, rtol=0, atol=TOLERANCE * largest)


def onnx_gru(layer: Any, x: np.ndarray) -> np.ndarray:
    """What ONNX Runtime makes of the first of its cells."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="it is the oracle: pip install it")
    pytest.importorskip("onnx", reason="it writes the oracle's model: pip install onnx")
    from onnx import TensorProto, helper, numpy_helper

    def in_their_order(name: str) -> np.ndarray:
        r, z, n = np.split(layer.weights[f"{name}_l0"], 3)
        return np.concatenate([z, r, n])[None]

    biases = np.concatenate([in_their_order("bias_ih"), in_their_order("bias_hh")], axis=1)
    tensors = {"W": in_their_order("weight_ih"), "R": in_their_order("weight_hh"), "B": biases}
    node = helper.make_node(
        "GRU",
        ["x", "W", "R", "B"],
        ["y"],
        hidden_size=layer.hidden_size,
        activations=["Sigmoid", layer.candidate.capitalize()],
        linear_before_reset=int(layer.reset_after),
    )
    shape = (len(x), 1, layer.input_size)
    graph = helper.make_graph(
        [node],
        "gru",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x[:, None]})[0][:, 0, 0]


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(("input_size", "hidden_size"), SHAPES)
@pytest.mark.parametrize("candidate", ["tanh", "relu"])
@pytest.mark.parametrize("reset_after", [True, False])
def test_onnxruntime(
    isa: str, reset_after: bool, candidate: Any, input_size: int, hidden_size: int
) -> None:
    """`linear_before_reset` is where the reset gate stands; both biases of n are there twice."""
    layer = pylstm.GRU(
        input_size, hidden_size, reset_after=reset_after, candidate=candidate, seed=0
    )
    x = frames(1000, 1, input_size)[:, 0]
    expected = onnx_gru(layer, x)
    largest = max(1, np.abs(expected).max())
    # Theirs are single precision, too: both may be off.
    np.testing.assert_allclose(streamed(layer, x), expected, rtol=0, atol=2 * TOLERANCE * largest)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(("input_size", "hidden_size"), SHAPES)
@pytest.mark.parametrize("variant", CELLS)
def test_the_reference_over_many_steps(
    isa: str, variant: str, input_size: int, hidden_size: int
) -> None:
    layer: Any = make_layer(variant, input_size, hidden_size, seed=0)
    x = frames(1000, 1, input_size)[:, 0]
    settings = {**layer._arguments(), "weights": layer.weights}
    expected, _, _ = REFERENCES[layer.kind](x, settings)
    largest = max(1, np.abs(expected).max())
    np.testing.assert_allclose(streamed(layer, x), expected, rtol=0, atol=TOLERANCE * largest)


# --- kernels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("hidden_size", [1, 16, 31, 65, 128])
@pytest.mark.parametrize("variant", CELLS)
def test_kernels_agree(
    variant: str, hidden_size: int, precision: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit where they fuse; a last bit may tip the rounding of an input to int8 or bf16."""
    layer = make_layer(variant, 13, hidden_size, num_layers=2, seed=0)
    if precision != "float32":
        layer = layer.quantize(precision)
    x = frames(200, 1, 13)[:, 0]
    results = {}
    for isa in ISAS:
        monkeypatch.setenv("PYLSTM_ISA", isa)
        results[isa] = streamed(layer, x)
    fused = [rows for isa, rows in results.items() if isa != "scalar"]
    for rows in fused:
        np.testing.assert_array_equal(rows, fused[0])
    largest = max(1, np.abs(results["scalar"]).max())
    for rows in results.values():
        tolerance = (1e-5 if precision == "float32" else 2e-2) * largest
        np.testing.assert_allclose(rows, results["scalar"], rtol=0, atol=tolerance)


@pytest.mark.law_chunk
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("n_streams", [1, 2, 3, 5, 6, 7, 13, 61])
@pytest.mark.parametrize("variant", CELLS)
def test_streams_in_step_get_what_each_gets_alone(
    isa: str, variant: str, n_streams: int, precision: Any
) -> None:
    layer = make_layer(variant, 11, 35, num_layers=2, seed=0)
    if precision != "float32":
        layer = layer.quantize(precision)
    model = pylstm.Model(None, [layer])
    x = frames(4, n_streams, 11)
    pool = model.streams(n_streams)
    together = [pool.push_frames({k: rows[k : k + 1] for k in range(n_streams)}) for rows in x]
    for k in range(n_streams):
        alone = model.stream().push_frames(x[:, k])
        assert np.concatenate([rows[k] for rows in together]).tobytes() == alone.tobytes()


# --- fewer bytes a weight -------------------------------------------------------------------------


def bf16(x: np.ndarray) -> np.ndarray:
    """To the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def rounded_products(layer: Any, name: str, x: np.ndarray) -> list[np.ndarray]:
    """W x for each gate, as the precision of the layer has it, in float64."""
    weights = layer.weights[name].astype(np.float64)
    if layer.precision == "bf16":
        products = weights @ bf16(x).astype(np.float64)
    else:
        largest = float(np.abs(x).max())
        inverse = np.float32(127) / np.float32(largest) if largest > 1e-30 else np.float32(0)
        steps = np.floor(x * inverse + np.float32(128.5)) - 128
        scale = layer.weights[f"{name}_scale"].astype(np.float64)
        products = weights @ steps * scale * (largest / 127)
    return np.split(products, layer.gates)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize(("input_size", "hidden_size"), [(1, 1), (13, 32), (40, 65), (7, 127)])
@pytest.mark.parametrize("candidate", ["tanh", "relu"])
@pytest.mark.parametrize("reset_after", [True, False])
def test_each_step_is_the_rounded_arithmetic(
    isa: str,
    reset_after: bool,
    candidate: Any,
    precision: Any,
    input_size: int,
    hidden_size: int,
) -> None:
    """Step by step from the engine's own state, so that no rounding has time to grow."""
    layer: Any = pylstm.GRU(
        input_size, hidden_size, reset_after=reset_after, candidate=candidate, seed=0
    ).quantize(precision)
    x = frames(50, 1, input_size)[:, 0]
    _, (shown,) = pylstm.Model(None, [layer]).stream().trace(x)
    before = np.zeros(hidden_size, np.float32)
    activation = {"tanh": np.tanh, "relu": lambda sums: np.maximum(sums, 0)}[candidate]
    b_ih = np.split(layer.weights["bias_ih_l0"].astype(np.float64), 3)
    b_hh = np.split(layer.weights["bias_hh_l0"].astype(np.float64), 3)
    for t, (r, z, n, h) in enumerate(shown):
        from_x = rounded_products(layer, "weight_ih_l0", x[t])
        from_h = rounded_products(layer, "weight_hh_l0", before)
        for gate, found in enumerate((r, z)):
            expected = reference.sigmoid(from_x[gate] + b_ih[gate] + from_h[gate] + b_hh[gate])
            np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
        if reset_after:
            sums = from_x[2] + b_ih[2] + r * (from_h[2] + b_hh[2])
        else:
            let_through = rounded_products(layer, "weight_hh_l0", r * before)[2]
            sums = from_x[2] + b_ih[2] + let_through + b_hh[2]
        np.testing.assert_allclose(n, activation(sums), rtol=2e-6, atol=2e-6)
        np.testing.assert_allclose(h, (1 - z) * n + z * before, rtol=2e-6, atol=2e-6)
        before = h


# --- extremes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("variant", CELLS)
def test_nothing_ever_becomes_infinite(isa: str, variant: str, precision: Any) -> None:
    """A state that grows without bound stands at the largest float; a snapshot takes it."""
    layer = make_layer(variant, 3, 19, num_layers=2, seed=0)
    layer = layer.with_weights({name: 1e3 * w for name, w in layer.weights.items()})
    if precision != "float32":
        layer = layer.quantize(precision)
    model = pylstm.Model(None, [layer])
    stream = model.stream()
    for scale in (1, 1e10, 3e37, -3e37, 0):
        rows = stream.push_frames(np.full((40, 3), scale, np.float32))
        assert np.isfinite(rows).all()
        other = model.stream()
        other.restore(stream.snapshot())
        again = np.ones((1, 3), np.float32)
        assert other.push_frames(again).tobytes() == stream.fork().push_frames(again).tobytes()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("size", [1.0, 5.0, 1e6])
def test_a_state_beyond_one_is_kept(reset_after: bool, size: float, precision: Any) -> None:
    """Whoever sets a state may set any: z near 1 keeps it, in each precision of weights."""
    weights = pylstm.GRU(2, 5, seed=0).weights
    weights = {name: np.zeros_like(w) for name, w in weights.items()}
    weights["bias_ih_l0"][5:10] = 30  # z
    layer = pylstm.GRU(2, 5, weights=weights, reset_after=reset_after)
    if precision != "float32":
        layer = layer.quantize(precision)
    stream = pylstm.Model(None, [layer]).stream()
    h = np.linspace(-size, size, 5, dtype=np.float32)
    stream.state = [(h,)]
    np.testing.assert_allclose(stream.push_frames(np.ones((20, 2), np.float32))[-1], h, rtol=1e-5)
