"""The gates that a trace shows are those that made the outputs."""

from __future__ import annotations

import numpy as np
import pytest

import pylstm
from pylstm import reference


@pytest.mark.parametrize("hidden_size", [1, 13, 16, 40])
def test_trace_is_what_the_engine_used(isa: str, hidden_size: int) -> None:
    lstm = pylstm.LSTM(5, hidden_size, num_layers=3, seed=0)
    x = np.random.default_rng(1).standard_normal((40, 5)).astype(np.float32)
    gates = lstm.trace(x)
    stream = pylstm.Model(None, [lstm]).stream()
    np.testing.assert_array_equal(gates[-1].h, stream.push_frames(x))
    for layer, (h, c) in zip(gates, stream.state, strict=True):
        np.testing.assert_array_equal(layer.h[-1], h)
        np.testing.assert_array_equal(layer.c[-1], c)
        for t in range(1, len(x)):
            cell = layer.f[t] * layer.c[t - 1] + layer.i[t] * layer.g[t]
            np.testing.assert_allclose(layer.c[t], cell, rtol=0, atol=1e-6)
        np.testing.assert_allclose(layer.h, layer.o * np.tanh(layer.c), rtol=0, atol=1e-6)


def test_trace_against_the_reference() -> None:
    lstm = pylstm.LSTM(5, 9, num_layers=2, seed=0)
    x = np.random.default_rng(1).standard_normal((30, 5)).astype(np.float32)
    _, _, expected = reference.lstm(x, lstm.weights, 2)
    for layer, gates in enumerate(lstm.trace(x)):
        for name in "ifgoch":
            np.testing.assert_allclose(
                getattr(gates, name), trace_of(expected, layer, name), rtol=0, atol=1e-5
            )


def trace_of(trace: object, layer: int, name: str) -> np.ndarray:
    return np.asarray(trace[layer][name])  # type: ignore[index]


def test_batches_and_states() -> None:
    lstm = pylstm.LSTM(5, 9, num_layers=2, seed=0)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((20, 3, 5)).astype(np.float32)
    h, c = rng.standard_normal((2, 2, 3, 9)).astype(np.float32)
    batch = lstm.trace(x, (h, c))
    for column in range(3):
        alone = lstm.trace(x[:, column], (h[:, column], c[:, column]))
        for together, single in zip(batch, alone, strict=True):
            for name in "ifgoch":
                np.testing.assert_array_equal(
                    getattr(together, name)[:, column], getattr(single, name)
                )
    assert lstm.trace(x[:0])[1].f.shape == (0, 3, 9)


@pytest.mark.parametrize(
    ("x", "state", "error", "message"),
    [
        (np.zeros((3, 5)), None, TypeError, "x is float64"),
        ([[0.0]], None, TypeError, "x is list"),
        (np.zeros((3, 4), "f4"), None, ValueError, r"\(3, 4\); expected \(T, 5\) or \(T, B, 5\)"),
        (np.zeros(5, "f4"), None, ValueError, "x has shape"),
        (np.full((3, 5), np.inf, "f4"), None, ValueError, "is inf"),
        (np.zeros((3, 5), "f4"), (np.zeros((1, 9), "f4"),) * 2, ValueError, "h of state has shape"),
        (np.zeros((3, 5), "f4"), (np.zeros((2, 9)),) * 2, TypeError, "float64"),
    ],
)
def test_refusals(x: object, state: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        pylstm.LSTM(5, 9, num_layers=2, seed=0).trace(x, state)
