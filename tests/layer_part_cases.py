"""What layers remember and show, from the reference: a row for each kind that streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import pylstm
from pylstm import reference
from pylstm.layers import Layer

FRAMES = np.random.default_rng(1).standard_normal((40, 5)).astype(np.float32)


class Part(NamedTuple):
    """A part of a state or of a trace, and what should stand there."""

    kind: str
    name: str
    layer: int
    cell: int
    values: np.ndarray
    """(size,) of a state, (T, size) of a trace."""


class Reference(NamedTuple):
    """A kind: the names of its parts in their order, and a slow run."""

    state: str
    trace: str
    run: Callable[..., tuple[np.ndarray, list[dict[str, np.ndarray]]]]
    """(layer, x) -> outputs, and for each cell its trace by names, the state's among them."""


def _lstm(layer: pylstm.LSTM, x: np.ndarray) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    outputs, _, trace = reference.lstm(x, layer.weights, layer.num_layers)
    return outputs, trace


def _dense(layer: pylstm.Dense, x: np.ndarray) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    weights = layer.weights
    return reference.dense(x, weights["weight"], weights.get("bias"), layer.activation), []


KINDS = {
    "lstm": Reference("hc", "ifgoch", _lstm),
    "dense": Reference("", "", _dense),
}

MODELS: dict[str, list[Layer]] = {
    "lstm": [pylstm.LSTM(5, 17, num_layers=3, seed=0)],
    "dense": [pylstm.Dense(5, 9, "tanh", seed=0)],
    "all kinds": [
        pylstm.Dense(5, 7, "relu", seed=1),
        pylstm.LSTM(7, 16, num_layers=2, seed=2),
        pylstm.Dense(16, 4, seed=3),
        pylstm.LSTM(4, 1, bias=False, seed=4),
    ],
}


def expected(layers: list[Layer]) -> tuple[np.ndarray, list[Part], list[Part]]:
    """Outputs, the parts of the state after the last frame, and those of the trace."""
    x, state, trace = FRAMES.astype(np.float64), [], []
    for place, layer in enumerate(layers):
        of = KINDS[layer.kind]
        x, cells = of.run(layer, x)
        for cell, shown in enumerate(cells):
            state += [Part(layer.kind, name, place, cell, shown[name][-1]) for name in of.state]
            trace += [Part(layer.kind, name, place, cell, shown[name]) for name in of.trace]
    return x, state, trace
