r"""The dense layer over many rows, and its gradients.

.. math::

    y &= a(x W^T + b), \qquad
    \frac{\partial L}{\partial W} = d^T x, \quad
    \frac{\partial L}{\partial b} = \sum_r d_r, \quad
    \frac{\partial L}{\partial x} = d\, W

with d the gradient of the loss with respect to :math:`x W^T + b`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEFT_TO_THE_LOSS", "activate", "backward", "forward", "through"]

Array = NDArray[np.float32]

LEFT_TO_THE_LOSS = ("softmax", "sigmoid")
"""Activations of a last layer that are part of its loss: cross-entropy takes logits."""


def forward(weights: dict[str, Array], x: Array) -> Array:
    """x W^T + b for rows x."""
    y: Array = x @ weights["weight"].T
    if "bias" in weights:
        y += weights["bias"]
    return y


def activate(activation: str, y: Array) -> Array:
    """a(y), y being free to be overwritten."""
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
    """The gradient before an activation, from that after it and what came out of it."""
    if activation == "tanh":
        return dy * (1 - y * y)
    if activation == "relu":
        return dy * (y > 0)
    if activation == "sigmoid":
        return dy * (y * (1 - y))
    if activation == "softmax":
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))
    return dy


def backward(
    weights: dict[str, Array], x: Array, d: Array, gradients: dict[str, Array], below: bool
) -> Array | None:
    """Adds to the gradients; gives that of the inputs where they are wanted."""
    gradients["weight"] += d.T @ x
    if "bias" in weights:
        # By BLAS, which is several times as fast as a sum over the first axis.
        gradients["bias"] += np.ones(len(d), np.float32) @ d
    return d @ weights["weight"] if below else None
