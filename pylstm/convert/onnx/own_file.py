"""ONNX files that `to_onnx` wrote: the layers that they were written from.

The metadata names the layers, the graph has their weights. Neither is believed: the layers are
those of the file if `to_onnx` writes the same graph of them, operator by operator and bit by bit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx.tensors import values_of
from pylstm.convert.onnx_export.to_onnx import Written, write_out
from pylstm.layers import KINDS, Activation, Conv, Layer, Pool
from pylstm.layers.graph import (
    FEATURES,
    MAX_LAYERS,
    Layers,
    Node,
    graph_keys,
    graph_of,
    read_graph,
)

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["OwnFile", "own_file"]

Shapes = Mapping[str, tuple[int, ...]]

MOST_WEIGHTS = 1 << 29
"""As many as a file holds; as float32 the bits of such numbers are those of numbers below 1e-19."""


class OwnFile(NamedTuple):
    """What a file was written from.

    Attributes
    ----------
    layers : list of Layer, or dict of str to tuple
        As `Model` takes them.
    n_features : int
        How wide the frames are.
    states : dict of str to array
        The zeros that each memory begins with.
    is_late : bool
        Whether there are rows that come at the end of a sequence only: the file has none of them.
    """

    layers: Layers
    n_features: int
    states: dict[str, NDArray[Any]]
    is_late: bool


def own_file(model: ModelProto) -> OwnFile | None:
    """What `to_onnx` wrote a file from; None: it did not write it, or not like this."""
    about = {one.key: one.value for one in model.metadata_props}
    if "layers" not in about or not model.graph.input:
        return None
    n_features = _width(model)
    # Whatever is wrong with it, the graph itself still says what it is.
    try:
        layers = json.loads(about["layers"])
        if not 1 <= len(layers) <= MAX_LAYERS:
            return None
        told = list(_told(layers))
        nodes = _with_weights(model, told, n_features)
        written = write_out(nodes, n_features)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None
    again = written.model(n_features, {})
    if again.graph != model.graph or list(again.opset_import) != list(model.opset_import):
        return None
    states = {one.name: np.zeros(one.first_shape, one.dtype) for one in written.graph.states}
    return OwnFile(_layers(nodes, n_features), n_features, states, _is_late(written))


def _width(model: ModelProto) -> int:
    dims = model.graph.input[0].type.tensor_type.shape.dim
    return int(dims[-1].dim_value) if dims else 0


def _is_late(written: Written) -> bool:
    return written.rows.arrives > written.rows.first


def _told(layers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[dict[str, str], Shapes]]:
    """Settings and shapes of the weights of each layer, as the metadata has them."""
    for one in layers:
        shapes = {name: tuple(int(n) for n in shape) for name, shape in one["weights"].items()}
        if min((n for shape in shapes.values() for n in shape), default=1) < 1:
            raise ValueError("a shape has no values")
        yield dict(one["settings"]), shapes


def _with_weights(
    model: ModelProto, told: Sequence[tuple[dict[str, str], Shapes]], n_features: int
) -> tuple[Node, ...]:
    """The layers with the weights that stand in the graph.

    Where a weight stands is found out by writing numbers in its place: weight k is the number
    whose bits are k, and turns up where that does.
    """
    there = {one.name: values_of(one) for one in model.graph.initializer}
    total = sum(math.prod(shape) for _, shapes in told for shape in shapes.values())
    if total > min(MOST_WEIGHTS, sum(array.size for array in there.values())):
        raise ValueError("there are more weights than values in the file")
    places = np.arange(1, total + 1, dtype=np.uint32)
    numbered = _nodes(told, places.view(np.float32))
    _check_windows(numbered, sum(array.nbytes for array in there.values()))
    values = np.full(total + 1, np.nan, np.float32)
    for tensor in write_out(numbered, n_features).model(n_features, {}).graph.initializer:
        numbers, found = values_of(tensor), there[tensor.name]
        if found.shape != numbers.shape or found.dtype != numbers.dtype:
            raise ValueError("a constant is another one")
        if numbers.dtype == np.float32 and numbers.ndim:  # what is one number is no weight
            bits = np.ascontiguousarray(numbers).view(np.uint32)
            weight = (bits > 0) & (bits <= total)
            values[bits[weight]] = found[weight]
    return _nodes(told, values[1:])


def _nodes(
    told: Sequence[tuple[dict[str, str], Shapes]], values: NDArray[np.float32]
) -> tuple[Node, ...]:
    """The layers, with weights that stand behind each other."""
    made: list[tuple[Layer, Mapping[str, str]]] = []
    for settings, shapes in told:
        weights = {}
        for name, shape in shapes.items():
            size = math.prod(shape)
            weights[name], values = values[:size].reshape(shape), values[size:]
        own = {key: one for key, one in settings.items() if key not in ("name", "inputs")}
        made.append((KINDS[settings["kind"]].from_config(own, weights), settings))
    return read_graph(made)


def _check_windows(nodes: Sequence[Node], n_bytes: int) -> None:
    """Refuses windows that are longer than what a file of this size was written with."""
    for node in nodes:
        layer = node.layer  # behind the rows of a Conv or a Pool stand zeros
        if isinstance(layer, Conv | Pool) and layer.window * layer.input_size > n_bytes:
            raise ValueError("a window is longer than its zeros")


def _layers(nodes: Sequence[Node], n_features: int) -> Layers:
    """As `Model` takes them: a list where they have no names."""
    if not any(graph_keys(nodes, place) for place in range(len(nodes))):
        return [node.layer for node in nodes]
    layers: dict[str, tuple[Any, ...]] = {}
    if len(nodes[0].inputs) > 1:
        # Frames from outside are joined: something before it has to say how wide they are.
        name = next(one for one in _names() if all(one != node.name for node in nodes))
        layers[name] = (Activation(n_features, "linear"), FEATURES)
        nodes = [nodes[0]._replace(inputs=tuple(name for _ in nodes[0].inputs)), *nodes[1:]]
    layers |= {node.name: (node.layer, *node.inputs) for node in nodes}
    graph_of(layers, n_features)
    return layers


def _names() -> Iterator[str]:
    yield "input"
    for number in range(2, 1 << 10):
        yield f"input_{number}"
