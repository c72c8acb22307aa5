"""Convolutions, pools and stacks of the reference against PyTorch."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm import reference
from pylstm.reference.layers import LAYERS

# Both sides in float64 leave nothing but the order of summation.
EXACT = 1e-11


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'")


def draw(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def as_image(torch: Any, x: np.ndarray, positions: int, time: tuple[int, int], low_high) -> Any:
    """Rows (T, P * C) as PyTorch has images, (1, C, T, P), with zeros around."""
    image = torch.from_numpy(x.reshape(len(x), positions, -1).transpose(2, 0, 1)[None])
    return torch.nn.functional.pad(image, (*low_high, *time))


def as_rows(y: Any) -> np.ndarray:
    """(1, O, T, Q) as rows (T, Q * O)."""
    return y[0].numpy().transpose(1, 2, 0).reshape(y.shape[2], -1)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(
    ("channels", "outputs", "kernel", "given"),
    [
        (5, 7, 3, {}),
        (5, 7, 3, {"stride": 2}),
        (5, 7, 4, {"dilation": 3}),
        (6, 9, 3, {"groups": 3}),
        (6, 6, 5, {"groups": 6}),
        (6, 12, 2, {"groups": 6, "dilation": 2, "stride": 3}),
        (1, 1, 1, {}),
    ],
)
def test_conv1d_of_torch(torch: Any, channels, outputs, kernel, given) -> None:
    x = draw((23, channels))
    weight = draw((outputs, channels // given.get("groups", 1), kernel), 1)
    bias = draw((outputs,), 2)
    expected = torch.nn.functional.conv1d(
        torch.from_numpy(x.T[None]), torch.from_numpy(weight), torch.from_numpy(bias), **given
    )
    np.testing.assert_allclose(
        reference.conv(x, weight, bias, **given), expected[0].numpy().T, rtol=0, atol=EXACT
    )


@st.composite
def windows_of(draw_: st.DrawFn, dilated: bool) -> dict[str, Any]:
    """Settings of a window over time and positions."""
    kernel, kernel_positions = draw_(st.integers(1, 4)), draw_(st.integers(1, 4))
    dilation = draw_(st.integers(1, 3)) if dilated else 1
    left = draw_(st.integers(0, (kernel - 1) * dilation))
    right = draw_(st.integers(0, (kernel - 1) * dilation - left))
    low_high = st.integers(0, kernel_positions - 1)
    found = {
        "kernel_size": kernel,
        "stride": draw_(st.integers(1, 3)),
        "padding": (left, right),
        "kernel_positions": kernel_positions,
        "stride_positions": draw_(st.integers(1, 3)),
        "padding_positions": (draw_(low_high), draw_(low_high)),
    }
    if dilated:
        found |= {"dilation": dilation, "dilation_positions": draw_(st.integers(1, 3))}
    span = (kernel_positions - 1) * found.get("dilation_positions", 1) + 1
    least = max(1, span - sum(found["padding_positions"]))
    return found | {"positions": draw_(st.integers(least, least + 6))}


@pytest.mark.law_framework_exact
@settings(deadline=None, max_examples=60)
@given(
    given=windows_of(dilated=True),
    groups=st.integers(1, 3),
    channels=st.integers(1, 3),
    outputs=st.integers(1, 3),
    count=st.integers(1, 14),
    activation=st.sampled_from(["linear", "relu"]),
)
def test_conv2d_of_torch(given, groups, channels, outputs, count, activation) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install pylstm[torch]")
    x = draw((count, given["positions"] * channels * groups))
    kernel = given.pop("kernel_size"), given.pop("kernel_positions")
    weight, bias = draw((outputs * groups, channels, *kernel), 1), draw((outputs * groups,), 2)
    y = reference.conv(x, weight, bias, groups=groups, activation=activation, **given)
    image = as_image(torch, x, given["positions"], given["padding"], given["padding_positions"])
    if image.shape[2] < (kernel[0] - 1) * given["dilation"] + 1:
        assert len(y) == 0  # what PyTorch refuses
        return
    expected = torch.nn.functional.conv2d(
        image,
        torch.from_numpy(weight),
        torch.from_numpy(bias),
        (given["stride"], given["stride_positions"]),
        dilation=(given["dilation"], given["dilation_positions"]),
        groups=groups,
    )
    if activation == "relu":
        expected = expected.relu()
    np.testing.assert_allclose(y, as_rows(expected), rtol=0, atol=EXACT)


@pytest.mark.law_framework_exact
@settings(deadline=None, max_examples=60)
@given(
    given=windows_of(dilated=False),
    channels=st.integers(1, 3),
    count=st.integers(1, 14),
    mode=st.sampled_from(["max", "mean"]),
    count_include_pad=st.booleans(),
)
def test_pool2d_of_torch(given, channels, count, mode, count_include_pad) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install pylstm[torch]")
    x = draw((count, given["positions"] * channels))
    y = reference.pool(x, mode, count_include_pad=count_include_pad, **given)
    kernel = given["kernel_size"], given["kernel_positions"]
    image = as_image(torch, x, given["positions"], given["padding"], (0, 0))
    if image.shape[2] < kernel[0]:
        assert len(y) == 0
        return
    stride, around = (given["stride"], given["stride_positions"]), given["padding_positions"]
    functional = torch.nn.functional
    if mode == "max":
        outside = functional.pad(image, around, value=-np.inf)
        expected = functional.max_pool2d(outside, kernel, stride)
    else:
        expected = functional.avg_pool2d(functional.pad(image, around), kernel, stride)
        if not count_include_pad:  # the share of a window that is inside of the row
            inside = functional.pad(torch.ones_like(image), around)
            expected = expected / functional.avg_pool2d(inside, kernel, stride)
    np.testing.assert_allclose(y, as_rows(expected), rtol=0, atol=EXACT)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("count_include_pad", [True, False])
def test_avgpool_with_torchs_own_padding(torch: Any, count_include_pad: bool) -> None:
    x = draw((4, 7 * 2))
    expected = torch.nn.functional.avg_pool1d(
        torch.from_numpy(x.reshape(4, 7, 2).transpose(0, 2, 1)), 3, 2, 1,
        count_include_pad=count_include_pad,
    )  # fmt: skip
    y = reference.pool(
        x, "mean", positions=7, kernel_positions=3, stride_positions=2, padding_positions=(1, 1),
        count_include_pad=count_include_pad,
    )  # fmt: skip
    np.testing.assert_allclose(
        y, expected.numpy().transpose(0, 2, 1).reshape(4, -1), rtol=0, atol=EXACT
    )


@pytest.mark.parametrize("mode", ["max", "mean"])
def test_pool1d_of_torch(torch: Any, mode: str) -> None:
    x = draw((17, 3))
    run = {"max": torch.nn.functional.max_pool1d, "mean": torch.nn.functional.avg_pool1d}[mode]
    expected = run(torch.from_numpy(x.T[None]), 4, 3)[0].numpy().T
    y = reference.pool(x, mode, kernel_size=4, stride=3)
    np.testing.assert_allclose(y, expected, rtol=0, atol=EXACT)


@settings(deadline=None, max_examples=40)
@given(
    left=st.integers(0, 4),
    right=st.integers(0, 4),
    stride=st.integers(1, 4),
    count=st.integers(1, 9),
    width=st.integers(1, 3),
)
def test_a_stack_holds_the_rows_around_each(left, right, stride, count, width) -> None:
    x = draw((count, width))
    y = reference.stack(x, left, right, stride)
    assert len(y) == -(-count // stride)
    for j, row in enumerate(y):
        for place, part in enumerate(np.split(row, left + 1 + right)):
            t = j * stride - left + place
            np.testing.assert_array_equal(part, x[t] if 0 <= t < count else 0)


@pytest.mark.parametrize("kind", ["conv", "pool", "stack"])
def test_a_batch_is_its_sequences_and_settings_may_be_spelt_out(kind: str) -> None:
    numbers = {
        "conv": {
            "positions": 3, "stride": 2, "dilation": 2, "padding": (2, 0), "groups": 2,
            "padding_positions": (1, 0), "activation": "relu",
        },
        "pool": {
            "mode": "mean", "positions": 3, "kernel_size": 2, "padding": (0, 1),
            "kernel_positions": 2, "padding_positions": (1, 0), "count_include_pad": False,
        },
        "stack": {"left": 2, "right": 1, "stride": 2},
    }[kind]  # fmt: skip
    weights = {"weight": draw((4, 1, 2, 2), 1), "bias": draw((4,), 2)}
    x, lengths = draw((9, 4, 6)), [9, 1, 4, 8]
    y, state, _ = LAYERS[kind](x, {**numbers, "weights": weights}, lengths=lengths)
    assert state is None
    spelt = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
        for name, value in numbers.items()
    }
    for b, count in enumerate(lengths):
        alone, _, _ = LAYERS[kind](x[:count, b], {**spelt, "weights": weights})
        np.testing.assert_array_equal(y[: len(alone), b], alone)
        assert (y[len(alone) :, b] == 0).all()
