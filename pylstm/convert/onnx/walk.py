"""An ONNX graph, node by node, for inputs of one shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx import activations, arithmetic, movement, recurrent, windows
from pylstm.convert.onnx.file import graphs_of
from pylstm.convert.onnx.layers import LayerGraph
from pylstm.convert.onnx.operators import Deferred, Tensor, Value, run_node
from pylstm.convert.onnx.refusals import refuse, shown_operator
from pylstm.convert.onnx.tensors import values_of

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

__all__ = ["walk"]

# What gives the values that it takes.
MOVES = {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Cast"}

# They write their operators into the table.
TABLES = (activations, arithmetic, movement, recurrent, windows)


def walk(
    graph: GraphProto, values: Mapping[str, Value], layers: LayerGraph, opset: int
) -> dict[str, Value]:
    """The values of all outputs of a graph, from those of its inputs; adds to layers.

    The condition of an ``If`` has to be a constant; the other branch is not looked at.
    """
    if not layers.given:
        layers.given = _given(graph)
    known: dict[str, Value] = dict(values)
    for tensor in graph.initializer:
        if tensor.name not in known:
            known[tensor.name] = values_of(tensor)
    done = _done(graph)
    for place, node in enumerate(graph.node):
        for name in node.input:
            if name and name not in known:
                refuse(node, f"its input {name!r} is given by nothing", "a tensor that is there")
        inputs = [known[name] if name else None for name in node.input]
        if node.op_type == "If":
            found: Any = _branch(node, inputs[0], known, layers, opset)
        elif node.op_type in ("Loop", "Scan"):
            refuse(
                node,
                "it is a loop",
                "a graph without: the layers that it repeats, or LSTM, GRU, RNN",
            )
        else:
            found = run_node(node, inputs, layers, opset)
        for name, value in zip(node.output, found, strict=False):
            if name:
                known[name] = value
                for array in _arrays(node, value):
                    _keep(node, array, layers)
        for name, giver in done.get(place, ()):
            for array in _arrays(giver, known.pop(name, None)):
                layers.memory.drop(array)
    found = {output.name: known.get(output.name) for output in graph.output}
    for name, giver in done.get(len(graph.node), ()):  # who takes them keeps them anew
        for array in _arrays(giver, known[name]):
            layers.memory.drop(array)
    return found


def _done(graph: GraphProto) -> dict[int, list[tuple[str, NodeProto]]]:
    """By the place of each node: what nodes have given that nobody takes behind it; the outputs
    behind the last."""
    last: dict[str, int] = {}
    for place, node in enumerate(graph.node):
        last |= dict.fromkeys([*node.input, *node.output], place)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                for inner in graphs_of(attribute.g):
                    taken = [name for one in inner.node for name in one.input]
                    last |= dict.fromkeys([*taken, *(one.name for one in inner.output)], place)
    last |= {output.name: len(graph.node) for output in graph.output}
    found: dict[int, list[tuple[str, NodeProto]]] = {}
    for node in graph.node:
        for name in node.output:
            if name:
                found.setdefault(last[name], []).append((name, node))
    return found


def _arrays(node: NodeProto, value: Value) -> list[NDArray[Any]]:
    """What a value of a node keeps in memory beside what stands in the file."""
    if node.op_type == "Constant":
        return []
    if isinstance(value, Tensor | Deferred):
        return [value.ids]
    return [value] if isinstance(value, np.ndarray) else []


def _keep(node: NodeProto, array: NDArray[Any], layers: LayerGraph) -> None:
    try:
        layers.memory.keep(array)
    except ValueError as error:
        raise ValueError(f"{shown_operator(node)}: {error}") from None


def _given(graph: GraphProto) -> set[str]:
    """The outputs of a graph, and the tensors that these are in another shape."""
    found = {output.name for output in graph.output}
    for node in reversed(graph.node):
        if node.op_type in MOVES and found & set(node.output):
            found.update(node.input[:1])
    return found


def _branch(
    node: NodeProto, condition: Value, known: Mapping[str, Value], layers: LayerGraph, opset: int
) -> list[Value]:
    if not isinstance(condition, np.ndarray) or condition.size != 1:
        refuse(
            node,
            f"its condition {node.input[0]!r} changes with what goes in",
            "a constant: give the inputs that it depends on as constants, such as"
            " constants={'sr': 16000}",
        )
    wanted = "then_branch" if bool(condition.ravel()[0]) else "else_branch"
    branch = next(one.g for one in node.attribute if one.name == wanted)
    return list(walk(branch, known, layers, opset).values())
