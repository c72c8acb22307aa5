"""Gradients against finite differences of pylstm.reference in float64: PyTorch is not needed."""

import functools
import itertools

import numpy as np
import pytest

import pylstm
from tests.network_passes import (
    KINDS,
    Passage,
    as_state,
    assert_close,
    network_passes,
    parts,
    passage,
    recurrent,
    reference_pass,
    scalar,
)

pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")
pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm.train import Network

STEP = 1e-5

# Differences over 2 STEP of values near 1 lose half of the digits of float64: what is left is
# better than float32.
GRADIENTS = 1e-4


def central_differences(f, at):
    """df / d(each value), `at` being changed in place and restored."""
    found = np.empty(at.shape)
    for place in np.ndindex(at.shape):
        value = at[place]
        at[place] = value + STEP
        above = f()
        at[place] = value - STEP
        found[place] = (above - f()) / (2 * STEP)
        at[place] = value
    return found


def differences(layers, given):
    """The gradients of a passage: of weights, inputs, and of each part of each state."""
    weights = {
        f"{place}.{name}": w.astype(np.float64)
        for place, layer in enumerate(layers)
        for name, w in layer.weights.items()
    }
    x = given.x.astype(np.float64)
    state = [None if s is None else [p.astype(np.float64) for p in parts(s)] for s in given.state]

    def loss():
        begin = [None if s is None else as_state(s) for s in state]
        at = Passage(x, given.lengths, begin, given.d_outputs, given.d_state)
        return scalar(given, *reference_pass(layers, at, weights)[:2])

    return (
        {name: central_differences(loss, w) for name, w in weights.items()},
        central_differences(loss, x),
        [[central_differences(loss, p) for p in s or []] for s in state],
    )


def check(layers, given, network=None, expected=None):
    """Outputs and every gradient of a pass."""
    found = network_passes(network or Network(layers), given)
    outputs, ends, corner = reference_pass(layers, given)
    assert corner > 100 * STEP
    np.testing.assert_allclose(found.outputs, outputs, rtol=0, atol=1e-5)
    for ours, theirs in zip(found.state, ends, strict=True):
        if theirs is not None:
            for a, b in zip(parts(ours), parts(theirs), strict=True):
                np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
    weights, d_x, d_state = expected or differences(layers, given)
    assert weights.keys() == found.gradients.keys()
    for name, d in weights.items():
        assert_close(name, found.gradients[name], d, GRADIENTS)
    assert_close("d_x", found.d_x, d_x, GRADIENTS)
    for ours, theirs in zip(found.d_state, d_state, strict=True):
        for a, b in zip(parts(ours) if theirs else (), theirs, strict=True):
            assert_close("d_state", a, b, GRADIENTS)


def clear_passage(layers, count, batch):
    """The first of some where no difference moves a sum over the corner of a ReLU."""
    return next(
        given
        for seed in itertools.count()
        if reference_pass(layers, given := passage(layers, count, batch, seed))[2] > 100 * STEP
    )


@functools.cache
def recurrent_case(kind, num_layers, bidirectional, bias):
    """A layer, a passage, its gradients: the same for all kernels."""
    layer = recurrent(
        kind, 2, 3, num_layers=num_layers, bidirectional=bidirectional, bias=bias, seed=1
    )
    given = clear_passage([layer], 3, 2)
    return layer, given, differences([layer], given)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("num_layers", "bidirectional", "bias"),
    [(1, False, True), (1, True, False), (2, False, False), (2, True, True)],
)
def test_a_recurrent_layer(bulk_isa, kind, num_layers, bidirectional, bias):
    layer, given, expected = recurrent_case(kind, num_layers, bidirectional, bias)
    check([layer], given, expected=expected)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["linear", "sigmoid", "tanh", "relu", "softmax"])
def test_dense_layers(activation):
    layers = [
        pylstm.Dense(3, 4, activation, seed=1),
        recurrent("gru", 4, 3, seed=2),
        pylstm.Dense(3, 2, activation, bias=False, seed=3),
    ]
    check(layers, clear_passage(layers, 4, 3))


