"""Joins as ONNX operators, with the rows that wait for others."""

from __future__ import annotations

import numpy as np

from pylstm.convert.onnx_export.onnx_graph import OnnxGraph
from pylstm.convert.onnx_export.row_layers import by_position, whole
from pylstm.convert.onnx_export.row_tensor import RowTensor
from pylstm.layers import Add, Concat, Mul

__all__ = ["add", "concat", "mul"]


def _matched(graph: OnnxGraph, inputs: list[RowTensor]) -> list[str]:
    """The rows of each input that stand for the same frames, as many of each."""
    begin = max(x.first for x in inputs)
    skipped = [(begin - x.first) // x.period for x in inputs]
    arrivals = [x.arrives + n * x.period for x, n in zip(inputs, skipped, strict=True)]
    names = [
        _without_first(graph, x, place, n) if n else x.name
        for place, (x, n) in enumerate(zip(inputs, skipped, strict=True))
    ]
    latest = max(arrivals)
    if min(arrivals) == latest:
        return names
    # The latest input decides; what comes before it waits.
    count = graph.n_rows(names[arrivals.index(latest)])
    for place, x in enumerate(inputs):
        if arrivals[place] < latest:
            waiting = graph.state(f"waiting_{place}", (0, x.width), changes=True)
            rows = graph.behind(waiting, names[place])
            names[place] = graph.part(rows, 0, count)
            graph.next_state(waiting, graph.part(rows, count))
    return names


def _without_first(graph: OnnxGraph, x: RowTensor, place: int, n: int) -> str:
    """The rows but for the first n of the sequence, before which another input has none."""
    done = graph.state(f"skipped_{place}", (1,), dtype=np.int64)
    left = graph.add("Sub", np.array([n]), done)
    now = graph.add("Min", left, graph.n_rows(x.name))
    graph.next_state(done, graph.add("Add", done, now))
    return graph.part(x.name, now)


def _value_by_value(graph: OnnxGraph, operator: str, names: list[str]) -> str:
    y = names[0]
    for name in names[1:]:
        y = graph.add(operator, y, name)
    return y


def add(graph: OnnxGraph, layer: Add, inputs: list[RowTensor]) -> str:
    """Sums, from the first input to the last."""
    return _value_by_value(graph, "Add", _matched(graph, inputs))


def mul(graph: OnnxGraph, layer: Mul, inputs: list[RowTensor]) -> str:
    """Products, from the first input to the last."""
    return _value_by_value(graph, "Mul", _matched(graph, inputs))


def concat(graph: OnnxGraph, layer: Concat, inputs: list[RowTensor]) -> str:
    """The channels of each position side by side."""
    parts = [
        by_position(graph, name, layer.positions, x.width)
        for name, x in zip(_matched(graph, inputs), inputs, strict=True)
    ]
    y = graph.add("Concat", *parts, axis=-1)
    return whole(graph, y, layer.positions, sum(x.width for x in inputs))
