"""A small network in NumPy, sources of data and trainings, for the tests of the training loop."""

from __future__ import annotations

from typing import Any

import numpy as np

import pylstm
from pylstm.train.data.arrays import Arrays
from pylstm.train.data.batch import Batch
from pylstm.train.loop.fit import fit
from pylstm.train.losses.frame_losses import CrossEntropy
from pylstm.train.optimisers import Adam

WIDTH, CLASSES = 3, 2


class Sums:
    """Logits x W^T + b + v s, s being the sum of x so far: a state to carry, and dropout.

    What `pylstm.train.Network` is to the loop, in twenty lines.
    """

    def __init__(self, seed: int = 0, dropout: float = 0.0) -> None:
        draw = np.random.default_rng(seed)
        size = CLASSES * WIDTH + 2 * CLASSES
        self.parameters = draw.normal(0, 0.1, size).astype(np.float32)
        self.gradients = np.zeros(size, np.float32)
        self.dropout = dropout
        self.threads = 1
        self.forwards = 0

    @property
    def names(self) -> dict[str, np.ndarray]:
        return _named(self.parameters)

    def layers(self) -> list[pylstm.Dense]:
        weights = {name[2:]: view.copy() for name, view in self.names.items() if name[0] == "0"}
        return [pylstm.Dense(WIDTH, CLASSES, weights=weights)]

    def forward(
        self, x: Any, lengths: Any = None, state: Any = None, *, training: bool = False, rng: Any
        = None,
    ) -> Any:  # fmt: skip
        self.forwards += 1
        assert x.dtype == np.float32
        assert x.flags.c_contiguous
        if training and self.dropout:
            x = x * (rng.random(x.shape) >= self.dropout)
        w = self.names
        sums = np.cumsum(x.sum(axis=2, keepdims=True), axis=0, dtype=np.float32)
        if state is not None:
            sums = sums + state[0][0]
        ends = np.array([sums[n - 1, k] for k, n in enumerate(lengths)], np.float32)
        outputs = (x @ w["0.weight"].T + w["0.bias"] + sums * w["1.sums"]).astype(np.float32)
        outputs[np.arange(len(x))[:, None] >= lengths] = 0
        return outputs, [(ends[None],), None], (x, sums) if training else None

    def backward(self, tape: Any, d_outputs: Any) -> Any:
        x, sums = tape
        g = _named(self.gradients)
        g["0.weight"][...] = np.einsum("tbo,tbf->of", d_outputs, x)
        g["0.bias"][...] = d_outputs.sum(axis=(0, 1))
        g["1.sums"][...] = (d_outputs * sums).sum(axis=(0, 1))
        return None, None


def _named(flat: np.ndarray) -> dict[str, np.ndarray]:
    n = CLASSES * WIDTH
    return {
        # Laid out by columns, as a network may: names are views, not slices.
        "0.weight": flat[:n].reshape(WIDTH, CLASSES).T,
        "0.bias": flat[n : n + CLASSES],
        "1.sums": flat[n + CLASSES :],
    }


def sequences(n: int = 20, seed: int = 0, longest: int = 9) -> tuple[list, list]:
    """Frames and their classes, which the first two values tell apart."""
    draw = np.random.default_rng(seed)
    xs, ys = [], []
    for _ in range(n):
        y = draw.integers(0, CLASSES, draw.integers(1, longest + 1))
        x = draw.normal(0, 0.5, (len(y), WIDTH)).astype(np.float32)
        x[np.arange(len(y)), y] += 1
        xs.append(x)
        ys.append(y)
    return xs, ys


def source(n: int = 20, seed: int = 0, **options: Any) -> Arrays:
    return Arrays(*sequences(n, seed), **({"batch_size": 4} | options))


class Changed:
    """A source that does something to its batches; `change` gets epoch, place and batch."""

    def __init__(self, inner: Any, change: Any) -> None:
        self.inner, self.change, self.n_batches = inner, change, inner.n_batches

    def batches(self, epoch: int, seed: int) -> Any:
        for place, batch in enumerate(self.inner.batches(epoch, seed)):
            yield Batch(*(self.change(epoch, place, batch) or batch))


def without_seconds(history: list[dict]) -> list[dict]:
    """What two trainings must have in common."""
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in history]


def train(network=None, training=None, validation=None, **options):
    """A training of the small network, everything that is not said as usual."""
    settings = {"loss": CrossEntropy(), "optimiser": Adam(lr=0.05), "epochs": 3, "progress": False}
    network = Sums(dropout=0.2) if network is None else network
    training = source() if training is None else training
    return fit(network, training, validation, **(settings | options))


def identical(one, other) -> None:
    np.testing.assert_array_equal(one.network.parameters, other.network.parameters)
    assert without_seconds(one.history) == without_seconds(other.history)
    assert (one.best_epoch, one.stopped) == (other.best_epoch, other.stopped)
