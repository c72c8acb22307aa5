"""Layer norm: accuracy where it is hard, on every instruction set, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.reference.layers import LAYERS
from pylstm.safetensors_encoding import encode_model
from tests.instruction_sets import ISAS

LARGEST = float(np.finfo(np.float32).max)
TOLERANCE = 1e-6


def normed(layer: pylstm.LayerNorm, x: np.ndarray) -> np.ndarray:
    return pylstm.Model(None, [layer]).stream().push_frames(x)


def expected(layer: pylstm.LayerNorm, x: np.ndarray) -> np.ndarray:
    return LAYERS["norm"](x, {**layer._arguments(), "weights": layer.weights})[0]


def assert_near(y: np.ndarray, exact: np.ndarray) -> None:
    """Within TOLERANCE of 1, or of a value above it."""
    assert (np.abs(y - exact) <= TOLERANCE * np.maximum(1, np.abs(exact))).all()


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    channels=st.one_of(st.integers(1, 70), st.sampled_from([128, 257, 1000])),
    positions=st.sampled_from([1, 1, 2, 5, 16]),
    middle=st.sampled_from([0.0, -1.0, 100.0, 1e4, -1e6]),
    scale=st.sampled_from([1e-20, 1e-3, 1.0, 1e3, 1e15]),
    eps=st.sampled_from([1e-5, 1e-7, 1e-3, 1.0]),
    affine=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_is_the_reference_of_the_same_floats(
    isa: str,
    channels: int,
    positions: int,
    middle: float,
    scale: float,
    eps: float,
    affine: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    x = (middle + scale * rng.standard_normal((9, positions * channels))).astype(np.float32)
    layer = pylstm.LayerNorm(positions * channels, eps, affine, positions)
    if affine:
        shapes = layer.shapes.items()
        layer = layer.with_weights({n: rng.standard_normal(s).astype("f4") for n, s in shapes})
    y = normed(layer, x)
    # Where nearly everything cancels, the bias is what is left.
    assert_near(y, expected(layer, x))
    np.testing.assert_allclose(layer.forward(x)[0], y, rtol=3e-6, atol=3e-6)


@pytest.mark.parametrize("width", [1, 16, 17, 300])
def test_finite_rows_give_finite_rows(isa: str, width: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.choice([-LARGEST, LARGEST, 0.0, 1e-38, 1e30], (200, width)).astype("f4")
    x[0], x[1], x[2] = LARGEST, -LARGEST, 0
    y = normed(pylstm.LayerNorm(width), x)
    assert np.isfinite(y).all()
    # Rows without a difference have none afterwards.
    np.testing.assert_array_equal(y[:3], 0)


def test_sets_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the width of their vectors: the sums are in one order."""
    x = np.random.default_rng(0).standard_normal((50, 333)).astype("f4")
    found = []
    for isa in ISAS:
        monkeypatch.setenv("PYLSTM_ISA", isa)
        found.append(normed(pylstm.LayerNorm(333, positions=9), x))
    fused = [y for isa, y in zip(ISAS, found, strict=True) if isa != "scalar"]
    assert all(y.tobytes() == fused[0].tobytes() for y in fused)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("eps", [1e-5, 1e-7])
def test_is_the_layer_norm_of_torch(isa: str, eps: float) -> None:
    torch = pytest.importorskip("torch", reason="the oracle: pip install 'pylstm[torch]'")
    torch.manual_seed(0)
    module = torch.nn.LayerNorm(129, eps)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    weights = {name: p.detach().numpy() for name, p in module.named_parameters()}
    layer = pylstm.LayerNorm(129, eps, weights=weights)
    x = torch.randn(1000, 129)
    with torch.no_grad():
        np.testing.assert_allclose(normed(layer, x.numpy()), module(x), rtol=0, atol=3e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eps": 0}, "eps is 0; expected 1e-30 or more"),
        ({"eps": -1.0}, r"eps is -1\.0; expected 1e-30 or more"),
        ({"eps": float("nan")}, "eps is nan; expected 1e-30"),
        ({"positions": 5}, "positions is 5; expected a divisor of .* 12"),
    ],
)
def test_arguments_that_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pylstm.LayerNorm(12, **arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"eps": "0"}, r"\[value\] 'layers.0.eps' is '0'; expected a number from 1e-30 to 1e"),
        ({"positions": "5"}, r"\[value\] layers.0.positions is 5; expected a divisor of 12"),
        ({"positions": "2"}, r"\[tensor-shape\] .*'layers.0.weight'"),
        ({"affine": "false"}, r"\[unused-tensor\] .*'layers.0.weight'"),
    ],
)
def test_files_that_are_refused(changes: dict[str, str], message: str) -> None:
    layer = pylstm.LayerNorm(12)
    with pytest.raises(pylstm.ModelFileError, match=message):
        pylstm.Model.from_bytes(
            encode_model(None, [(layer.config() | changes, layer.tensors())], format=2)
        )
