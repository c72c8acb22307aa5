"""pylstm.train.Network: what it refuses, whose its weights are, and what it keeps in memory."""

import threading
import tracemalloc

import numpy as np
import pytest

import pylstm
from tests.network_passes import LAYER, PLAIN, X, frames, recurrent, with_value

pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")


# --- networks -------------------------------------------------------------------------------------


@pytest.fixture
def network():
    pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")
    from pylstm.train import Network

    return Network([LAYER, pylstm.Dense(6, 2, seed=1), PLAIN.__class__(2, 3, seed=1)])


def test_a_network_refuses_what_a_layer_refuses(network):
    for x in (X.astype(np.float64), np.ma.masked_array(X)):
        with pytest.raises(TypeError, match="x is"):
            network.forward(x)
    for x in (X[:, 0], X[..., :3], X[:0], with_value(np.nan)):
        with pytest.raises(ValueError, match="x h"):
            network.forward(x)
    with pytest.raises(ValueError, match=r"lengths\[0\] is 0"):
        network.forward(X, [0, 1, 1])


def test_a_network_refuses_states_of_others(network):
    _, state, _ = network.forward(X)
    good = network.forward(X, None, state)[0]
    assert np.isfinite(good).all()
    (h, c), _, g = state
    bad = [
        ([(h, c)], "3"),
        ([(h, c), None, g[:, :1]], "shape"),  # would be spread over all sequences
        ([(h[:, :1], c[:, :1]), None, g], "shape"),
        ([(h, c), None, g.astype(np.float64)], "float64"),
        ([h, None, g], r"\(h, c\)"),
        ([(h, c), None, (g, g)], "state"),
        ([(h, c), g, g], "Dense"),
        ([(h * np.float32(np.inf), c), None, g], "NaN or infinity"),
    ]
    for wrong, message in bad:
        with pytest.raises((TypeError, ValueError), match=message):
            network.forward(X, None, wrong)
    # None: zeros.
    assert network.forward(X, None, [None] * 3)[0].tobytes() == network.forward(X)[0].tobytes()


def test_a_network_refuses_gradients_that_do_not_fit(network):
    y, state, tape = network.forward(X, training=True)
    (h, c), _, g = state
    for d, kind in [
        (y.astype(np.float64), TypeError),
        (y[:-1], ValueError),
        (y[..., :1], ValueError),
        (None, TypeError),
        (np.ma.masked_array(y), TypeError),
    ]:
        with pytest.raises(kind, match="d_outputs"):
            network.backward(tape, d)
    for d_state in ([(h, c)], [(h, c), None, g[:, :1]], [h, None, g], [(h, c), g, g]):
        with pytest.raises((TypeError, ValueError), match="d_state"):
            network.backward(tape, y, d_state)
    network.backward(tape, y, [(h, c), None, g])
    with pytest.raises(ValueError, match="tape"):  # used up
        network.backward(tape, y)
    with pytest.raises(TypeError, match="training=True"):
        network.backward(network.forward(X)[2], y)


def test_a_network_refuses_settings():
    pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")
    from pylstm.train import Network

    for recompute in (0, -1, 2.5, True, "3"):
        with pytest.raises((TypeError, ValueError), match="recompute is"):
            Network([LAYER], recompute=recompute)
    for threads in (0, 257, 1.5, True, "2"):
        with pytest.raises((TypeError, ValueError), match="threads is"):
            Network([LAYER], threads=threads)
    for layers, kind, message in [
        (LAYER, TypeError, "one LSTM"),
        ([], ValueError, "no layers"),
        ([LAYER, "x"], TypeError, r"layers\[1\] is str"),
        ([LAYER, PLAIN], ValueError, r"layers\[1\] takes 4 values but layers\[0\] gives 6"),
        ([LAYER.quantize("int8")], ValueError, r"layers\[0\] is int8"),
    ]:
        with pytest.raises(kind, match=message):
            Network(layers)


def test_a_network_owns_its_weights(network):
    before = LAYER.weights["weight_ih_l0"].copy()
    layers = network.layers()
    assert layers[0] == LAYER
    network.parameters[:] = 7
    np.testing.assert_array_equal(LAYER.weights["weight_ih_l0"], before)
    np.testing.assert_array_equal(layers[0].weights["weight_ih_l0"], before)
    assert all((w == 7).all() for layer in network.layers() for w in layer.weights.values())
    assert sum(view.size for view in network.names.values()) == network.parameters.size


def test_networks_in_several_threads_leave_blas_as_it_was():
    threadpoolctl = pytest.importorskip(
        "threadpoolctl", reason="for training: pip install 'pylstm[train]'"
    )
    from pylstm.train import Network

    Network([PLAIN]).forward(X)  # loads every BLAS

    def threads_of_blas():
        return [
            p["num_threads"] for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"
        ]

    def run():
        network = Network([PLAIN])
        for _ in range(40):
            network.forward(X)

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = threads_of_blas()
        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert threads_of_blas() == before


# --- memory ---------------------------------------------------------------------------------------


def traced_bytes(network, make_x, backward=False):
    """Bytes that NumPy holds after a forward pass for training, inputs and outputs included, and
    the most that it held until the end of a backward pass."""
    make_x()
    tracemalloc.start()
    try:
        x = make_x()
        y, _, tape = network.forward(x, training=True, rng=np.random.default_rng(0))
        held, _ = tracemalloc.get_traced_memory()
        if backward:
            network.backward(tape, y.copy())
        _, peak = tracemalloc.get_traced_memory()
        return held, peak
    finally:
        tracemalloc.stop()


STACKS = {
    "lstm": [recurrent("lstm", 40, 64, num_layers=2, seed=1)],
    "odd": [recurrent("lstm", 13, 50, seed=1), pylstm.Dense(50, 3, "softmax", seed=1)],
    "gru": [recurrent("gru", 40, 64, num_layers=3, bidirectional=True, dropout=0.2, seed=1)],
    "rnn": [recurrent("rnn_tanh", 100, 30, bidirectional=True, seed=1)],
    "projected": [recurrent("projected", 30, 96, num_layers=2, seed=1)],
    "dense": [
        pylstm.Dense(20, 64, "tanh", seed=1),
        recurrent("lstm", 64, 32, seed=1),
        pylstm.Dense(32, 60, "relu", seed=1),
        recurrent("gru", 60, 32, seed=1),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STACKS)
def test_memory_is_what_is_said(name):
    pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")
    from pylstm.train import Network

    network = Network(STACKS[name])
    short, long = (
        traced_bytes(network, lambda n=n: frames(n, 8, STACKS[name][0].input_size))[0]
        for n in (100, 300)
    )
    # What is packed once is not among it.
    assert (long - short) / 1600 == pytest.approx(network.kept_bytes_per_frame, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm", "gru", "projected"])
def test_recomputing_needs_less(name):
    pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")
    from pylstm.train import Network

    layers = STACKS[name]
    peaks = [
        traced_bytes(
            Network(layers, recompute=recompute),
            lambda: frames(300, 8, layers[0].input_size),
            backward=True,
        )[1]
        for recompute in (None, 20)
    ]
    assert peaks[1] < 0.6 * peaks[0]
