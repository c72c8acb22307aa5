"""Activations of many rows, and gradients through them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["activate", "through"]

Array = NDArray[np.float32]


def activate(activation: str, y: Array) -> Array:
    """Applies the activation; y may be overwritten."""
    if activation == "tanh":
        np.tanh(y, out=y)
    elif activation == "relu":
        np.maximum(y, 0, out=y)
    elif activation == "sigmoid":
        # 1 / (1 + exp(-y)) = (1 + tanh(y / 2)) / 2, which cannot overflow.
        y *= np.float32(0.5)
        np.tanh(y, out=y)
        y += 1
        y *= np.float32(0.5)
    elif activation == "softmax":
        y -= y.max(axis=-1, keepdims=True)
        np.exp(y, out=y)
        y /= y.sum(axis=-1, keepdims=True)
    return y


def through(activation: str, y: Array, dy: Array) -> Array:
    """The gradient before an activation, from the gradient after it and the activation's output."""
    if activation == "tanh":
        return dy * (1 - y * y)
    if activation == "relu":
        return dy * (y > 0)
    if activation == "sigmoid":
        return dy * (y * (1 - y))
    if activation == "softmax":
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))
    return dy
