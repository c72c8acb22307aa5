"""What layers remember and show, from the reference: a model for each kind that streams."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pylstm.layers import Layer
from tests.layer_kinds import STREAMING, kind_of, reference, stacked

FRAMES = np.random.default_rng(1).standard_normal((40, 5)).astype(np.float32)


class Part(NamedTuple):
    """A part of a state or of a trace, and what should stand there."""

    kind: str
    name: str
    layer: int
    cell: int
    values: np.ndarray
    """(size,) of a state, (T, size) of a trace."""


MODELS: dict[str, list[Layer]] = {name: [stacked(name, 5, 17, num_layers=3)] for name in STREAMING}


def every_kind_twice() -> list[Layer]:
    """The second time without biases; each of a width of its own, where its kind has a choice."""
    layers: list[Layer] = []
    widths = ([7, 16, 4, 1, 17] * len(STREAMING))[: 2 * len(STREAMING)]
    for place, (name, width) in enumerate(zip(STREAMING * 2, widths, strict=True)):
        input_size = layers[-1].n_outputs if layers else 5
        layers.append(stacked(name, input_size, width, bias=place < len(STREAMING)))
    return layers


MODELS["all kinds"] = every_kind_twice()


def expected(layers: list[Layer]) -> tuple[np.ndarray, list[Part], list[Part]]:
    """Outputs, the parts of the state after the last frame, and those of the trace."""
    x, state, trace = FRAMES[:, None].astype(np.float64), [], []
    for place, layer in enumerate(layers):
        kind, counts = kind_of(layer), np.array([len(x)])
        x, _, _, cells = reference(layer, layer.weights, x, None, counts)
        for cell, shown in enumerate(cells):
            for names, parts, when in ((kind.state, state, -1), (kind.trace, trace, slice(None))):
                parts += [Part(layer.kind, n, place, cell, shown[n][when, 0]) for n in names]
    return x[:, 0], state, trace
