"""What kernels promise each other.

The same bits from all that fuse multiply and add, and 1e-5 from those that do not.
"""

from __future__ import annotations

import numpy as np
import pytest

import pylstm
from tests.instruction_sets import ISAS


def outputs(isa: str, monkeypatch: pytest.MonkeyPatch, layers: list, x: np.ndarray) -> np.ndarray:
    monkeypatch.setenv("PYLSTM_ISA", isa)
    model = pylstm.Model(None, layers)
    assert model.isa == isa
    return model.stream().push_frames(x)


@pytest.mark.parametrize("hidden_size", [1, 16, 31, 65, 128])
@pytest.mark.parametrize("n_frames", [1, 2, 5, 6, 7, 11, 12, 13, 400])
def test_kernels_agree(hidden_size: int, n_frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((n_frames, 13)).astype(np.float32)
    layers = [
        pylstm.LSTM(13, hidden_size, num_layers=2, seed=0),
        pylstm.Dense(hidden_size, 70, "tanh", seed=1),
        pylstm.Dense(70, 12, "softmax", seed=2),
    ]
    results = {isa: outputs(isa, monkeypatch, layers, x) for isa in ISAS}
    fused = [result for isa, result in results.items() if isa != "scalar"]
    for result in fused[1:]:
        np.testing.assert_array_equal(result, fused[0])
    for result in results.values():
        np.testing.assert_allclose(result, results["scalar"], rtol=0, atol=1e-5)


def ulp(value: np.ndarray, exact: np.ndarray) -> np.ndarray:
    return np.abs(value - exact) / np.spacing(
        np.maximum(np.abs(exact), np.finfo("f4").tiny).astype("f4")
    )


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "bound"), [("sigmoid", 3.5), ("tanh", 3.5)])
def test_gate_functions_over_the_floats(isa: str, activation: str, bound: float) -> None:
    """Every 4,001st float32, both signs: the error in ULP (docs/accuracy.md sweeps all)."""
    bits = np.arange(0, 0x7F800000, 4001, dtype=np.uint32)
    x = np.concatenate([bits.view(np.float32), -bits.view(np.float32)])
    weights = {"weight": np.ones((1, 1), np.float32)}
    layer = pylstm.Dense(1, 1, activation, bias=False, weights=weights)
    y = pylstm.Model(None, [layer]).stream().push_frames(x[:, None])[:, 0]
    z = x.astype(np.float64)
    # Subnormals are read as zero, so tanh of one is 0; sigmoid below -87 is flushed with them.
    if activation == "tanh":
        exact = np.where(np.abs(z) < np.finfo(np.float32).tiny, 0, np.tanh(z))
    else:
        exact = np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))
    usual = (z > -87) | (activation == "tanh")
    assert ulp(y.astype(np.float64), exact)[usual].max() <= bound
    assert (np.abs(y[~usual]) <= 1e-37).all()
    assert (np.abs(y) <= 1).all()


def test_softmax_of_extremes(isa: str) -> None:
    n = 21
    weights = {"weight": np.eye(n, dtype=np.float32)}
    layer = pylstm.Dense(n, n, "softmax", bias=False, weights=weights)
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((200, n)) * 10.0 ** rng.uniform(-3, 4, (200, 1))).astype(np.float32)
    y = pylstm.Model(None, [layer]).stream().push_frames(x)
    z = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True))
    np.testing.assert_allclose(y, z / z.sum(axis=1, keepdims=True), rtol=0, atol=1e-6)
