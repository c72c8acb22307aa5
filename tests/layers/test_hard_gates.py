"""LSTMs and GRUs whose gates are hard sigmoids: against PyTorch's own and the reference, with every
kernel that this processor runs. tests/layer_kinds.py draws layers with hard gates, too."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.layers import PRECISIONS
from pylstm.layers.recurrent import Recurrent
from pylstm.reference.layers import LAYERS as REFERENCES
from tests.instruction_sets import ISAS
from tests.network_passes import clear, compare_with_torch, frames, network_passes, passage

Array = NDArray[Any]

# A stream and a whole batch, and what PyTorch and the reference make of the same weights.
TOLERANCE = 1e-5

# Keras 1 and 2, Keras 3, and one with which many sums are beyond the corners.
SLOPES = [0.2, 1 / 6, 0.6]

GRUS: dict[str, dict[str, Any]] = {
    f"gru_{'after' if after else 'before'}_{candidate}": {
        "reset_after": after,
        "candidate": candidate,
    }
    for after in (True, False)
    for candidate in ("tanh", "relu")
}
LSTMS: dict[str, dict[str, Any]] = {
    "lstm": {},
    "lstm_projected": {"proj_size": 5},
    "lstm_peepholes": {"peepholes": True, "gate_clip": 1.0, "cell_clip": 0.5},
    "lstm_coupled": {"coupled": True, "peepholes": True},
    "lstm_normalised": {"layer_norm": True},
}
every_cell = pytest.mark.parametrize("cell", [*GRUS, *LSTMS])


def layer_of(cell: str, sizes: tuple[int, int] = (7, 19), **settings: Any) -> Recurrent:
    """Two cells on top of each other unless the settings say otherwise."""
    given = {"num_layers": 2, "gate_slope": 0.2, "seed": 1} | settings
    if cell in GRUS:
        return pylstm.GRU(*sizes, **given, **GRUS[cell])
    layer = pylstm.LSTM(*sizes, **given, **LSTMS[cell])
    for name, values in layer.weights.items():
        if name.startswith("gain_"):
            values *= np.float32(0.4)  # random weights and gains of 1 are chaotic
    return layer


def streamed(layer: Any, x: Array) -> Array:
    return pylstm.Model(None, [layer]).stream().push_frames(x)


def expected(layer: Any, x: Array) -> tuple[Array, list[dict[str, Array]]]:
    settings = {**layer._arguments(), "weights": layer.weights}
    rows, _, trace = REFERENCES[layer.kind](x, settings)
    return rows, trace


@pytest.fixture
def training() -> None:
    for module in ("scipy", "threadpoolctl"):
        pytest.importorskip(module, reason="bulk passes need it: pip install 'pylstm[train]'")


@pytest.mark.law_framework_exact
@every_cell
@pytest.mark.parametrize("slope", SLOPES)
def test_streams_and_batches_are_the_reference(
    training: None, monkeypatch: pytest.MonkeyPatch, cell: str, slope: float
) -> None:
    layer, x = layer_of(cell, gate_slope=slope), frames(60, 1, 7)[:, 0]
    rows, _ = expected(layer, x)
    largest = max(1, np.abs(rows).max())
    for isa in ISAS:
        monkeypatch.setenv("PYLSTM_ISA", isa)
        for found in (streamed(layer, x), layer.forward(x)[0]):
            np.testing.assert_allclose(found, rows, rtol=0, atol=TOLERANCE * largest, err_msg=isa)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("cell", ["lstm", "gru_after_tanh"])
def test_a_slope_of_a_sixth_is_hardsigmoid_of_torch(isa: str, cell: str) -> None:
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    from torch.nn.functional import hardsigmoid

    layer, x = layer_of(cell, num_layers=1, gate_slope=1 / 6), frames(200, 1, 7)[:, 0]
    w = {name: torch.from_numpy(values) for name, values in layer.weights.items()}
    h, c, rows = torch.zeros(19), torch.zeros(19), []
    for frame in torch.from_numpy(x):
        from_x = w["weight_ih_l0"] @ frame + w["bias_ih_l0"]
        from_h = w["weight_hh_l0"] @ h + w["bias_hh_l0"]
        if cell == "lstm":
            i, f, g, o = (from_x + from_h).chunk(4)
            c = hardsigmoid(f) * c + hardsigmoid(i) * torch.tanh(g)
            h = hardsigmoid(o) * torch.tanh(c)
        else:
            (x_r, x_z, x_n), (h_r, h_z, h_n) = from_x.chunk(3), from_h.chunk(3)
            z, n = hardsigmoid(x_z + h_z), torch.tanh(x_n + hardsigmoid(x_r + h_r) * h_n)
            h = (1 - z) * n + z * h
        rows.append(h.numpy())
    np.testing.assert_allclose(streamed(layer, x), rows, rtol=0, atol=TOLERANCE)


@every_cell
@pytest.mark.parametrize("precision", PRECISIONS)
def test_fused_kernels_agree_to_the_bit(
    cell: str, precision: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one frame at a time and with several; and quantised weights are near the others."""
    layer, x = layer_of(cell, (7, 33)), frames(40, 1, 7)[:, 0]
    exact = streamed(layer, x)
    layer = layer if precision == "float32" else layer.quantize(precision)
    found = {}
    for isa in ISAS:
        monkeypatch.setenv("PYLSTM_ISA", isa)
        found[isa] = streamed(layer, x)
    fused = [rows.tobytes() for isa, rows in found.items() if isa != "scalar"]
    assert len(set(fused)) <= 1
    tolerance = {"float32": TOLERANCE, "bf16": 2e-2, "int8": 5e-2}[precision]
    for rows in found.values():
        np.testing.assert_allclose(rows, exact, rtol=0, atol=tolerance)


