"""Random weights for a graph of layers."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def drawn(layers: Mapping[str, Any], fixed: Collection[str] = (), seed: int = 0) -> dict[str, Any]:
    """The same graph with weights drawn for all layers but those that are fixed.

    Sums of a layer have about the spread of what goes into it, so that gates are neither nearly
    linear nor always shut, and rectified feedback does not grow.
    """
    found: dict[str, Any] = {}
    for place, (name, given) in enumerate(layers.items()):
        layer, *inputs = given if isinstance(given, tuple) else (given,)
        if layer.shapes and name not in fixed:
            rng = np.random.default_rng([seed, place])
            layer = layer.with_weights({n: values(n, s, rng) for n, s in layer.shapes.items()})
        found[name] = (layer, *inputs) if inputs else layer
    return found


def values(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Values of one weight."""
    if len(shape) > 1:
        drawn = rng.standard_normal(shape) / math.sqrt(math.prod(shape[1:]))
    elif name == "weight":  # of norms and the like, which begin as 1
        drawn = rng.uniform(0.5, 1.5, shape)
    else:
        drawn = rng.uniform(-0.3, 0.3, shape)
    return drawn.astype(np.float32)
