"""Layers that become a part of the one before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.layers import ACTIVATIONS, Activation, Affine, Conv, Dense, Layer
from pylstm.layers.conv import CONV_ACTIVATIONS
from pylstm.layers.graph import FEATURES, Node
from pylstm.layers.settings import written

__all__ = ["batch_norm", "folded", "layers_of"]


def batch_norm(
    where: str,
    mean: NDArray[Any],
    variance: NDArray[Any],
    scale: NDArray[Any] | None,
    shift: NDArray[Any] | None,
    eps: float,
    width: int,
) -> Affine:
    """The `Affine` that a trained batch norm over the last dimension is, for rows of a width.

    Raises
    ------
    ValueError
        A variance has no root; `where` names whose it is.
    """
    root = np.sqrt(np.maximum(variance.astype(np.float64) + eps, 0))
    if not root.all() or not np.isfinite(root).all():
        worst = float(variance[np.argmin(np.nan_to_num(root, nan=-1.0, posinf=-1.0))])
        raise ValueError(f"a variance of {where} is {worst:g}; expected a number above {-eps:g}")
    weight = (1.0 if scale is None else scale.astype(np.float64)) / root
    bias = (0.0 if shift is None else shift.astype(np.float64)) - mean.astype(np.float64) * weight
    weights = {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
    return Affine(width, "channel", width // len(mean), weights=weights)


def folded(nodes: Sequence[Node]) -> list[Node]:
    """The same graph, with scales, shifts and activations inside of the layers before them.

    A layer takes in what follows it where it is a linear `Dense` or `Conv`, has the function, and
    nobody else takes its rows. Sums differ by rounding.

    Examples
    --------
    >>> nodes = [Node("dense", Dense(3, 2, seed=0), (FEATURES,)),
    ...          Node("norm", Affine(2, seed=0), ("dense",)),
    ...          Node("relu", Activation(2, "relu"), ("norm",))]
    >>> folded(nodes)[0].layer
    Dense(input_size=3, output_size=2, activation='relu', bias=True)
    """
    taken = Counter(name for node in nodes for name in node.inputs)
    moved: dict[str, str] = {}
    found: dict[str, Node] = {}
    for node in nodes:
        inputs = tuple(moved.get(name, name) for name in node.inputs)
        if len(inputs) == 1 and inputs[0] in found and taken[node.inputs[0]] == 1:
            before = found[inputs[0]]
            both = _as_one(before.layer, node.layer)
            if both is not None:
                found[before.name] = before._replace(layer=both)
                moved[node.name] = before.name
                continue
        found[node.name] = node._replace(inputs=inputs)
    return list(found.values())


def layers_of(nodes: Sequence[Node]) -> list[Layer] | dict[str, tuple[Any, ...]]:
    """The graph as `Model` takes it: a list where each layer takes the rows of the one before."""
    before = [FEATURES, *(node.name for node in nodes)]
    if all(node.inputs == (name,) for node, name in zip(nodes, before, strict=False)):
        return [node.layer for node in nodes]
    return {node.name: (node.layer, *node.inputs) for node in nodes}


def _as_one(before: Layer, after: Layer) -> Layer | None:
    """Two layers as one, or None."""
    if isinstance(after, Activation) and after.function == "linear":
        return before
    if not isinstance(before, Dense | Conv) or before.activation != "linear":
        return None
    if isinstance(after, Activation):
        names = ACTIVATIONS if isinstance(before, Dense) else CONV_ACTIVATIONS
        if after.function not in names:
            return None
        return _changed(before, before.weights, activation=after.function)
    if isinstance(after, Affine):
        return _scaled(before, after)
    return None


def _scaled(layer: Dense | Conv, affine: Affine) -> Layer | None:
    """The layer with the scale and shift inside of it; None where positions differ in them."""
    positions = 1 if isinstance(layer, Dense) else layer.output_positions
    scale, shift = (
        _of_each_value(affine, name).reshape(positions, -1) for name in ("weight", "bias")
    )
    if not ((scale == scale[0]).all() and (shift == shift[0]).all()):
        return None
    weight = layer.weights["weight"].astype(np.float64)
    bias = layer.weights["bias"].astype(np.float64) if layer.bias else 0.0
    weights = {
        "weight": (weight.T * scale[0]).T.astype(np.float32),
        "bias": (bias * scale[0] + shift[0]).astype(np.float32),
    }
    return _changed(layer, weights, bias=True)


def _changed(layer: Dense | Conv, weights: Mapping[str, Any], **settings: Any) -> Layer:
    """The layer with other weights and settings."""
    config = layer.config() | {name: written(value) for name, value in settings.items()}
    return type(layer).from_config(config, weights)


def _of_each_value(affine: Affine, name: str) -> NDArray[np.float64]:
    """A weight of an `Affine` for each value of a row."""
    positions, channels = affine.positions, affine.input_size // affine.positions
    if name not in affine.weights:
        return np.zeros(affine.input_size)
    shapes = {
        "element": (positions, channels),
        "channel": (1, channels),
        "position": (positions, 1),
    }
    values = affine.weights[name].astype(np.float64).reshape(shapes[affine.per])
    return np.broadcast_to(values, (positions, channels)).reshape(-1)
