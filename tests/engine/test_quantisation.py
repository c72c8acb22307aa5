"""bf16 and int8 weights: what they are, that every kernel reads them alike, and what they cost."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import reference
from pylstm.safetensors_encoding import encode_model
from tests.instruction_sets import ISAS
from tests.signals import audio
from tests.small_models import small_model


def bf16(x: np.ndarray) -> np.ndarray:
    """To the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def bytes_of(x: np.ndarray, largest: float) -> np.ndarray:
    """What int8 layers make of their inputs: steps of largest / 127, halves away from -128."""
    inverse = np.float32(127) / np.float32(largest) if largest > 1e-30 else np.float32(0)
    return np.floor(x * inverse + np.float32(128.5)) - 128


def rounded_product(layer: pylstm.LSTM, name: str, x: np.ndarray, largest: float) -> np.ndarray:
    """W x as the precision of the layer has it, in float64."""
    weights = layer.weights[name].astype(np.float64)
    if layer.precision == "bf16":
        return weights @ bf16(x).astype(np.float64)
    worth = layer.weights[f"{name}_scale"].astype(np.float64) * (largest / 127)
    return weights @ bytes_of(x, largest) * worth


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize(("input_size", "hidden_size"), [(1, 1), (13, 32), (40, 65), (7, 127)])
def test_each_step_is_the_rounded_arithmetic(
    isa: str, precision: str, input_size: int, hidden_size: int
) -> None:
    """Step by step from the engine's own state, so that no rounding has time to grow."""
    layer = pylstm.LSTM(input_size, hidden_size, seed=0).quantize(precision)
    x = np.random.default_rng(1).standard_normal((50, input_size)).astype(np.float32)
    (gates,) = layer.trace(x)
    h = np.zeros(hidden_size, np.float32)
    bias = layer.weights["bias_ih_l0"].astype(np.float64) + layer.weights["bias_hh_l0"]
    for t in range(len(x)):
        sums = bias + rounded_product(layer, "weight_ih_l0", x[t], float(np.abs(x[t]).max()))
        i, f, g, o = np.split(sums + rounded_product(layer, "weight_hh_l0", h, 1.0), 4)
        for name, value in zip("ifo", (i, f, o), strict=True):
            expected = reference.sigmoid(value)
            np.testing.assert_allclose(getattr(gates, name)[t], expected, rtol=0, atol=2e-6)
        np.testing.assert_allclose(gates.g[t], np.tanh(g), rtol=0, atol=2e-6)
        h = gates.h[t]


@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize("hidden_size", [1, 16, 31, 65, 128])
def test_kernels_agree_to_the_bit(
    precision: str, hidden_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [
        pylstm.LSTM(13, hidden_size, num_layers=2, seed=0),
        pylstm.Dense(hidden_size, 70, "tanh", seed=1),
        pylstm.Dense(70, 12, "softmax", seed=2),
    ]
    x = np.random.default_rng(0).standard_normal((200, 13)).astype(np.float32)
    results = {}
    for isa in ISAS:
        monkeypatch.setenv("PYLSTM_ISA", isa)
        stream = pylstm.Model(None, layers).quantize(precision).stream()
        results[isa] = stream.push_frames(x)
    fused = [result for isa, result in results.items() if isa != "scalar"]
    for result in fused:
        np.testing.assert_array_equal(result, fused[0])
    for result in results.values():  # a last bit may tip the rounding of an input
        np.testing.assert_allclose(result, results["scalar"], rtol=0, atol=2e-2)


@pytest.mark.law_chunk
@settings(max_examples=40, deadline=None)
@given(
    precision=st.sampled_from(["bf16", "int8"]),
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=9).filter(any),
    shape=st.sampled_from([(1, 1), (3, 17), (13, 40)]),
)
def test_any_cut_and_any_company_give_the_same_bits(
    precision: str, sizes: list[int], shape: tuple[int, int]
) -> None:
    layers = [pylstm.LSTM(*shape, num_layers=2, seed=0), pylstm.Dense(shape[1], 5, seed=1)]
    model = pylstm.Model(None, layers).quantize(precision)
    x = np.random.default_rng(2).standard_normal((sum(sizes), shape[0])).astype(np.float32)
    whole, stream = model.stream().push_frames(x), model.stream()
    parts = np.split(x, np.cumsum(sizes)[:-1])
    np.testing.assert_array_equal(np.concatenate([stream.push_frames(p) for p in parts]), whole)
    pool = model.streams(len(sizes))
    for slot, rows in pool.push_frames({k: x[: 2 * k] for k in range(len(sizes))}).items():
        np.testing.assert_array_equal(rows, whole[: 2 * slot])


