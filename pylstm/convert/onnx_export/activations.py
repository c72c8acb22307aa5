"""Activations as ONNX operators."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pylstm.convert.onnx_export.onnx_graph import OnnxGraph
from pylstm.convert.onnx_export.row_tensor import RowTensor
from pylstm.layers import Activation

__all__ = ["activated", "activation"]

# Functions that are an operator by themselves.
_OPERATORS = {
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "Relu",
    "softsign": "Softsign",
}


def _scaled(graph: OnnxGraph, x: str, factor: float) -> str:
    return graph.add("Mul", x, _number(factor))


def _gelu(graph: OnnxGraph, x: str) -> str:
    """x / 2 (1 + erf(x / sqrt 2)): the operator of that name came with a later version."""
    erf = graph.add("Erf", _scaled(graph, x, math.sqrt(0.5)))
    return graph.add("Mul", _scaled(graph, x, 0.5), graph.add("Add", erf, _number(1)))


def _gelu_tanh(graph: OnnxGraph, x: str) -> str:
    square = graph.add("Mul", x, x)
    factor = graph.add("Add", _scaled(graph, square, 0.044715), _number(1))
    inner = _scaled(graph, graph.add("Mul", x, factor), 2 * math.sqrt(2 / math.pi))
    return graph.add("Mul", x, graph.add("Sigmoid", inner))


_WITHOUT_PARAMETERS: dict[str, Callable[[OnnxGraph, str], str]] = {
    "linear": lambda graph, x: x,
    "softmax": lambda graph, x: graph.add("Softmax", x, axis=-1),
    "log_softmax": lambda graph, x: graph.add("LogSoftmax", x, axis=-1),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": lambda graph, x: graph.add("Mul", x, graph.add("Sigmoid", x)),
    "sqrt": lambda graph, x: graph.add("Sqrt", graph.add("Relu", x)),
    "square": lambda graph, x: graph.add("Mul", x, x),
}


def activated(graph: OnnxGraph, function: str, x: str) -> str:
    """A function without parameters of rows (n, width).

    Raises
    ------
    KeyError
        It is none of these.
    """
    if function in _OPERATORS:
        return graph.add(_OPERATORS[function], x)
    return _WITHOUT_PARAMETERS[function](graph, x)


def _prelu(graph: OnnxGraph, layer: Activation, x: str) -> str:
    return graph.add("PRelu", x, np.resize(layer.weights["weight"], layer.input_size))


_WITH_PARAMETERS: dict[str, Callable[[OnnxGraph, Activation, str], str]] = {
    "leaky_relu": lambda graph, layer, x: graph.add("LeakyRelu", x, alpha=layer.alpha),
    "elu": lambda graph, layer, x: graph.add("Elu", x, alpha=layer.alpha),
    "clipped_relu": lambda graph, layer, x: graph.add(
        "Clip", x, _number(layer.low), _number(layer.high)
    ),
    "hard_sigmoid": lambda graph, layer, x: graph.add(
        "HardSigmoid", x, alpha=layer.slope, beta=layer.offset
    ),
    "log": lambda graph, layer, x: graph.add("Log", graph.add("Max", x, _number(layer.floor))),
    "prelu": _prelu,
}


def _number(value: float | None) -> np.ndarray:
    return np.array(value, np.float32)


def activation(graph: OnnxGraph, layer: Activation, inputs: list[RowTensor]) -> str:
    """An `Activation` layer."""
    (x,) = inputs
    if layer.function in _WITH_PARAMETERS:
        return _WITH_PARAMETERS[layer.function](graph, layer, x.name)
    return activated(graph, layer.function, x.name)
