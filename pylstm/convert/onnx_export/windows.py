"""Convolutions, pools and stacks of rows as ONNX operators, with the rows that they remember."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pylstm.convert.onnx_export.activations import activated
from pylstm.convert.onnx_export.onnx_graph import OnnxGraph
from pylstm.convert.onnx_export.row_tensor import RowTensor
from pylstm.layers import Conv, Pool, Stack
from pylstm.layers.window_layer import WindowLayer

__all__ = ["conv", "pool", "stack"]


class _Windows(NamedTuple):
    """The rows that windows of a chunk see, and how many windows there are."""

    rows: str
    """(m, width)."""
    n_windows: str
    """int64, (1,)."""
    lead: int
    """Rows before those of the first window."""


def _windows(graph: OnnxGraph, layer: WindowLayer, x: RowTensor) -> _Windows:
    """Rows that are left from before, then those of the chunk; what is left then is remembered.

    Where the stride is longer than the window, rows that no window sees come before each window,
    not after it: then there is never a row to drop that has not come yet.
    """
    lead = max(0, layer.stride - layer.window)
    reach = layer.window + lead
    if reach == 1:
        return _Windows(x.name, graph.n_rows(x.name), 0)
    first = layer.padding[0] + lead
    fixed = layer.stride == 1 and first == layer.window - 1
    before = graph.state("rows", (first, layer.input_size), changes=not fixed)
    rows = graph.behind(before, x.name)
    over = graph.add("Sub", graph.n_rows(rows), np.array([reach - layer.stride]))
    count = graph.add("Max", over, np.array([0]))
    used = count
    if layer.stride > 1:
        count = graph.add("Div", count, np.array([layer.stride]))
        used = graph.add("Mul", count, np.array([layer.stride]))
    graph.next_state(before, graph.part(rows, used))
    return _Windows(rows, count, lead)


def stack(graph: OnnxGraph, layer: Stack, inputs: list[RowTensor]) -> str:
    """Slices side by side, one for each place in the window."""
    windows = _windows(graph, layer, inputs[0])
    if layer.window == layer.stride == 1:
        return windows.rows
    span = windows.n_windows
    if layer.stride > 1:
        span = graph.add("Mul", span, np.array([layer.stride]))
    parts = []
    for place in range(layer.window):
        first = np.array([windows.lead + place])
        last = graph.add("Add", span, first)
        parts.append(graph.part(windows.rows, first, last, step=layer.stride))
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def _over_pictures(
    graph: OnnxGraph, layer: Conv | Pool, x: RowTensor, operator: str, *weights: Any, **more: Any
) -> str:
    """An operator over time and positions: (1, channels, rows, positions)."""
    windows = _windows(graph, layer, x)
    rows = windows.rows
    if windows.lead:
        rows = graph.part(rows, windows.lead)
    # The operators refuse pictures that are shorter than a window: so there is one window more.
    rows = graph.behind(rows, np.zeros((layer.window, layer.input_size), np.float32))
    shape = np.array([1, -1, layer.positions, layer.channels])
    picture = graph.add("Transpose", graph.add("Reshape", rows, shape), perm=[0, 3, 1, 2])
    low, high = layer.padding_positions
    y = graph.add(
        operator,
        picture,
        *weights,
        kernel_shape=[layer.kernel_size, layer.kernel_positions],
        strides=[layer.stride, layer.stride_positions],
        pads=[0, low, 0, high],
        **more,
    )
    y = graph.add("Transpose", y, perm=[0, 2, 3, 1])
    y = graph.add("Reshape", y, np.array([-1, layer.n_outputs]))
    return graph.part(y, 0, windows.n_windows)


def conv(graph: OnnxGraph, layer: Conv, inputs: list[RowTensor]) -> str:
    """A convolution of two dimensions, and the activation."""
    shape = (layer.output_channels, -1, layer.kernel_size, layer.kernel_positions)
    weights = [layer.weights["weight"].reshape(shape)]
    weights += [layer.weights["bias"]] if layer.bias else []
    dilations = [layer.dilation, layer.dilation_positions]
    y = _over_pictures(
        graph, layer, inputs[0], "Conv", *weights, dilations=dilations, group=layer.groups
    )
    return activated(graph, layer.activation, y)


def pool(graph: OnnxGraph, layer: Pool, inputs: list[RowTensor]) -> str:
    """A maximum or a mean over two dimensions; the zeros before the first row are real rows."""
    if layer.mode == "max":
        return _over_pictures(graph, layer, inputs[0], "MaxPool")
    include = int(layer.count_include_pad)
    return _over_pictures(graph, layer, inputs[0], "AveragePool", count_include_pad=include)