@pytest.mark.law_chunk
@every_cell
@pytest.mark.parametrize("precision", PRECISIONS)
def test_any_cut_and_any_company_give_the_same_bits(isa: str, cell: str, precision: Any) -> None:
    layer, x = layer_of(cell), frames(30, 1, 7)[:, 0]
    model = pylstm.Model(None, [layer if precision == "float32" else layer.quantize(precision)])
    whole, stream = model.stream().push_frames(x), model.stream()
    parts = [stream.push_frames(part) for part in np.split(x, [1, 2, 5, 17, 18])]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    pool = model.streams(9)
    for slot, rows in pool.push_frames({slot: x[: 1 + 3 * slot] for slot in range(9)}).items():
        assert rows.tobytes() == whole[: 1 + 3 * slot].tobytes()


@pytest.mark.law_state_is_a_value
@every_cell
def test_snapshots_and_files_go_on_with_the_same_bits(cell: str) -> None:
    model, x = pylstm.Model(None, [layer_of(cell)]), frames(20, 1, 7)[:, 0]
    stream, again = model.stream(), pylstm.Model.from_bytes(model.to_bytes())
    assert again.layers == model.layers
    stream.push_frames(x[:11])
    other = again.stream()
    other.restore(stream.snapshot())
    assert other.push_frames(x[11:]).tobytes() == stream.push_frames(x[11:]).tobytes()


@every_cell
def test_a_trace_shows_gates_that_are_shut_and_open(isa: str, cell: str) -> None:
    """Exactly, where a sum is beyond a corner; between them they follow a line."""
    layer, x = layer_of(cell, num_layers=1, gate_slope=1.0), 3 * frames(20, 1, 7)[:, 0]
    _, (shown,) = pylstm.Model(None, [layer]).stream().trace(x)
    _, (trace,) = expected(layer, x)
    names = "rz" if cell in GRUS else "ifo"
    places = {name: place for place, name in enumerate("rznh" if cell in GRUS else "ifgoch")}
    for name in names:
        gate = np.stack([row[places[name]] for row in _steps(shown)])
        np.testing.assert_allclose(gate, trace[name], rtol=0, atol=TOLERANCE)
        assert ((gate == 0) | (gate == 1)).mean() > 0.1
        assert 0 <= gate.min() <= gate.max() <= 1


