"""Every kind of layer as an ONNX file gives the stream's rows in onnxruntime, in any chunks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.layers.activation import FUNCTIONS
from pylstm.layers.conv import CONV_ACTIVATIONS
from pylstm.layers.dense import ACTIVATIONS
from tests.layer_graphs import graphs
from tests.layer_kinds import STREAMING, draw_layer, make_layer, stacked
from tests.onnx_stream import assert_same_rows
from tests.window_layer_cases import drawn_layer

pytestmark = pytest.mark.law_framework_exact

CUTS = [0, 1, 1, 2, 0, 7, 1, 3, 40]
SOME_CUTS = st.lists(st.integers(0, 9), min_size=1, max_size=8)

# They give no row for some chunks: layers behind them have to run over none.
AT_TIMES_NONE = {
    "late": pylstm.Conv(6, 6, 4, seed=1),
    "ahead": pylstm.Conv(6, 6, 3, padding=(1, 1), seed=1),
    "skipping": pylstm.Stack(6, stride=3),
}


@pytest.mark.parametrize("variant", STREAMING)
def test_each_kind(variant: str, tmp_path: Path) -> None:
    assert_same_rows(pylstm.Model(None, [stacked(variant, 6, 9)]), tmp_path, CUTS)


@pytest.mark.parametrize("before", AT_TIMES_NONE)
@pytest.mark.parametrize("variant", STREAMING)
def test_each_kind_where_a_chunk_gives_no_row(variant: str, before: str, tmp_path: Path) -> None:
    layers = [AT_TIMES_NONE[before], make_layer(variant, 6, 5, seed=1)]
    assert_same_rows(pylstm.Model(None, layers), tmp_path, CUTS)


@settings(max_examples=20, deadline=None)
@given(data=st.data(), cuts=SOME_CUTS)
def test_drawn_settings(data: st.DataObject, cuts: list[int]) -> None:
    variant = data.draw(st.sampled_from(STREAMING))
    layer = draw_layer(data, variant, data.draw(st.integers(1, 12)), 7, seed=2)
    assume(layer.obstacle is None)
    with TemporaryDirectory() as folder:
        assert_same_rows(pylstm.Model(None, [layer]), Path(folder), cuts)


@settings(max_examples=30, deadline=None)
@given(layer=drawn_layer(), cuts=SOME_CUTS, seed=st.integers(0, 2**16))
def test_drawn_windows(layer: Any, cuts: list[int], seed: int) -> None:
    with TemporaryDirectory() as folder:
        assert_same_rows(pylstm.Model(None, [layer]), Path(folder), cuts, seed)


@settings(max_examples=20, deadline=None)
@given(graph=graphs(6), cuts=SOME_CUTS, seed=st.integers(0, 2**16))
def test_drawn_graphs(graph: Any, cuts: list[int], seed: int) -> None:
    with TemporaryDirectory() as folder:
        assert_same_rows(pylstm.Model(None, graph), Path(folder), cuts, seed)


PARAMETERS: dict[str, dict[str, Any]] = {
    "clipped_relu": {"low": -0.5, "high": 0.5},
    "log": {"floor": 1e-3},
    "leaky_relu": {"alpha": 0.2},
    "elu": {"alpha": 0.7},
    "hard_sigmoid": {"slope": 0.2},
    "prelu": {"num_parameters": 3, "positions": 2},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_activation(function: Any, tmp_path: Path) -> None:
    layer = pylstm.Activation(6, function, **PARAMETERS.get(function, {}))
    assert_same_rows(pylstm.Model(None, [layer]), tmp_path, CUTS)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_of_dense_layers(activation: Any, tmp_path: Path) -> None:
    layers = [pylstm.Dense(6, 5, activation, seed=1)]
    assert_same_rows(pylstm.Model(None, layers), tmp_path, CUTS)


@pytest.mark.parametrize("activation", CONV_ACTIVATIONS)
def test_each_activation_of_convolutions(activation: Any, tmp_path: Path) -> None:
    layers = [pylstm.Conv(6, 5, 3, activation=activation, seed=1)]
    assert_same_rows(pylstm.Model(None, layers), tmp_path, CUTS)


@pytest.mark.parametrize("gate_clip", [0.3, 2.0])
@pytest.mark.parametrize("coupled", [False, True])
def test_limits_of_gates_where_the_memory_is_large(
    gate_clip: float, coupled: bool, tmp_path: Path
) -> None:
    """What tanh takes of the memory is not limited: here it grows beyond the limit."""
    layer = pylstm.LSTM(6, 5, gate_clip=gate_clip, coupled=coupled, peepholes=True, seed=1)
    layer.weights["bias_ih_l0"][...] = 100
    assert_same_rows(pylstm.Model(None, [layer]), tmp_path, CUTS)


@pytest.mark.parametrize(
    "layer",
    [
        pylstm.LSTM(6, 5, peepholes=True, gate_clip=2.0, gate_slope=0.5, seed=1),
        pylstm.LSTM(6, 5, proj_size=3, coupled=True, cell_clip=0.5, gate_slope=0.5, seed=1),
        pylstm.GRU(6, 5, reset_after=False, candidate="relu", gate_slope=0.5, seed=1),
    ],
    ids=str,
)
def test_hard_gates(layer: Any, tmp_path: Path) -> None:
    assert_same_rows(pylstm.Model(None, [layer]), tmp_path, CUTS)


@pytest.mark.parametrize("positions", [1, 3])
def test_concat_of_positions(positions: int, tmp_path: Path) -> None:
    layers: dict[str, Any] = {
        "conv": pylstm.Conv(6, 2, 3, positions=3, kernel_positions=1, padding=(1, 1), seed=1),
        "both": (pylstm.Concat(positions), "features", "conv", "features"),
    }
    assert_same_rows(pylstm.Model(None, layers), tmp_path, CUTS)


def test_a_thousand_frames(tmp_path: Path) -> None:
    layers: dict[str, Any] = {
        "conv": pylstm.Conv(40, 24, 5, 2, activation="relu", seed=1),
        "lstm": pylstm.LSTM(24, 32, num_layers=2, seed=2),
        "gru": (pylstm.GRU(24, 32, seed=3), "conv"),
        "sum": (pylstm.Add(), "lstm", "gru"),
        "head": pylstm.Dense(32, 3, "softmax", seed=4),
    }
    assert_same_rows(pylstm.Model(None, layers), tmp_path, [1, 2, 5, 100, 3, 889])
