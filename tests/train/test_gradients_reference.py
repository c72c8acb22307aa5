"""Gradients of networks against finite differences of pylstm.reference in float64: PyTorch is not
needed. Those of single layers: tests/layers/test_layer_passes.py."""

import functools

import numpy as np
import pytest

import pylstm
from tests.finite_differences import assert_gradients, clear_passage, differences
from tests.network_passes import network_passes, passage, recurrent, scalar

pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")
pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm.train import Network


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["linear", "sigmoid", "tanh", "relu", "softmax"])
def test_dense_layers(activation):
    layers = [
        pylstm.Dense(3, 4, activation, seed=1),
        recurrent("gru", 4, 3, seed=2),
        pylstm.Dense(3, 2, activation, bias=False, seed=3),
    ]
    assert_gradients(layers, clear_passage(layers, 4, 3))


@functools.cache
def network_case():
    layers = [recurrent("lstm", 2, 3, seed=1, bidirectional=True), recurrent("gru", 6, 2, seed=2)]
    given = passage(layers, 4, 3, 1)
    return layers, given, differences(layers, given)


@pytest.mark.slow
@pytest.mark.parametrize(("threads", "recompute"), [(2, None), (1, 1), (3, 2)])
def test_threads_and_recomputing(threads, recompute):
    layers, given, expected = network_case()
    assert_gradients(layers, given, Network(layers, threads=threads, recompute=recompute), expected)


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