@pytest.mark.law_saves_are_whole
@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_files_pickles_and_audio(precision: str, tmp_path: Path) -> None:
    model = small_model().quantize(precision)
    model.save(tmp_path / "small.safetensors")
    for other in (
        pylstm.load(tmp_path / "small.safetensors"),
        pickle.loads(pickle.dumps(model)),
    ):
        assert other.layers == model.layers
        assert other.to_bytes() == model.to_bytes()
        np.testing.assert_array_equal(other.run(audio(0.5)), model.run(audio(0.5)))


def test_rounding_is_to_the_nearest() -> None:
    lstm = pylstm.LSTM(40, 33, seed=0)
    for name, w in lstm.quantize("bf16").weights.items():
        expected = bf16(lstm.weights[name]) if name.startswith("weight") else lstm.weights[name]
        np.testing.assert_array_equal(w, expected)
    weights = lstm.quantize("int8").weights
    for name in ("weight_ih_l0", "weight_hh_l0"):
        scale = weights[f"{name}_scale"]
        assert np.abs(weights[name]).max(axis=1).tolist() == [127] * len(scale)
        error = np.abs(weights[name] * scale[:, None] - lstm.weights[name])
        assert (error <= scale[:, None] * 0.500001).all()


def test_rows_of_zeros_and_extremes_survive() -> None:
    weights = {"weight": np.zeros((3, 4), np.float32), "bias": np.arange(3, dtype=np.float32)}
    weights["weight"][1] = [3.4e38, -3.4e38, 1, 0]
    dense = pylstm.Dense(4, 3, weights=weights)
    for precision in ("bf16", "int8"):
        stream = pylstm.Model(None, [dense.quantize(precision)]).stream()
        rows = stream.push_frames(np.ones((1, 4), np.float32))
        np.testing.assert_array_equal(rows[0, [0, 2]], [0, 2])
        assert np.isfinite(rows).all()
        assert np.isfinite(stream.push_frames(np.full((1, 4), 3e38, np.float32))).all()


def test_refusals() -> None:
    lstm = pylstm.LSTM(3, 4, seed=0)
    with pytest.raises(ValueError, match=r"precision is 'int4'; expected 'bf16', 'int8'"):
        lstm.quantize("int4")
    with pytest.raises(ValueError, match="the layer is int8 already: quantize the float32 one"):
        lstm.quantize("int8").quantize("bf16")
    with pytest.raises(ValueError, match="precision is 'int8' without weights"):
        pylstm.LSTM(3, 4, precision="int8")
    with pytest.raises(ValueError, match="'weight_ih_l0' of LSTM is not rounded to bf16"):
        pylstm.LSTM(3, 4, precision="bf16", weights=lstm.weights)
    with pytest.raises(ValueError, match=r"missing 'weight_ih_l0_scale'"):
        pylstm.LSTM(3, 4, precision="int8", weights=lstm.weights)
    weights = lstm.quantize("int8").weights
    weights["weight_hh_l0"] = weights["weight_hh_l0"].astype(np.float32)
    with pytest.raises(TypeError, match="'weight_hh_l0' of LSTM is float32; expected int8"):
        pylstm.LSTM(3, 4, precision="int8", weights=weights)


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize("claimed", ["float32", "bf16", "int8"])
@pytest.mark.parametrize("stored", ["float32", "bf16", "int8"])
def test_a_file_whose_matrix_is_of_another_dtype_is_refused(claimed: str, stored: str) -> None:
    layer = pylstm.Dense(2, 2, seed=0)
    config = (layer if claimed == "float32" else layer.quantize(claimed)).config()
    tensors = (layer if stored == "float32" else layer.quantize(stored)).tensors()
    data = encode_model(None, [(config, tensors)])
    if claimed == stored or (claimed, stored) == ("float32", "bf16"):  # BF16 values are floats
        pylstm.Model.from_bytes(data)
    else:
        with pytest.raises(pylstm.ModelFileError, match=r"^\[tensor-dtype\] .*'layers.0.weight'"):
            pylstm.Model.from_bytes(data)


def test_the_bundled_model_hears_the_same_words() -> None:
    model = pylstm.load("keywords")
    pcm, _ = soundfile.read(Path(pylstm.__file__).parent / "models" / "demo.wav", dtype="float32")

    def heard(m: pylstm.Model) -> list[str]:
        return [event.label for event in pylstm.Detector.for_model(m).push(m.run(pcm))]

    assert heard(model.quantize("bf16")) == heard(model)
    assert heard(model.quantize("int8")) == heard(model)
