"""Activations of many rows, and gradients through them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["FROM_INPUTS", "activate", "through"]

Array = NDArray[np.float32]

FROM_INPUTS = frozenset(
    {"gelu", "gelu_tanh", "silu", "square", "leaky_relu", "elu", "clipped_relu", "hard_sigmoid"}
)
"""The functions whose gradient `through` takes from what went in; the others': from what came
out."""


def activate(function: str, y: Array, *parameters: float | Array) -> Array:
    """Applies an activation; y may be overwritten.

    The parameters are those of `pylstm.layers.Activation`, in its order: alpha (a number, or one
    for each value), low and high, slope and offset, or floor.
    """
    if function == "tanh":
        np.tanh(y, out=y)
    elif function == "relu":
        np.maximum(y, 0, out=y)
    elif function == "sigmoid":
        _sigmoid_of(y)
    elif function == "softmax":
        y -= y.max(axis=-1, keepdims=True)
        np.exp(y, out=y)
        y /= y.sum(axis=-1, keepdims=True)
    elif function == "log_softmax":
        y -= y.max(axis=-1, keepdims=True)
        y -= np.log(np.exp(y).sum(axis=-1, keepdims=True))
    elif function == "gelu":
        y *= _normal(y)
    elif function == "gelu_tanh":
        y *= _sigmoid_of(2 * _gelu_tanh_inner(y))
    elif function == "silu":
        y *= _sigmoid_of(y.copy())
    elif function == "softsign":
        y /= 1 + np.abs(y)
    elif function == "sqrt":
        np.sqrt(np.maximum(y, 0, out=y), out=y)
    elif function == "square":
        y *= y
    elif function == "leaky_relu":
        y = np.maximum(y, 0) + np.float32(parameters[0]) * np.minimum(y, 0)
    elif function == "elu":
        y = np.maximum(y, 0) + np.float32(parameters[0]) * np.expm1(np.minimum(y, 0))
    elif function == "clipped_relu":
        np.clip(y, *map(np.float32, parameters), out=y)
    elif function == "hard_sigmoid":
        y *= np.float32(parameters[0])
        y += np.float32(parameters[1])
        np.clip(y, 0, 1, out=y)
    elif function == "log":
        np.log(np.maximum(y, np.float32(parameters[0]), out=y), out=y)
    return y


def through(
    function: str, y: Array, dy: Array, x: Array | None = None, *parameters: float | Array
) -> Array:
    """The gradient before an activation, from the gradient after it.

    y is what came out. x is what went in: needed for the functions of `FROM_INPUTS`. Where a
    function has a corner, the gradient there is PyTorch's; where its root or logarithm is held, 0.
    """
    if function in FROM_INPUTS:
        assert x is not None
        return dy * _slope(function, x, *parameters)
    if function == "tanh":
        return dy * (1 - y * y)
    if function == "relu":
        return dy * (y > 0)
    if function == "sigmoid":
        return dy * (y * (1 - y))
    if function == "softmax":
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))
    if function == "log_softmax":
        return dy - np.exp(y) * dy.sum(axis=-1, keepdims=True)
    if function == "softsign":
        return dy * np.square(1 - np.abs(y))
    if function == "sqrt":
        slope = np.zeros_like(y)
        np.divide(np.float32(0.5), y, out=slope, where=y > 0)
        return dy * slope
    if function == "log":
        floor = np.log(np.float32(parameters[0]))
        return dy * np.where(y > floor, np.exp(-y), np.float32(0))
    return dy


def _slope(function: str, x: Array, *parameters: float | Array) -> Array:
    """The derivative, from what went in."""
    if function == "square":
        return 2 * x
    if function == "leaky_relu":
        return np.where(x > 0, np.float32(1), np.float32(parameters[0]))
    if function == "elu":
        return np.where(x > 0, np.float32(1), np.float32(parameters[0]) * np.exp(np.minimum(x, 0)))
    if function == "clipped_relu":
        low, high = map(np.float32, parameters)
        return ((x > low) & (x < high)).astype(np.float32)
    if function == "hard_sigmoid":
        slope, offset = map(np.float32, parameters)
        sums = slope * x + offset
        return np.where((sums > 0) & (sums < 1), slope, np.float32(0))
    if function == "gelu":
        density = np.exp(np.float32(-0.5) * x * x) * np.float32(1 / math.sqrt(2 * math.pi))
        return _normal(x) + x * density
    if function == "gelu_tanh":
        gate = _sigmoid_of(2 * _gelu_tanh_inner(x))
        inner = 1 + np.float32(3 * 0.044715) * x * x
        return gate + x * gate * (1 - gate) * np.float32(2 * math.sqrt(2 / math.pi)) * inner
    assert function == "silu", function
    gate = _sigmoid_of(x.copy())
    return gate * (1 + x * (1 - gate))


def _sigmoid_of(y: Array) -> Array:
    """In place."""
    # 1 / (1 + exp(-y)) = (1 + tanh(y / 2)) / 2, which cannot overflow.
    y *= np.float32(0.5)
    np.tanh(y, out=y)
    y += 1
    y *= np.float32(0.5)
    return y


def _normal(x: Array) -> Array:
    """The normal distribution."""
    from scipy.special import erfc  # imported only where it is needed

    y: Array = np.float32(0.5) * erfc(np.float32(-math.sqrt(0.5)) * x)
    return y


def _gelu_tanh_inner(x: Array) -> Array:
    return np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
