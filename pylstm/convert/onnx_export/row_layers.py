"""Layers that remember nothing, as ONNX operators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx_export.activations import activated
from pylstm.convert.onnx_export.onnx_graph import OnnxGraph
from pylstm.convert.onnx_export.row_tensor import RowTensor
from pylstm.layers import Affine, Dense, LayerNorm, Select

__all__ = ["affine", "dense", "layer_norm", "normalised", "select"]


def dense(graph: OnnxGraph, layer: Dense, inputs: list[RowTensor]) -> str:
    """A matrix product, the bias and the activation."""
    y = graph.add("MatMul", inputs[0].name, layer.weights["weight"].T)
    if layer.bias:
        y = graph.add("Add", y, layer.weights["bias"])
    return activated(graph, layer.activation, y)


def normalised(graph: OnnxGraph, x: str, eps: float) -> str:
    """(x - mean) / sqrt(variance + eps) over the last axis.

    Inside are doubles, as in the engine: a mean far from 0 would cost the deviations their digits.
    """
    wide = graph.add("Cast", x, to=11)
    deviations = graph.add("Sub", wide, graph.add("ReduceMean", wide, axes=[-1]))
    squares = graph.add("Mul", deviations, deviations)
    variance = graph.add("Add", graph.add("ReduceMean", squares, axes=[-1]), np.array(eps))
    return graph.add("Cast", graph.add("Div", deviations, graph.add("Sqrt", variance)), to=1)


def layer_norm(graph: OnnxGraph, layer: LayerNorm, inputs: list[RowTensor]) -> str:
    """Each position by itself, then weight and bias."""
    x = by_position(graph, inputs[0].name, layer.positions, layer.input_size)
    y = normalised(graph, x, layer.eps)
    if layer.affine:
        y = graph.add("Mul", y, layer.weights["weight"])
        y = graph.add("Add", y, layer.weights["bias"])
    return whole(graph, y, layer.positions, layer.input_size)


def affine(graph: OnnxGraph, layer: Affine, inputs: list[RowTensor]) -> str:
    """A product and a sum with what is spread over the row."""

    def spread(values: NDArray[Any]) -> NDArray[Any]:
        channels = layer.input_size // layer.positions
        shape = {"element": (-1, channels), "channel": (1, -1), "position": (-1, 1)}[layer.per]
        return np.broadcast_to(values.reshape(shape), (layer.positions, channels)).ravel()

    y = graph.add("Mul", inputs[0].name, spread(layer.weights["weight"]))
    return graph.add("Add", y, spread(layer.weights["bias"])) if layer.bias else y


def select(graph: OnnxGraph, layer: Select, inputs: list[RowTensor]) -> str:
    """A slice of the channels of each position."""
    x = by_position(graph, inputs[0].name, layer.positions, layer.input_size)
    y = graph.part(x, layer.start, np.array([layer.stop]), axis=-1)
    return whole(graph, y, layer.positions, layer.n_outputs)


def by_position(graph: OnnxGraph, x: str, positions: int, width: int) -> str:
    """Rows (n, width) as (n, positions, channels); the same where there is one position."""
    if positions == 1:
        return x
    return graph.add("Reshape", x, np.array([0, positions, width // positions]))


def whole(graph: OnnxGraph, x: str, positions: int, width: int) -> str:
    """The opposite of `by_position`."""
    return x if positions == 1 else graph.add("Reshape", x, np.array([0, width]))
