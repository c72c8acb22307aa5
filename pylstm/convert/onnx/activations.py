"""ONNX operators that are functions of each value, or of the row."""

from __future__ import annotations

from typing import Any

import numpy as np

from pylstm.arguments import number_of
from pylstm.convert.onnx.affine import affine
from pylstm.convert.onnx.layers import LayerGraph
from pylstm.convert.onnx.norms import normalised
from pylstm.convert.onnx.operators import Call, Deferred, Tensor, Value, operator
from pylstm.convert.onnx.rows import ZERO, Ids
from pylstm.convert.onnx.unrolled import rnn_cell
from pylstm.layers import Activation, Add, Concat, Mul, Pool, Select

__all__: list[str] = []

LARGEST = float(np.finfo(np.float32).max)
SMALLEST = float(np.finfo(np.float32).tiny)

# Functions that give 0 for 0, so that padding stays what it is.
_THROUGH_ZERO = {"tanh", "relu", "sqrt", "square", "leaky_relu", "elu", "gelu", "softsign"}
_THROUGH_ZERO |= {"gelu_tanh", "silu", "prelu"}


def _function(call: Call, function: str, **settings: float) -> Tensor:
    ids = call.ids()
    clipped = function == "clipped_relu" and settings["low"] <= 0 <= settings["high"]
    if (ids == ZERO).any() and function not in _THROUGH_ZERO and not clipped:
        call.refuse("it makes other numbers of the zeros of a padding", "the padding behind it")
    return Tensor(call.graph.activated(ids, function, call.name, **settings))


_SAME = {
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Relu": "relu",
    "Softsign": "softsign",
}


def _same(call: Call) -> Value:
    found = _function(call, _SAME[call.node.op_type])
    if call.node.output[0] in call.graph.given and call.graph.pending.concerns(found.ids):
        cell = rnn_cell(call.graph, found.ids, call.name)
        return found if cell is None else Tensor(cell)
    return found


for _name in _SAME:
    operator(_name)(_same)


@operator("Sqrt")
def _sqrt(call: Call) -> Value:
    found = normalised(call)
    if isinstance(found, Deferred):
        return found
    graph = call.graph
    if not all(_never_negative(graph, rows.name) for rows in graph.table.owners(call.ids())):
        graph.note(f"{call.name} gives 0 for negative numbers, where ONNX gives NaN.")
    return _function(call, "sqrt")


def _never_negative(graph: LayerGraph, name: str) -> bool:
    """Whether the rows of a layer are 0 or more, as far as its kind and its inputs tell."""
    layer, *inputs = graph.layers.get(name, (None,))
    if isinstance(layer, Activation):
        return layer.function in ("square", "relu", "sigmoid", "sqrt", "softmax")
    kept = isinstance(layer, Add | Mul | Select | Concat | Pool)
    return kept and all(_never_negative(graph, one) for one in inputs)


@operator("Gelu", "approximate")
def _gelu(call: Call) -> Value:
    exact = call.attribute("approximate", "none", "tanh") == "none"
    return _function(call, "gelu" if exact else "gelu_tanh")


@operator("LeakyRelu", "alpha")
def _leaky_relu(call: Call) -> Value:
    return _function(call, "leaky_relu", alpha=call.attribute("alpha", 0.01))


@operator("Abs")
def _abs(call: Call) -> Value:
    return _function(call, "leaky_relu", alpha=-1.0)


@operator("Elu", "alpha")
def _elu(call: Call) -> Value:
    return _function(call, "elu", alpha=call.attribute("alpha", 1.0))


@operator("Selu", "alpha", "gamma")
def _selu(call: Call) -> Value:
    ids = _function(call, "elu", alpha=call.attribute("alpha", 1.6732631921768188)).ids
    gamma = call.attribute("gamma", 1.0507010221481323)
    return Tensor(affine(call.graph, ids, gamma, 0.0, call.name))


@operator("HardSigmoid", "alpha", "beta")
def _hard_sigmoid(call: Call) -> Value:
    slope, offset = call.attribute("alpha", 0.2), call.attribute("beta", 0.5)
    return _function(call, "hard_sigmoid", slope=slope, offset=offset)


@operator("HardSwish")
def _hard_swish(call: Call) -> Value:
    gate = _function(call, "hard_sigmoid", slope=1 / 6, offset=0.5)
    return Tensor(call.graph.joined(Mul, call.ids(), gate.ids, call.name))


@operator("Clip", "min", "max")
def _clip(call: Call) -> Value:
    low, high = (
        _one_number(call, place) if call.has(place) else call.attribute(name, usual)
        for place, name, usual in ((1, "min", -LARGEST), (2, "max", LARGEST))
    )
    return _between(call, max(low, -LARGEST), min(high, LARGEST))