@functools.cache
def network_case():
    layers = [recurrent("lstm", 2, 3, seed=1, bidirectional=True), recurrent("gru", 6, 2, seed=2)]
    given = passage(layers, 4, 3, 1)
    return layers, given, differences(layers, given)


@pytest.mark.slow
@pytest.mark.parametrize(("threads", "recompute"), [(2, None), (1, 1), (3, 2)])
def test_threads_and_recomputing(threads, recompute):
    layers, given, expected = network_case()
    check(layers, given, Network(layers, threads=threads, recompute=recompute), expected)


# --- dropout --------------------------------------------------------------------------------------


def outputs_of(network, x, seed, lengths=None):
    return network.forward(x, lengths, rng=np.random.default_rng(seed))[0]


@pytest.mark.parametrize("recompute", [None, 3])
@pytest.mark.parametrize("threads", [1, 2])
def test_dropout_drops_the_same_in_both_directions(threads, recompute):
    """Gradients are those of a function that a seed makes one function: the loss's change along
    the gradient is its squared length. In float32: as good as that can be."""
    layer = recurrent("lstm", 4, 16, num_layers=3, dropout=0.5, bidirectional=True, seed=1)
    network = Network([layer], threads=threads, recompute=recompute)
    given = passage([layer], 9, 4, 2)
    found = network_passes(network, given, np.random.default_rng(3))
    gradient = network.gradients.astype(np.float64)
    begin = network.parameters.copy()
    step = 1e-2 / np.linalg.norm(gradient)
    values = []
    for sign in (1, -1):
        network.parameters[:] = begin + sign * step * gradient
        outputs, ends, _ = network.forward(
            given.x, given.lengths, given.state, rng=np.random.default_rng(3)
        )
        values.append(scalar(given, outputs.astype(np.float64), ends))
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(gradient @ gradient, rel=1e-3)
    network.parameters[:] = begin
    again = network_passes(network, given, np.random.default_rng(3))
    assert again.outputs.tobytes() == found.outputs.tobytes()


def test_dropout_keeps_the_expectation_and_needs_a_generator():
    """Through one layer that is linear near 0: a ReLU RNN of the identity."""
    width, p = 64, 0.3
    ones = np.eye(width, dtype=np.float32)
    none = np.zeros((width, width), np.float32)
    weights = {
        name: none if "hh" in name else ones
        for name in ("weight_ih_l0", "weight_hh_l0", "weight_ih_l1", "weight_hh_l1")
    }
    layer = pylstm.RNN(width, width, 2, "relu", False, weights, dropout=p)
    network = Network([layer])
    x = np.ones((200, 20, width), np.float32)
    np.testing.assert_array_equal(network.forward(x)[0], 1)
    y = outputs_of(network, x, 1)
    kept = np.float32(1 / (1 - p))
    assert set(np.unique(y)) == {np.float32(0), kept}
    share = (y == 0).mean()
    # Five standard deviations of a share of so many draws; by frame and by unit too.
    assert abs(share - p) < 5 * np.sqrt(p * (1 - p) / y.size)
    for axes in [(1, 2), (0, 1)]:
        shares = (y == 0).mean(axis=axes)
        assert np.abs(shares - p).max() < 6 * np.sqrt(p * (1 - p) * shares.size / y.size)
    assert outputs_of(network, x, 1).tobytes() == y.tobytes()
    assert outputs_of(network, x, 2).tobytes() != y.tobytes()
    rng = np.random.default_rng(1)
    first, second = (network.forward(x, rng=rng)[0] for _ in range(2))
    assert first.tobytes() == y.tobytes()
    assert second.tobytes() != y.tobytes()
    # A layer of its own, outside of training, drops nothing.
    np.testing.assert_array_equal(layer.forward(x)[0], 1)


def test_dropout_after_the_last_layer_and_without_layers_between_is_none():
    layer = recurrent("gru", 5, 7, num_layers=2, dropout=0.9, seed=1)
    x = np.random.default_rng(0).standard_normal((30, 3, 5), np.float32)
    # Outputs of the last layer are all there.
    assert (outputs_of(Network([layer]), x, 0) != 0).all()
