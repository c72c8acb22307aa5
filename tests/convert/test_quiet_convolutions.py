"""Sums of convolutions in near silence, where their biases are a million times as large."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert.published.quiet_convolutions import with_quiet_sums

Array = NDArray[Any]

SIZES = ((129, 4, 128, 1), (128, 4, 64, 2), (64, 2, 64, 2), (64, 1, 128, 1))
"""Channels, positions, channels given, stride."""


def network(seed: int) -> dict[str, tuple[Any, ...]]:
    """Convolutions as in Silero VAD, with large biases, and a layer that takes their rows."""
    rng = np.random.default_rng(seed)
    layers: dict[str, tuple[Any, ...]] = {}
    before = "features"
    for place, (channels, positions, given, stride) in enumerate(SIZES):
        weight = rng.standard_normal((given, channels, 1, 3)) / np.sqrt(3 * channels)
        conv = pylstm.Conv(
            channels * positions,
            given,
            positions=positions,
            kernel_positions=3,
            stride_positions=stride,
            padding_positions=(1, 1),
            activation="relu",
            weights={
                "weight": weight.astype(np.float32),
                "bias": rng.uniform(-2, 20, given).astype(np.float32),
            },
        )
        layers[f"conv_{place}"] = (conv, before)
        before = f"conv_{place}"
    layers["last"] = (pylstm.Dense(128, 3, "tanh", seed=seed), before)
    return layers


def in_float64(layers: dict[str, tuple[Any, ...]], x: Array) -> Array:
    """The sums of the convolutions, tap by tap."""
    y = x.astype(np.float64)
    for (channels, positions, _, stride), (conv, _) in zip(SIZES, layers.values(), strict=False):
        weight = conv.weights["weight"][:, :, 0].astype(np.float64)
        rows = np.pad(y.reshape(len(y), positions, channels), ((0, 0), (1, 1), (0, 0)))
        taps = [rows[:, k : k + positions : stride] @ weight[:, :, k].T for k in range(3)]
        y = np.maximum(sum(taps) + conv.weights["bias"], 0).reshape(len(y), -1)
    return y


def rows_of(layers: dict[str, tuple[Any, ...]], x: Array) -> Array:
    rows: Array = pylstm.Model(None, layers).stream().push_frames(x)
    return rows


@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize("loudness", [0.0, 1e-5, 1.0])
def test_it_is_the_same_network(n: int, loudness: float) -> None:
    layers = network(n)
    x = loudness * np.abs(np.random.default_rng(n).standard_normal((20, 516)))
    x = x.astype(np.float32)
    quiet = {name: one for name, one in with_quiet_sums(layers, n).items() if name != "last"}
    assert len(quiet) == 4 + 2 * n + max(0, n - 1)
    expected = in_float64(layers, x)
    np.testing.assert_allclose(rows_of(quiet, x), expected, rtol=3e-6, atol=1e-5)
    y = rows_of(with_quiet_sums(layers, n), x)
    np.testing.assert_allclose(y, rows_of(layers, x), rtol=0, atol=1e-5)


def test_what_differs_from_silence_keeps_its_digits() -> None:
    """Hundreds of products that are far below the last digit of the bias."""
    layers = dict([next(iter(network(1).items()))])
    x = 1e-6 * np.abs(np.random.default_rng(1).standard_normal((50, 516)))
    x = x.astype(np.float32)
    expected = in_float64(layers, x)

    def error(some: dict[str, tuple[Any, ...]]) -> float:
        return float(np.sqrt(np.mean((rows_of(some, x) - expected) ** 2)))

    assert 2 * error(with_quiet_sums(layers, 1)) < error(layers)
