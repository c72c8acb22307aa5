"""Gradients by finite differences of pylstm.reference in float64."""

import itertools

import numpy as np

from tests.network_passes import (
    Passage,
    as_state,
    assert_close,
    network_passes,
    parts,
    passage,
    reference_pass,
    scalar,
)

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


def assert_gradients(layers, given, network=None, expected=None):
    """Outputs and every gradient of a pass."""
    from pylstm.train import Network

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
