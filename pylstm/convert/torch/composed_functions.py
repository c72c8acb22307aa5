"""Functions of PyTorch that take several layers, or a layer that what comes in decides on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from pylstm.convert.torch.call import Call
from pylstm.convert.torch.embedding import Symbols
from pylstm.convert.torch.rows import ROW, TIME, Rows
from pylstm.convert.torch.views import MeanOverTime
from pylstm.layers import Activation, Affine, Dense, Mul, Pool

__all__ = ["COMPOSED", "clamp", "hard_swish", "mean_over", "selu"]

_LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = float(np.finfo(np.float32).tiny)

# Klambauer et al. 2017, with the digits of PyTorch.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805

# What is never below 0.
_POSITIVE = ("square", "relu", "sigmoid", "sqrt", "softmax", "hard_sigmoid")


def clamp(call: Call, input: Any, min: Any = None, max: Any = None) -> Any:
    """``torch.clamp``."""
    for name, value in (("min", min), ("max", max)):
        if value is not None and not isinstance(value, int | float):
            raise ValueError(f"{call.where} has {name}={value}; expected a number, or None")
    if isinstance(input, Symbols):
        if max is None and min in (0, None):
            return input  # a symbol below 0 is none
        raise ValueError(f"{call.where} has min={min}, max={max}; expected min=0, of symbols")
    if min is None and max is None:
        raise ValueError(f"{call.where} has min=None, max=None; expected a number")
    if min == 0 and max is None:
        return call.activation(input, "relu", shown="clamp")
    low = -_LARGEST if min is None else float(min)
    high = _LARGEST if max is None else float(max)
    return call.activation(input, "clipped_relu", shown="clamp", low=low, high=high)


def selu(call: Call, input: Rows, inplace: bool = False) -> Rows:
    """``torch.nn.functional.selu``."""
    rows = call.activation(input, "elu", shown="selu", alpha=_SELU_ALPHA)
    return call.network.affine(rows, f"{call.name}_scale", np.array(_SELU_SCALE, np.float32), None)


def hard_swish(call: Call, input: Rows, inplace: bool = False) -> Rows:
    """``torch.nn.functional.hardswish``."""
    if input.columns is None:
        return input
    gate = call.network.activation(input, f"{call.name}_gate", "hard_sigmoid")
    return call.network.joined(Mul, call.name, [input, gate])


def _absolute(call: Call, input: Rows) -> Rows:
    return call.activation(input, "leaky_relu", shown="abs", alpha=-1.0)


def _power(call: Call, input: Any, exponent: Any) -> Rows:
    known = {1: "linear", 2: "square", 0.5: "sqrt"}
    if not isinstance(input, Rows) or exponent not in known:
        raise ValueError(f"{call.where} has the exponent {exponent}; expected 2 or 0.5 of rows")
    return call.activation(input, known[exponent], shown="pow")


def _logarithm(base: float) -> Callable[[Call, Rows], Rows]:
    def run(call: Call, input: Rows) -> Rows:
        if input.columns is None:
            return input
        if not _above_zero(call, input.node):
            raise ValueError(
                f"{call.where} is of values that may be 0; expected those behind a clamp, such as"
                " x.clamp(min=1e-6), or a number above 0 plus what a square, relu or sigmoid gives"
            )
        rows = call.activation(input, "log", shown="log", floor=_SMALLEST)
        if base == math.e:
            return rows
        factor = np.array(1 / math.log(base), np.float32)
        return call.network.affine(rows, f"{call.name}_scale", factor, None)

    return run


def _above_zero(call: Call, node: str) -> bool:
    """Whether the rows of a layer are above 0, as the last two layers tell."""
    step = call.network.steps.get(node)
    if step is None:
        return False
    layer = step.layer
    if isinstance(layer, Activation) and layer.function == "clipped_relu":
        return (layer.low or 0.0) >= _SMALLEST
    if not isinstance(layer, Affine) or not layer.bias:
        return False
    before = call.network.steps.get(step.inputs[0])
    function = getattr(before and before.layer, "function", "")
    low = getattr(before and before.layer, "low", -1.0)
    positive = function in _POSITIVE or (function == "clipped_relu" and low >= 0)
    weights = layer.weights
    return positive and bool(
        (weights["bias"] >= _SMALLEST).all() and (weights["weight"] >= 0).all()
    )


def _mean(call: Call, input: Rows, dim: Any = None, keepdim: bool = False) -> Rows:
    dims = dim if isinstance(dim, tuple | list) else [dim]
    if dim is None or any(input.axes[input.axis(one)] != ROW for one in dims):
        kinds = {input.axes[input.axis(one)] for one in dims} if dim is not None else {TIME}
        over = "time" if any(TIME in kind for kind in kinds) else "the batch"
        kind = MeanOverTime if over == "time" else ValueError
        raise kind(
            f"{call.where} is a mean over {over}, of {input.described}; expected one over values: a"
            " stream does not know the end, and y[:, -1] is the last frame"
        )
    return mean_over(call, input, [input.axis(one) for one in dims], keepdim)


def mean_over(call: Call, rows: Rows, axes: list[int], keepdim: bool = False) -> Rows:
    """The mean over axes of the row."""
    net, columns = call.network, rows.known()
    places = tuple(rows.place_in_row(axis) for axis in axes)
    kept = tuple(size for k, size in enumerate(columns.shape) if k not in places)
    if columns.ndim == 2 and places == (1,):
        rows = net.in_order(rows, call.name, by_position=True)
        positions = columns.shape[1]
        layer: Any = Pool(
            net.width(rows), "mean", 1, positions=positions, kernel_positions=positions
        )
    else:
        of_each = math.prod(columns.shape[k] for k in places)
        behind = np.moveaxis(columns, places, range(-len(places), 0)).reshape(-1, of_each)
        matrix = np.zeros((len(behind), net.width(rows)), np.float32)
        for k, own in enumerate(behind):
            np.add.at(matrix[k], own, 1 / of_each)
        layer = Dense(net.width(rows), len(behind), bias=False, weights={"weight": matrix})
    found = net.add(call.name, layer, [rows])
    left = tuple(letter for k, letter in enumerate(rows.axes) if k not in axes)
    found = replace(found, axes=left, columns=found.known().reshape(kept))
    for axis in sorted(axes) if keepdim else []:
        found = found.unsqueeze(axis)
    return found


COMPOSED: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **dict.fromkeys(("clamp", "clip"), clamp),
        "selu": selu,
        "hardswish": hard_swish,
        **dict.fromkeys(("abs", "absolute"), _absolute),
        "pow": _power,
        "log": _logarithm(math.e),
        "log10": _logarithm(10.0),
        "log2": _logarithm(2.0),
        "mean": _mean,
    }
)
"""What is done for each of them, by its name in PyTorch."""
