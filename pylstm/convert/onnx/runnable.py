"""An ONNX file as ONNX Runtime runs it, where it wants more than the format does."""

from __future__ import annotations

from typing import Any

from pylstm.convert.onnx.file import graphs_of
from pylstm.convert.onnx.inputs import Inputs

__all__ = ["runnable"]


def runnable(model: Any, inputs: Inputs) -> Any:
    """A copy of a file that ONNX Runtime (1.32) runs.

    It has the shape that the caller gave, where the file fixes another one. The shapes of what is
    inside are left out: exporters write those of their example, and ONNX Runtime believes them.
    Recurrent nodes get ``hidden_size``, which the format may leave to the shape of their weights.
    """
    made = type(model)()
    made.CopyFrom(model)
    sizes: dict[str, int] = {}
    for graph in graphs_of(made.graph):
        del graph.value_info[:]
        sizes |= _last_sizes(graph)
    for graph in graphs_of(made.graph):
        for node in graph.node:
            while node.input and not node.input[-1]:  # an absent input at the end ends its process
                del node.input[-1]
            _add_hidden_size(node, sizes)
    if inputs.main_shape is None:
        return made
    (own,) = (info for info in made.graph.input if info.name == inputs.main.name)
    for dim, size in zip(own.type.tensor_type.shape.dim, inputs.main_shape, strict=False):
        if dim.dim_value > 0 and size is None:
            dim.Clear()
        elif dim.dim_value > 0:
            dim.dim_value = size
    return made


def _last_sizes(graph: Any) -> dict[str, int]:
    """How long the last axis of each constant is that stands in a graph."""
    found = {one.name: one.dims[-1] for one in graph.initializer if one.dims}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.HasField("t") and attribute.t.dims:
                found[node.output[0]] = attribute.t.dims[-1]
    return found


def _add_hidden_size(node: Any, sizes: dict[str, int]) -> None:
    if node.op_type not in ("LSTM", "GRU", "RNN") or len(node.input) < 3:
        return
    said = any(one.name == "hidden_size" for one in node.attribute)
    if not said and node.input[2] in sizes:
        node.attribute.add(name="hidden_size", type=2, i=sizes[node.input[2]])  # 2: an INT
