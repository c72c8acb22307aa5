"""Batches in which a window has no row for some of the sequences, with any layer behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm import GRU, LSTM, RNN, Activation, Add, Affine, Conv, Dense, LayerNorm, Pool, Stack

pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm.train import Adam, Arrays, CrossEntropy, Network, fit

OPTIONS: dict[str, Any] = {"proj_size": 3, "peepholes": True, "coupled": True}

BEHIND: dict[str, Any] = {
    "lstm": LSTM(5, 6, 2, seed=1),
    "both directions": GRU(5, 6, 2, bidirectional=True, seed=1),
    "gru": GRU(5, 6, reset_after=False, seed=1),
    "rnn": RNN(5, 6, seed=1),
    "options": LSTM(5, 6, **OPTIONS, bidirectional=True, seed=1),
    "normalised": LSTM(5, 6, layer_norm=True, seed=1),
    "dense": Dense(5, 3, "softmax", seed=1),
    "norm": LayerNorm(5),
    "slopes": Activation(5, "prelu"),
    "affine": Affine(5),
    "pool": Pool(5, "max", 2),
    "stack": Stack(5, 1, 1),
    "conv": Conv(5, 3, 2, seed=1),
}


def window(stride: int = 1) -> Conv:
    return Conv(4, 5, 4, stride=stride, seed=0)


NETWORKS: dict[str, Any] = {
    **{name: [window(), layer] for name, layer in BEHIND.items()},
    "lstm behind a stride": [window(2), BEHIND["lstm"]],
    "a sum": {
        "window": window(),
        "lstm": LSTM(5, 5, seed=1),
        "sum": (Add(), "lstm", "window"),
        "head": Dense(5, 2, seed=2),
    },
    "rows from before": {
        "window": window(),
        "all": (Conv(4, 5, 1, seed=3), "features"),
        "sum": (Add(), "window", "all"),
        "gru": GRU(5, 2, seed=4),
    },
}


def parts(state: Any) -> list[NDArray[np.float32]]:
    return [] if state is None else list(state) if isinstance(state, tuple) else [state]


@pytest.mark.parametrize(("threads", "recompute"), [(1, None), (2, 2)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_batch_is_its_sequences_one_by_one(
    name: str, threads: int, recompute: int | None
) -> None:
    network = Network(NETWORKS[name], threads=threads, recompute=recompute)
    rng = np.random.default_rng(5)
    for lengths in ([12, 2, 7, 3], [1, 2, 3, 3], [3, 12, 1, 4]):
        x = rng.standard_normal((12, 4, 4)).astype(np.float32)
        y, state, tape = network.forward(x, np.array(lengths), training=True)
        dy = rng.standard_normal(y.shape).astype(np.float32)
        dx, _ = network.backward(tape, dy, d_inputs=True)
        gradients = network.gradients.copy()
        alone = np.zeros_like(gradients)
        for b, length in enumerate(lengths):
            own, end, tape = network.forward(x[:length, b : b + 1], training=True)
            np.testing.assert_allclose(own[:, 0], y[: len(own), b], atol=1e-5)
            assert not y[len(own) :, b].any()
            for in_batch, by_itself in zip(state, end, strict=True):
                for one, other in zip(parts(in_batch), parts(by_itself), strict=True):
                    np.testing.assert_allclose(one[:, b], other[:, 0], atol=1e-5)
                    assert length >= 4 or not other.any()  # as it was before the first row
            own_dx, _ = network.backward(tape, dy[: len(own), b : b + 1].copy(), d_inputs=True)
            np.testing.assert_allclose(own_dx[:, 0], dx[:length, b], atol=1e-5)
            alone += network.gradients
        np.testing.assert_allclose(gradients, alone, atol=1e-4)


@pytest.mark.parametrize("begin", [0.5, -0.25])
def test_a_sequence_without_rows_keeps_its_state(begin: float) -> None:
    network = Network([window(), LSTM(5, 6, seed=1)])
    state = tuple(np.full((1, 3, 6), begin, np.float32) for _ in range(2))
    _, after, _ = network.forward(np.ones((9, 3, 4), "f4"), np.array([3, 9, 1]), [None, state])
    for part in after[1]:
        assert (part[:, [0, 2]] == begin).all()
        assert (part[:, 1] != begin).any()


def test_training_refuses_a_sequence_that_has_no_row_to_learn_from() -> None:
    rng = np.random.default_rng(0)

    def sequences(shortest: int) -> Arrays:
        lengths = [12, shortest, 9]
        xs = [rng.standard_normal((n, 4)).astype(np.float32) for n in lengths]
        return Arrays(xs, [np.zeros(n, np.int64) for n in lengths])

    layers: list[pylstm.layers.Layer] = [
        window(),
        LSTM(5, 6, seed=1),
        Dense(6, 2, "softmax", seed=2),
    ]
    settings: dict[str, Any] = {"loss": CrossEntropy(), "optimiser": Adam(), "epochs": 1}
    with pytest.raises(ValueError, match=r"lengths\[\d\] is 3; expected 4 or more: "):
        fit(layers, sequences(3), **settings)
    fit(layers, sequences(4), **settings)