def _one_number(call: Call, place: int) -> float:
    value = call.constant(place)
    if value.ndim:
        call.refuse(f"{call.input_name(place)} has shape {value.shape}", "one number, ()")
    return float(value)


def _between(call: Call, low: float, high: float) -> Tensor:
    if low == -LARGEST and high == LARGEST:
        return Tensor(call.ids())
    if low == 0 and high == LARGEST:
        return _function(call, "relu")
    if not low <= high:
        call.refuse(f"min is {low} and max is {high}", "min below max")
    return _function(call, "clipped_relu", low=low, high=high)


@operator("Max")
def _max(call: Call) -> Value:
    return _between(call, _bound(call), LARGEST)


@operator("Min")
def _min(call: Call) -> Value:
    return _between(call, -LARGEST, _bound(call))


def _bound(call: Call) -> float:
    """The constant of two inputs, which has to be one number; the rows come first then."""
    if len(call.inputs) == 2 and isinstance(call.inputs[0], np.ndarray):
        call.inputs = call.inputs[::-1]
    if len(call.inputs) != 2:
        call.refuse(f"it has {number_of(len(call.inputs), 'input')}", "rows and one number")
    bounds = np.unique(call.constant(1)).tolist()
    if len(bounds) != 1 or not np.isfinite(bounds[0]):
        call.refuse(f"{call.input_name(1)} has the values {bounds}", "one number")
    return float(bounds[0])


@operator("Log")
def _log(call: Call) -> Value:
    before = _before_softmax(call.graph, call.ids())
    if before is not None:
        return Tensor(call.graph.activated(before, "log_softmax", call.name))
    for rows in call.graph.table.owners(call.ids()):
        layer = call.graph.layers.get(rows.name, (None,))[0]
        limited = isinstance(layer, Activation) and layer.low is not None and layer.low >= SMALLEST
        if not limited:
            call.refuse("its rows may be 0", "rows behind a Clip with a min above 0, or a Max")
    return _function(call, "log", floor=SMALLEST)


def _before_softmax(graph: LayerGraph, ids: Ids) -> Ids | None:
    """The values that a softmax took to give these; None: they are of none."""
    owners = graph.table.owners(ids)
    layer, *inputs = graph.layers.get(owners[0].name, (None,)) if len(owners) == 1 else (None,)
    if not isinstance(layer, Activation) or layer.function != "softmax" or (ids == ZERO).any():
        return None
    before: Ids = ids + (graph.rows_of(inputs[0]).base - owners[0].base)
    return before


@operator("PRelu")
def _prelu(call: Call) -> Value:
    ids, slope = call.ids(), call.weights(1)
    shape = np.broadcast_shapes(ids.shape, slope.shape)
    if shape != ids.shape:
        call.refuse(f"{call.input_name(1)} has shape {slope.shape}", f"one that fits {ids.shape}")
    slopes = np.unique(slope)
    if len(slopes) == 1:
        return _function(call, "leaky_relu", alpha=float(slopes[0]))
    view = call.graph.table.view(ids)
    full: Any = np.broadcast_to(slope, shape)
    if view.axis is not None:
        if (full != full.take([0], view.axis)).any():
            call.refuse("its slope changes over time", "one that stays")
        full = full.take(0, view.axis)
    rows = call.graph.gathered(view.ids.ravel(), call.name)
    layer = Activation(
        rows.width,
        "prelu",
        num_parameters=rows.width,
        weights={"weight": full.astype(np.float32).ravel()},
    )
    new = call.graph.add(layer, [rows], call.name)
    columns = np.arange(new.width).reshape(view.ids.shape)
    return Tensor(call.graph.placed(view, new, columns, view.axis))


def _over_row(call: Call, function: Any) -> Value:
    ids: Ids = call.ids()
    axis = call.axis(ids.ndim, -1 if call.opset >= 13 else 1)
    axes = [axis] if call.opset >= 13 else list(range(axis, ids.ndim))
    view = call.graph.table.view(ids)
    wide = [k for k, n in enumerate(ids.shape) if n > 1 and k != view.axis]
    if view.axis in axes or any(k not in axes for k in wide):
        call.refuse(f"axis is {axis} of a tensor {ids.shape}", "the values of one row")
    rows = call.graph.gathered(view.ids.ravel(), call.name)
    new = call.graph.add(Activation(rows.width, function), [rows], call.name)
    columns = np.arange(new.width).reshape(view.ids.shape)
    return Tensor(call.graph.placed(view, new, columns, view.axis))


@operator("Softmax", "axis")
def _softmax(call: Call) -> Value:
    return _over_row(call, "softmax")


@operator("LogSoftmax", "axis")
def _log_softmax(call: Call) -> Value:
    return _over_row(call, "log_softmax")
