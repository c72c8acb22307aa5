"""Layers that become a part of the one before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.layers import ACTIVATIONS, Activation, Affine, Conv, Dense, Layer, LayerNorm
from pylstm.layers.conv import CONV_ACTIVATIONS
from pylstm.layers.graph import FEATURES, Node
from pylstm.layers.settings import written

__all__ = ["as_one", "batch_norm", "folded", "layers_of"]

Array = NDArray[np.float64]


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

    A layer takes in what follows it where `as_one` knows how and nobody else takes its rows.

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
            both = as_one(before.layer, node.layer)
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


def as_one(before: Layer, after: Layer) -> Layer | None:
    """One layer that does what two do, the second behind the first; None: there is none.

    Sums differ by rounding.
    """
    if isinstance(after, Activation) and after.function == "linear":
        return before
    if isinstance(after, Activation) and isinstance(before, Dense | Conv):
        names = ACTIVATIONS if isinstance(before, Dense) else CONV_ACTIVATIONS
        if before.activation != "linear" or after.function not in names:
            return None
        return _changed(before, before.weights, activation=after.function)
    if not isinstance(after, Affine):
        return None
    if isinstance(before, Affine):
        return _both(before, after)
    if isinstance(before, LayerNorm):
        return _normed(before, after)
    if isinstance(before, Dense | Conv) and before.activation == "linear":
        return _scaled(before, after)
    return None


def _both(before: Affine, after: Affine) -> Affine:
    """Two scales and shifts as one: for each value, unless both are for the same parts of a row."""
    same = (before.per, before.positions) == (after.per, after.positions)
    take = _wide if same else _of_each_value
    scale = take(after, "weight")
    bias = before.bias or after.bias
    weights = {"weight": take(before, "weight") * scale}
    if bias:
        weights["bias"] = take(before, "bias") * scale + take(after, "bias")
    parts = (before.per, before.positions) if same else ("element", 1)
    return Affine(before.input_size, *parts, bias, _single(weights))


def _normed(norm: LayerNorm, affine: Affine) -> LayerNorm | None:
    """The norm with the scale and shift inside of it; None where positions differ in them."""
    found = _of_each_channel(affine, norm.positions)
    if found is None:
        return None
    gain, offset = found
    if norm.affine:
        offset = offset + gain * norm.weights["bias"].astype(np.float64)
        gain = gain * norm.weights["weight"].astype(np.float64)
    weights = _single({"weight": gain, "bias": offset})
    return LayerNorm(norm.input_size, norm.eps, positions=norm.positions, weights=weights)


def _scaled(layer: Dense | Conv, affine: Affine) -> Layer | None:
    """The layer with the scale and shift inside of it; None where positions differ in them."""
    found = _of_each_channel(affine, 1 if isinstance(layer, Dense) else layer.output_positions)
    if found is None:
        return None
    scale, shift = found
    matrix = layer.weights["weight"].astype(np.float64)
    weights = {"weight": matrix * scale.reshape(-1, *[1] * (matrix.ndim - 1))}
    if layer.bias or affine.bias:
        own = layer.weights["bias"].astype(np.float64) if layer.bias else 0.0
        weights["bias"] = own * scale + shift
    return _changed(layer, _single(weights), bias="bias" in weights)


def _changed(layer: Dense | Conv, weights: Mapping[str, Any], **settings: Any) -> Layer:
    """The layer with other weights and settings."""
    config = layer.config() | {name: written(value) for name, value in settings.items()}
    return type(layer).from_config(config, weights)


def _single(weights: Mapping[str, Array]) -> dict[str, NDArray[np.float32]]:
    return {name: np.ascontiguousarray(one, np.float32) for name, one in weights.items()}


def _wide(affine: Affine, name: str) -> Array:
    """A weight of an `Affine` as it is; zeros for a bias that it has not."""
    if name in affine.weights:
        return affine.weights[name].astype(np.float64)
    return np.zeros(affine.weights["weight"].shape)


def _of_each_value(affine: Affine, name: str) -> Array:
    """A weight of an `Affine` for each value of a row."""
    positions, channels = affine.positions, affine.input_size // affine.positions
    shapes = {
        "element": (positions, channels),
        "channel": (1, channels),
        "position": (positions, 1),
    }
    values = _wide(affine, name).reshape(shapes[affine.per])
    return np.broadcast_to(values, (positions, channels)).reshape(-1)


def _of_each_channel(affine: Affine, positions: int) -> tuple[Array, Array] | None:
    """Weight and bias for each channel of rows of so many positions; None: they differ there."""
    weight, bias = (
        _of_each_value(affine, name).reshape(positions, -1) for name in ("weight", "bias")
    )
    alike = (weight == weight[0]).all() and (bias == bias[0]).all()
    return (weight[0], bias[0]) if alike else None
