"""Layers with a window in time over whole batches: outputs, lengths and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.reference.layers import LAYERS
from tests.layers.window_layer_cases import drawn_layer, in_torch, torch_weights

pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")

batches = st.lists(st.integers(1, 20), min_size=1, max_size=5)


def drawn(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def past(counts: Any, rows: int) -> np.ndarray:
    """Which rows are past the end of their sequence: (rows, B)."""
    return np.arange(rows)[:, None] >= np.asarray(counts)


@pytest.mark.law_framework_exact
@settings(deadline=None, max_examples=80)
@given(layer=drawn_layer(), lengths=batches)
def test_forward_is_the_reference(layer: Any, lengths: list[int]) -> None:
    x = drawn((max(lengths), len(lengths), layer.input_size))
    x[past(lengths, len(x))] = np.nan  # nobody reads it
    y, state = layer.forward(x, None, np.array(lengths))
    assert state is None
    counts = layer.n_rows_out(np.array(lengths))
    assert y.dtype == np.float32
    assert y.shape == (counts.max(), len(lengths), layer.n_outputs)
    assert (y[past(counts, len(y))] == 0).all()
    own = {**layer._arguments(), "weights": layer.weights}
    for b, count in enumerate(lengths):
        expected, _, _ = LAYERS[layer.kind](x[:count, b], own)
        assert len(expected) == counts[b] == layer.n_rows_out(count)
        scale = np.abs(expected).max(initial=1)
        np.testing.assert_allclose(y[: counts[b], b], expected, rtol=0, atol=1e-5 * scale)
    alone, _ = layer.forward(x[: lengths[0], 0])
    np.testing.assert_allclose(alone, y[: counts[0], 0], rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.law_framework_exact
@settings(deadline=None, max_examples=80)
@given(layer=drawn_layer(), lengths=batches)
def test_gradients_are_those_of_torch(layer: Any, lengths: list[int]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install pylstm[torch]")
    from pylstm.bulk.bulk_layer import PassSettings
    from pylstm.bulk.packed_sequences import Packed

    counts = layer.n_rows_out(np.array(lengths))
    x = drawn((max(lengths), len(lengths), layer.input_size))
    dy = drawn((counts.max(), len(lengths), layer.n_outputs), 1)
    weights = torch_weights(layer)
    inputs = [torch.tensor(x[:n, b], requires_grad=True) for b, n in enumerate(lengths)]
    outputs = [in_torch(layer, own, weights) for own in inputs]
    ours, _ = layer.forward(x, None, np.array(lengths))
    corners = layer.kind == "conv" and layer.activation == "relu"
    for b, rows in enumerate(outputs):
        own = ours[: counts[b], b]
        if corners:  # where rounding decides on the side of a corner, no gradient flows
            side = (own > 0) != (rows.detach().numpy() > 0)
            dy[: counts[b], b][side] = 0
        scale = np.abs(own).max(initial=1)
        np.testing.assert_allclose(own, rows.detach(), rtol=0, atol=1e-5 * scale)
    loss = sum((y * torch.tensor(dy[: len(y), b])).sum() for b, y in enumerate(outputs))
    if loss.requires_grad:  # else there are no rows, and no gradients
        loss.backward()

    runner = layer.in_bulk(layer.weights, gradients=True)
    packed = Packed(*x.shape[:2], np.array(lengths))
    after = runner.out_packed(packed)
    _, end, tape = runner.forward(packed.pack(x), packed, None, PassSettings(keep=True))
    assert end == ()
    gradients = {name: np.ones_like(w) for name, w in layer.weights.items()}
    d_rows, _ = runner.backward(tape, after.pack(dy), None, gradients, True)
    d_x = packed.unpack(d_rows)
    floor = 1e-6 * np.sqrt(1 + counts.sum())
    for b, own in enumerate(inputs):
        theirs = torch.zeros_like(own) if own.grad is None else own.grad
        largest = float(theirs.abs().max())
        np.testing.assert_allclose(
            d_x[: lengths[b], b], theirs, rtol=0, atol=1e-4 * largest + floor
        )
    for name, w in weights.items():
        theirs = torch.zeros_like(w) if w.grad is None else w.grad
        largest = float(theirs.abs().max())
        # They are added to what was there.
        np.testing.assert_allclose(
            gradients[name] - 1, theirs, rtol=0, atol=1e-4 * largest + floor + 1e-6 * largest
        )
    only = {name: np.zeros_like(w) for name, w in layer.weights.items()}
    _, _, tape = runner.forward(packed.pack(x), packed, None, PassSettings(keep=True))
    nothing, _ = runner.backward(tape, after.pack(dy), None, only, False)
    assert nothing is None


def test_a_long_batch_is_run_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of all rows at once would be many times the rows."""
    layer = pylstm.Conv(6, 5, 3, 2, "causal", positions=3, kernel_positions=2, seed=0)
    x = drawn((50, 3, 6))
    whole, _ = layer.forward(x, None, np.array([50, 31, 2]))
    monkeypatch.setattr("pylstm.layers.window_layer.FLOATS_AT_ONCE", 1)
    parts, _ = layer.forward(x, None, np.array([50, 31, 2]))
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-6)


def test_sequences_that_are_shorter_than_a_window_have_no_rows() -> None:
    layer = pylstm.Conv(4, 3, 5, seed=0)
    y, _ = layer.forward(drawn((4, 2, 4)))
    assert y.shape == (0, 2, 3)
    y, _ = layer.forward(drawn((9, 3, 4)), None, np.array([4, 9, 5]))
    assert y.shape == (5, 3, 3)
    assert (y[:, 0] == 0).all()
    assert (y[1:, 2] == 0).all()
    assert y[0, 2].any()
