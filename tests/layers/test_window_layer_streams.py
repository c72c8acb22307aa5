"""Layers with a window in time in streams: the same rows as bulk passes and PyTorch, however the
rows come, with every set of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import reference
from pylstm.layers import PRECISIONS
from pylstm.reference.precision import rounded_rows
from tests.instruction_sets import ISAS
from tests.layers.window_layer_cases import drawn_layer, in_torch, torch_weights

# The fixtures set a variable that stays the same for all examples.
SHARED = [HealthCheck.function_scoped_fixture]


def drawn(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def streamed(layer: Any, x: np.ndarray) -> np.ndarray:
    """All rows of a sequence, those behind its end too."""
    stream = pylstm.Model(None, [layer]).stream()
    return np.concatenate([stream.push_frames(x), stream.flush()])


def in_precision(layer: Any, precision: str) -> Any:
    return layer if precision not in layer.precisions[1:] else layer.quantize(precision)


@pytest.mark.law_framework_exact
@settings(deadline=None, max_examples=60, suppress_health_check=SHARED)
@given(layer=drawn_layer(), precision=st.sampled_from(PRECISIONS), count=st.integers(1, 40))
def test_a_stream_gives_the_rows_of_the_reference(
    isa: str, layer: Any, precision: str, count: int
) -> None:
    """With bf16 and int8 weights, those for rounded rows and rounded weights."""
    layer = in_precision(layer, precision)
    x, weights = drawn((count, layer.input_size)), dict(layer.weights)
    if layer.precision == "int8":
        scale = weights.pop("weight_scale").astype(np.float64)
        shape = (-1, *[1] * (weights["weight"].ndim - 1))
        weights["weight"] = weights["weight"] * scale.reshape(shape)
    own = {**layer._arguments(), "weights": weights}
    rows = rounded_rows(x, layer.precision)
    expected, _, _ = reference.layers.LAYERS[layer.kind](rows, own)
    y = streamed(layer, x)
    assert y.shape == expected.shape == (layer.n_rows_out(count), layer.n_outputs)
    np.testing.assert_allclose(
        y, expected, rtol=0, atol=2e-6 * (4 + np.abs(expected).max(initial=1))
    )


@pytest.mark.law_chunk
@settings(deadline=None, max_examples=60, suppress_health_check=SHARED)
@given(
    layer=drawn_layer(),
    precision=st.sampled_from(PRECISIONS),
    cuts=st.lists(st.integers(0, 30), min_size=1, max_size=9),
)
def test_any_cut_and_any_company_give_the_same_bits(
    isa: str, layer: Any, precision: str, cuts: list[int]
) -> None:
    model = pylstm.Model(None, [in_precision(layer, precision)])
    x = drawn((1 + sum(cuts), layer.input_size))
    stream = model.stream()
    whole, behind = stream.push_frames(x), None
    behind = stream.flush()
    stream.reset()
    parts = [stream.push_frames(part) for part in np.split(x, np.cumsum(cuts))]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert stream.flush().tobytes() == behind.tobytes()
    stream.reset()
    one_by_one = [stream.push_frames(x[t : t + 1]) for t in range(len(x))]
    assert np.concatenate(one_by_one).tobytes() == whole.tobytes()
    pool = model.streams(len(cuts) + 1)
    for slot, rows in pool.push_frames({k: x[: 2 * k + 1] for k in range(len(cuts) + 1)}).items():
        count = min(2 * slot + 1, len(x))
        alone = model.stream().push_frames(x[:count])
        assert rows.tobytes() == alone.tobytes()
        assert rows.tobytes() == whole[: len(rows)].tobytes()


@settings(deadline=None, max_examples=60, suppress_health_check=SHARED)
@given(
    layer=drawn_layer(("conv",)), precision=st.sampled_from(PRECISIONS), count=st.integers(1, 30)
)
def test_kernels_that_fuse_agree_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, layer: Any, precision: str, count: int
) -> None:
    x = drawn((count, layer.input_size))
    results = {}
    for name in ISAS:
        monkeypatch.setenv("PYLSTM_ISA", name)
        results[name] = streamed(in_precision(layer, precision), x)
    fused = [result for name, result in results.items() if name != "scalar"]
    for result in fused:
        assert result.tobytes() == fused[0].tobytes()
    scale = np.abs(results["scalar"]).max(initial=1)
    for result in results.values():
        np.testing.assert_allclose(result, results["scalar"], rtol=0, atol=1e-5 * scale)


LONG = {
    "conv1d": pylstm.Conv(13, 7, 3, padding="causal", seed=1),
    "conv1d wide": pylstm.Conv(40, 65, 5, 2, (2, 2), activation="relu", seed=1),
    "dilated": pylstm.Conv(31, 33, 4, dilation=8, padding="causal", activation="tanh", seed=1),
    "depthwise": pylstm.Conv(37, 37, 9, groups=37, padding="causal", seed=1),
    "depthwise narrow": pylstm.Conv(9, 9, 5, groups=9, padding=(2, 2), seed=1),
    "grouped": pylstm.Conv(34, 51, 3, groups=17, seed=1),
    "conv2d": pylstm.Conv(
        40, 19, 3, 2, (1, 1), positions=40, kernel_positions=3, stride_positions=2,
        padding_positions=(1, 1), activation="relu", seed=1,
    ),
    "pointwise": pylstm.Conv(20 * 64, 64, positions=20, seed=1),
    "inside a chunk": pylstm.Conv(
        4 * 129, 128, positions=4, kernel_positions=3, padding_positions=(1, 1), activation="relu",
        seed=1,
    ),
    "one position": pylstm.Conv(
        64, 128, positions=1, kernel_positions=3, padding_positions=(1, 1), seed=1
    ),
    "depthwise 2d": pylstm.Conv(
        7 * 17, 17, 3, positions=7, kernel_positions=3, padding_positions=(1, 1), groups=17,
        padding="causal", seed=1,
    ),
    "max": pylstm.Pool(33, "max", 4, 3),
    "mean": pylstm.Pool(
        60, "mean", 3, 1, "causal", positions=20, kernel_positions=3, stride_positions=2,
        padding_positions=(1, 0), count_include_pad=False,
    ),
    "stack": pylstm.Stack(26, 9, 9, 3),
}  # fmt: skip


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", LONG)
def test_a_thousand_steps_of_torch(isa: str, name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install pylstm[torch]")
    layer = LONG[name]
    x = drawn((1000, layer.input_size), 2)
    with torch.no_grad():
        expected = in_torch(layer, torch.from_numpy(x), torch_weights(layer)).numpy()
    y = streamed(layer, x)
    # 1e-6 of values near 1; sums of hundreds of products are larger.
    np.testing.assert_allclose(y, expected, rtol=0, atol=2e-6 * max(1, np.abs(expected).max()))
    pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")
    bulk, _ = layer.forward(x)
    np.testing.assert_allclose(y, bulk, rtol=0, atol=2e-6 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_values_at_the_edge_of_the_floats_stay_finite(isa: str, precision: str) -> None:
    layer = in_precision(pylstm.Conv(20, 17, 3, positions=2, padding="causal", seed=0), precision)
    x = np.full((9, 20), 3e38, np.float32) * np.sign(drawn((9, 20)))
    assert np.isfinite(streamed(layer, x)).all()


def test_zeros_around_a_row_leave_no_sign(isa: str) -> None:
    """Whether products with zeros are added depends on what else is computed at once."""
    weights = {"weight": np.ones((3, 2, 1, 3), np.float32), "bias": np.full(3, -0.0, np.float32)}
    layer = pylstm.Conv(
        8, 3, positions=4, kernel_positions=3, padding_positions=(2, 2), weights=weights
    )
    y = streamed(layer, np.full((5, 8), -1e-30, np.float32) * np.float32(0))
    assert not np.signbit(y).any()


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel_size": "129"}, r"kernel_size' is '129'; expected a whole number from 1 to 128"),
        ({"stride": "0"}, r"stride' is '0'; expected a whole number from 1 to 4096"),
        ({"dilation": "4096"}, r"dilation is 4096; expected at most 2048 with a kernel_size of 3"),
        (
            {"padding": "2"},
            r"padding' is '2'; expected two whole numbers from 0 to 4096 with a com",
        ),
        ({"padding": "-1,0"}, r"padding' is '-1,0'; expected two whole numbers"),
        ({"padding": "01,0"}, r"padding' is '01,0'; expected two whole numbers"),
        ({"padding": "1,0 "}, r"padding' is '1,0 '; expected two whole numbers"),
        ({"padding": "1,99999999999999999999"}, r"padding' is .*; expected two whole numbers"),
        ({"padding": "2,1"}, r"padding is 2,1; expected a sum of at most 2, so that a window sees"),
        ({"positions": "3"}, r"positions is 3; expected a divisor of its input_size, 8"),
        ({"padding_positions": "2,0"}, r"padding_positions is 2,0; expected at most 1 of each"),
        ({"kernel_positions": "5"}, r"kernel_positions is 5, which .* takes 5 .* fits into 4"),
        ({"groups": "4"}, r"groups is 4; expected a divisor of 2 channels of a position and of 6"),
        ({"output_channels": "65536"}, r"output_channels is 65536; expected at most 21845, with 3"),
        ({"activation": "softmax"}, r"activation' is 'softmax'; expected one of: linear, sigmoid"),
        ({"output_channels": "12"}, r"\[tensor-shape\] .*layers.0.weight"),
        ({"kernel_size": "2"}, r"\[tensor-shape\] .*layers.0.weight"),
    ],
)
def test_files_that_fit_together_badly_are_refused(changes: dict[str, str], message: str) -> None:
    from pylstm.safetensors_encoding import encode_model

    layer = pylstm.Conv(8, 6, 3, positions=4, kernel_positions=2, groups=2, seed=0)
    data = encode_model(None, [(layer.config() | changes, layer.tensors())], format=2)
    with pytest.raises(pylstm.ModelFileError, match=message):
        pylstm.Model.from_bytes(data)


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"left": "128"}, r"left' is '128'; expected a whole number from 0 to 127"),
        (
            {"left": "100", "right": "28"},
            r"left is 100 and .right is 28; expected a sum of at most 127",
        ),
        (
            {"input_size": "65536"},
            r"left is 1 and .right is 1; expected a sum of at most 0 with an",
        ),
    ],
)
def test_stacks_that_are_too_wide_are_refused(changes: dict[str, str], message: str) -> None:
    from pylstm.safetensors_encoding import encode_model

    data = encode_model(None, [(pylstm.Stack(8, 1, 1).config() | changes, {})], format=2)
    with pytest.raises(pylstm.ModelFileError, match=message):
        pylstm.Model.from_bytes(data)


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_files_bring_quantised_weights_back(precision: str) -> None:
    for layer in (LONG["conv2d"], LONG["conv1d"], LONG["depthwise"], LONG["grouped"]):
        model = pylstm.Model(None, [layer]).quantize(precision)
        again = pylstm.Model.from_bytes(model.to_bytes())
        assert again.layers == model.layers
        assert again.layers[0].precision == precision