def _steps(shown: Any) -> Any:
    """The parts of each step; with a projection they are arrays of their own."""
    return zip(*shown, strict=True) if isinstance(shown, tuple) else shown


@pytest.mark.law_nothing_poisons
@every_cell
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_state_stays_finite(isa: str, cell: str, precision: Any) -> None:
    for slope in (1e-30, 0.2, 3e38):
        layer = layer_of(cell, gate_slope=slope)
        for values in layer.weights.values():
            values[...] = np.copysign(np.float32(3e38), values)
        layer = layer if precision == "float32" else layer.quantize(precision)
        stream = pylstm.Model(None, [layer]).stream()
        for scale in (1e-38, 1, 3e37):
            rows = stream.push_frames(frames(10, 1, 7)[:, 0] * np.float32(scale))
            assert np.isfinite(rows).all()
            assert all(np.isfinite(part).all() for cells in stream.state for part in cells)


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.law_framework_exact
@every_cell
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_are_those_of_autograd(training: None, cell: str, bidirectional: bool) -> None:
    pytest.importorskip("torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'")
    layer: Any = layer_of(cell, gate_slope=0.7, num_layers=1, bidirectional=bidirectional)
    drawn = (passage([layer], 6, 3, seed) for seed in itertools.count())
    compare_with_torch([layer], next(found for found in drawn if clear([layer], found)))


@pytest.mark.parametrize("cell", ["gru_after_tanh", "gru_before_relu", "lstm"])
def test_a_gate_that_is_shut_has_no_gradient(training: None, cell: str) -> None:
    """All sums far below the lower corner: no weight of a gate is moved."""
    from pylstm.train import Network

    layer: Any = layer_of(cell, num_layers=1)
    gates = {"lstm": (0, 1, 3)}.get(cell, (0, 1))
    bias = layer.weights["bias_ih_l0"].reshape(-1, layer.hidden_size)
    bias[list(gates)] = -100
    found = network_passes(Network([layer]), passage([layer], 6, 3, 1))
    for name, gradient in found.gradients.items():
        by_gate = gradient.reshape(len(bias), -1)
        assert (by_gate[list(gates)] == 0).all(), name


# --- settings and files ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pylstm.LSTM, pylstm.GRU])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (-0.2, ValueError),
        (1e-31, ValueError),
        (1e39, ValueError),
        (np.nan, ValueError),
        (True, TypeError),
        ("0.2", TypeError),
        (None, TypeError),
    ],
)
def test_bad_slopes(make: Any, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^gate_slope is .*; expected "):
        make(3, 4, seed=0, gate_slope=value)
    for good in (0, 1e-30, 3e38):
        assert make(3, 4, seed=0, gate_slope=good).gate_slope == good


def test_a_file_says_it_only_where_gates_are_hard() -> None:
    for make in (pylstm.LSTM, pylstm.GRU):
        assert "gate_slope" not in make(3, 4, seed=0, gate_slope=-0.0).config()
        layer = make(3, 4, seed=0, gate_slope=0.2)
        assert layer.config()["gate_slope"] == "0.2"
        assert layer.needs_format == 2
        assert "gate_slope=0.2" in repr(layer)


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize("make", [pylstm.LSTM, pylstm.GRU])
@pytest.mark.parametrize("value", ["0", "-0.2", "1e39", "hard", ""])
def test_files_with_other_slopes_are_refused(make: Any, value: str) -> None:
    from pylstm.safetensors_encoding import encode_model

    layer = make(3, 4, seed=0)
    config = layer.config() | {"gate_slope": value}
    data = encode_model(None, [(config, layer.tensors())], format=2)
    with pytest.raises(
        pylstm.ModelFileError, match=rf"'layers\.0\.gate_slope' is '{value}'; expected a number"
    ):
        pylstm.Model.from_bytes(data)
