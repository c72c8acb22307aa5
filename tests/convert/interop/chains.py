"""Short ways to say what a row has in each framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.convert.interop.sources import Source, of_keras, of_onnx, of_rtneural, of_torch

__all__ = ["integers", "keras_chain", "onnx_nodes", "rtneural_entry", "scaled", "torch_chain"]

Make = Callable[[int], Source]


def integers(*values: int) -> Any:
    """A tensor of shapes or axes."""
    return np.array(values, np.int64)


def scaled(layer: Any) -> Any:
    """With weights that differ, where the class begins with equal ones."""
    rng = np.random.default_rng(1)
    return layer.with_weights(
        {name: rng.uniform(0.5, 1.5, shape).astype("f4") for name, shape in layer.shapes.items()}
    )


def torch_chain(
    modules: Callable[[Any, int], Any], axes: str = "BTF", width: Callable[[int], int] = int
) -> Make:
    """``modules(nn, n)``: a module, or the modules of a Sequential."""

    def make(n: int) -> Source:
        from torch import nn

        made = modules(nn, n)
        module = nn.Sequential(*made) if isinstance(made, list) else made
        for part in module.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                part.running_mean.uniform_(-0.5, 0.5)
                part.running_var.uniform_(0.5, 2)
        return of_torch(module, width(n), axes, input_size=width(n))

    return make


def keras_chain(
    layers: Callable[[Any, int], Any], sizes: Callable[[int], Sequence[int]] = lambda n: (n,)
) -> Make:
    """``layers(keras.layers, n)``: a layer, or some, for frames of these sizes."""

    def make(n: int) -> Source:
        from keras import layers as kl

        made = layers(kl, n)
        return of_keras(sizes(n), *(made if isinstance(made, list) else [made]))

    return make


def onnx_nodes(
    nodes: Sequence[tuple[str, str, str, dict[str, Any]]],
    shape: Callable[[int], Sequence[int | None]] = lambda n: (1, None, n),
    weights: Callable[[int], dict[str, Any]] = lambda n: {},
    opset: int = 17,
) -> Make:
    """Nodes from ``x`` to ``y``."""
    return lambda n: of_onnx(nodes, shape(n), weights(n), opset)


def rtneural_entry(made: Callable[[int], Any], width: Callable[[int], int] = int) -> Make:
    """An entry of a file, and what PyTorch gives for it."""
    return lambda n: of_rtneural(width(n), made(n))
