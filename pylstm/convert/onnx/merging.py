"""Layers that one layer can be: scales, shifts and activations go into the sums before them."""

from __future__ import annotations

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
    found = {name: list(node) for name, node in _needed(layers, last).items()}
    order = list(found)
    places = {name: place for place, name in enumerate(order)}
    users: dict[str, list[str]] = {name: [] for name in (FEATURES, *order)}
    for name, (_, *inputs) in found.items():
        for one in inputs:
            users[one].append(name)
    place = 0
    while place < len(order):
        name = order[place]
        if name not in found:
            place += 1
            continue
        layer, *inputs = found[name]
        before, both = inputs[0], None
        is_idle = _changes_nothing(layer) and name != last
        if not is_idle and len(inputs) == 1 and before != FEATURES and len(users[before]) == 1:
            both = _one(found[before][0], layer)
        if both is not None:
            found[before][0] = both
        elif not is_idle:
            place += 1
            continue
        _leave_out(found, users, name)
        place = places.get(before, place)  # what stands before it has not changed
    return {name: tuple(node) for name, node in found.items()}


def _leave_out(found: dict[str, list[Any]], users: dict[str, list[str]], name: str) -> None:
    """Takes a layer of one input out: what took its rows takes those that it took."""
    before = found.pop(name)[1]
    users[before].remove(name)
    users[before] += users[name]
    for other in users.pop(name):
        found[other][1:] = [before if one == name else one for one in found[other][1:]]


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
