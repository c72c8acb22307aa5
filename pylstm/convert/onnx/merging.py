"""Layers that one layer can be: scales, shifts and activations go into the sums before them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from pylstm.convert.folding import as_one
from pylstm.layers import Affine
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


def _one(before: Layer, after: Layer) -> Layer | None:
    """One layer in place of two; None too where its weights would be beyond float32."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return as_one(before, after)
    except ValueError:
        return None


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
