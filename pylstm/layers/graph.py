"""The graph of layers that a model is: named nodes, each with its inputs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pylstm.arguments import listing, number_of
from pylstm.layers.layer import Layer

__all__ = ["FEATURES", "Layers", "Node", "graph_keys", "graph_of", "needed_format", "read_graph"]
__all__ += ["row_times_of", "shown_node", "widths_of"]

FEATURES = "features"
"""What the rows that come from the features are called."""

# The core's limits.
MAX_LAYERS = 64
MAX_INPUTS = 8
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,30}")

Layers = Sequence[Layer] | Mapping[str, Layer | tuple[Any, ...]]
"""A chain, or a layer for each name: alone, or before the names of its inputs."""


class Node(NamedTuple):
    """A layer of a model, its name, and the names of what it takes rows from."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]


def graph_of(layers: Any, width: int | None) -> tuple[Node, ...]:
    """The nodes that a user means, in order.

    Parameters
    ----------
    layers : sequence of Layer, or mapping of str to Layer or tuple
        A chain, whose nodes are called by their places; or names with a layer each, which takes
        the rows of the one before, or ``(layer, input, ...)`` with the names of earlier ones or
        ``"features"``.
    width : int, optional
        What the features give; None: frames come from outside.

    Raises
    ------
    TypeError, ValueError
        Something else is among them, a name is none, an input is not there or comes later, widths
        do not fit, or nobody takes the rows of a node that is not the last one.
    """
    if inspect.isroutine(layers):
        raise TypeError(
            f"layers is the method {layers.__name__}; expected what it gives: call it,"
            f" {layers.__name__}()"
        )
    named = isinstance(layers, Mapping)
    nodes = tuple(_named(layers) if named else _chain(layers))
    if len(nodes) > MAX_LAYERS:
        raise ValueError(
            f"there are {number_of(len(nodes), 'layer')}; expected at most {MAX_LAYERS}"
        )
    widths_of(nodes, width)
    taken = {name for node in nodes for name in node.inputs}
    for node in nodes[:-1]:
        if node.name not in taken:
            raise ValueError(
                f"nobody takes the rows of layer {node.name!r};"
                " expected an input of another layer, or the last one: (pylstm.Concat(),"
                f" {node.name!r}, {nodes[-1].name!r}) at the end gives both out"
            )
    return nodes


def read_graph(layers: Sequence[tuple[Layer, Mapping[str, str]]]) -> tuple[Node, ...]:
    """The nodes of a model file, from layers and their keys ``name`` and ``inputs``."""
    nodes: list[Node] = []
    for place, (layer, keys) in enumerate(layers):
        before = nodes[-1].name if nodes else FEATURES
        inputs = tuple(keys["inputs"].split(",")) if "inputs" in keys else (before,)
        nodes.append(Node(keys.get("name", str(place)), layer, inputs))
    return tuple(nodes)


def graph_keys(nodes: Sequence[Node], place: int) -> dict[str, str]:
    """What a model file says of a node beside its layer: name and inputs, where it needs them."""
    node, keys = nodes[place], {}
    if node.name != str(place):
        keys["name"] = node.name
    if node.inputs != (nodes[place - 1].name if place else FEATURES,):
        keys["inputs"] = ",".join(node.inputs)
    return keys


def needed_format(nodes: Sequence[Node]) -> int:
    """The first format of model files that can hold the graph."""
    formats = [node.layer.needs_format for node in nodes]
    return max([1, *formats, *(2 for k in range(len(nodes)) if graph_keys(nodes, k))])


def widths_of(nodes: Sequence[Node], width: int | None) -> dict[str, int | None]:
    """The width of the rows of every node, and of the features, under their names.

    Raises
    ------
    ValueError
        They do not fit what a layer takes.
    """
    widths = {FEATURES: width}
    for place, node in enumerate(nodes):
        if widths[FEATURES] is None:  # frames from outside are as wide as the first layer says
            widths[FEATURES] = getattr(node.layer, "input_size", None)
        given = [one for name in node.inputs if (one := widths[name]) is not None]
        if len(given) < len(node.inputs):
            raise ValueError(
                f"{shown_node(nodes, place)} joins frames from outside; expected a layer before"
                " it that says how wide they are"
            )
        if len(given) == 1 and getattr(node.layer, "input_size", given[0]) != given[0]:
            names = [other.name for other in nodes]
            before = node.inputs[0]
            gives = "the features give"
            if before != FEATURES:
                gives = f"{shown_node(nodes, names.index(before))} gives"
            takes = number_of(node.layer.input_size, "value")
            raise ValueError(f"{shown_node(nodes, place)} takes {takes} but {gives} {given[0]}")
        try:
            widths[node.name] = node.layer.output_width(given)
        except ValueError as error:
            raise ValueError(f"{shown_node(nodes, place)}: {error}") from None
    return widths


def row_times_of(nodes: Sequence[Node]) -> tuple[int, int]:
    """Which frames the rows of the last node stand for: the first, and how far the next is."""
    times = {FEATURES: (0, 1)}
    for node in nodes:
        latest = max(times[name] for name in node.inputs)
        times[node.name] = node.layer.row_times(*latest)
    return times[nodes[-1].name] if nodes else (0, 1)


def shown_node(nodes: Sequence[Node], place: int) -> str:
    """How an error calls a node: as the user gave it."""
    name = nodes[place].name
    return f"layers[{place}]" if name == str(place) else f"layers[{name!r}]"


def _chain(layers: Any) -> Iterator[Node]:
    if isinstance(layers, Layer):
        raise TypeError(f"layers is one {type(layers).__name__}; expected a list of layers")
    before = FEATURES
    for place, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"layers[{place}] is {type(layer).__name__}; expected a layer")
        yield Node(str(place), layer, (before,))
        before = str(place)


def _named(layers: Mapping[Any, Any]) -> Iterator[Node]:
    before, known = FEATURES, [FEATURES]
    for name, given in layers.items():
        if not isinstance(name, str):
            raise TypeError(f"a name of a layer is {name!r}; expected a string")
        if not NAME.fullmatch(name) or name == FEATURES:
            raise ValueError(
                f"a layer is called {name!r}; expected 1 to 31 letters, digits and _, no digit"
                f" first, and not {FEATURES!r}"
            )
        layer, *inputs = (given or ((), before)) if isinstance(given, tuple) else (given, before)
        if not isinstance(layer, Layer):
            raise TypeError(
                f"layers[{name!r}] is {type(layer).__name__};"
                " expected a layer, or a tuple of a layer and the names of its inputs"
            )
        if not 1 <= len(inputs) <= MAX_INPUTS:
            raise ValueError(
                f"layers[{name!r}] has {number_of(len(inputs), 'input')};"
                f" expected 1 to {MAX_INPUTS}"
            )
        for one in inputs:
            if one not in known:
                raise ValueError(
                    f"layers[{name!r}] takes the rows of {one!r}; expected a name before it:"
                    f" {listing(known)}"
                )
        yield Node(name, layer, tuple(inputs))
        before = name
        known.append(name)
