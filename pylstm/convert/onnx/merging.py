"""Layers that one layer can be: scales, shifts and activations go into the sums before them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.layers import Activation, Affine, Conv, Dense, LayerNorm
from pylstm.layers.conv import CONV_ACTIVATIONS
from pylstm.layers.dense import ACTIVATIONS
from pylstm.layers.graph import FEATURES
from pylstm.layers.layer import Layer

__all__ = ["merged"]

Graph = dict[str, tuple[Any, ...]]


def merged(layers: Graph, last: str) -> Graph:
    """The layers that `last` needs, itself at the end, in as few as they can be."""
    layers = _needed(layers, last)
    while True:
        users = Counter(name for _, *inputs in layers.values() for name in inputs)
        for name, (layer, *inputs) in layers.items():
            before = inputs[0]
            if _changes_nothing(layer) and name != last:
                layers = _without(layers, name)
                break
            if len(inputs) != 1 or before == FEATURES or users[before] != 1:
                continue
            one = _one(layers[before][0], layer)
            if one is not None:
                layers = _replaced(layers, before, name, one)
                break
        else:
            return layers


def _needed(layers: Graph, last: str) -> Graph:
    needed = {last}
    for name in reversed(list(layers)):
        if name in needed:
            needed.update(layers[name][1:])
    return {name: node for name, node in layers.items() if name in needed}


def _changes_nothing(layer: Layer) -> bool:
    return (
        isinstance(layer, Affine) and not layer.bias and bool((layer.weights["weight"] == 1).all())
    )


def _without(layers: Graph, name: str) -> Graph:
    """The same without a layer that takes one input."""
    before = layers[name][1]
    return {
        own: (layer, *(before if one == name else one for one in inputs))
        for own, (layer, *inputs) in layers.items()
        if own != name
    }


def _replaced(layers: Graph, before: str, name: str, one: Layer) -> Graph:
    """The same with one layer, called as the first, in place of two neighbours."""
    found: Graph = {}
    for own, (layer, *inputs) in layers.items():
        if own != name:
            renamed = [before if each == name else each for each in inputs]
            found[own] = (one if own == before else layer, *renamed)
    return found


def _one(before: Layer, after: Layer) -> Layer | None:
    """One layer that does what two do; None: there is none."""
    if isinstance(after, Activation) and isinstance(before, Dense | Conv):
        known = ACTIVATIONS if isinstance(before, Dense) else CONV_ACTIVATIONS
        if before.activation == "linear" and after.function in known:
            return _like(before, before.weights, activation=after.function)
    if not isinstance(after, Affine):
        return None
    width = after.input_size
    channels = width // after.positions
    by_element = {
        name: _by_element(values, after, channels) for name, values in after.weights.items()
    }
    w = by_element["weight"]
    b = by_element.get("bias", np.zeros(width))
    if isinstance(before, Affine) and before.per == "element":
        old = before.weights["weight"].astype(np.float64)
        shift = before.weights["bias"].astype(np.float64) if before.bias else 0.0
        return _affine(old * w, shift * w + b)
    if isinstance(before, LayerNorm):
        gain, offset = _per_channel(w, before.positions), _per_channel(b, before.positions)
        if gain is None or offset is None:
            return None
        if before.affine:
            offset = offset + gain * before.weights["bias"].astype(np.float64)
            gain = gain * before.weights["weight"].astype(np.float64)
        weights = {"weight": _single(gain), "bias": _single(offset)}
        return LayerNorm(width, before.eps, positions=before.positions, weights=weights)
    if not isinstance(before, Dense | Conv) or before.activation != "linear":
        return None
    positions = before.output_positions if isinstance(before, Conv) else 1
    scale, added = _per_channel(w, positions), _per_channel(b, positions)
    if scale is None or added is None:
        return None
    matrix = before.weights["weight"].astype(np.float64)
    matrix = matrix * scale.reshape(-1, *[1] * (matrix.ndim - 1))
    bias = before.weights["bias"].astype(np.float64) if before.bias else np.zeros(len(scale))
    weights = {"weight": _single(matrix), "bias": _single(bias * scale + added)}
    has_bias = bool(weights["bias"].any())
    if not has_bias:
        del weights["bias"]
    return _like(before, weights, bias=has_bias)


def _like(layer: Dense | Conv, weights: Any, **changed: Any) -> Layer:
    arguments: dict[str, Any] = {**layer._arguments(), **changed, "weights": weights}
    return type(layer)(**arguments)


def _affine(w: NDArray[Any], b: NDArray[Any]) -> Affine:
    weights = {"weight": _single(w)} | ({"bias": _single(b)} if b.any() else {})
    return Affine(len(w), bias="bias" in weights, weights=weights)


def _single(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)


def _by_element(values: NDArray[Any], layer: Affine, channels: int) -> NDArray[np.float64]:
    wide = values.astype(np.float64)
    if layer.per == "channel":
        return np.tile(wide, layer.positions)
    return np.repeat(wide, channels) if layer.per == "position" else wide


def _per_channel(values: NDArray[Any], positions: int) -> NDArray[Any] | None:
    """One value for each channel; None: they differ over positions."""
    by_position = values.reshape(positions, -1)
    return by_position[0] if (by_position == by_position[0]).all() else None
