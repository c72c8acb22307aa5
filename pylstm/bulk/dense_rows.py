r"""A dense layer over many rows, and its gradients.

.. math::

    y &= a(x W^T + b), \qquad
    \frac{\partial L}{\partial W} = d^T x, \quad
    \frac{\partial L}{\partial b} = \sum_r d_r, \quad
    \frac{\partial L}{\partial x} = d\, W

with d the gradient of the loss with respect to :math:`x W^T + b`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.bulk.packed_sequences import Packed
from pylstm.bulk.states import State

__all__ = ["DenseRows"]

Array = NDArray[np.float32]


class DenseRows:
    """A dense layer with its weights: a `pylstm.bulk.bulk_layer.BulkLayer`.

    Parameters
    ----------
    weights : dict of str to ndarray
        ``weight`` and, where there is one, ``bias``.
    activation : str
        One of those that `pylstm.Dense` takes.
    """

    kept_per_row = 0
    """A tape holds only the input and output rows, which are not counted."""

    def __init__(self, weights: dict[str, Array], activation: str) -> None:
        self._weight, self._bias = weights["weight"], weights.get("bias")
        self._activation = activation

    def forward(
        self,
        x: Array,
        packed: Packed,
        state: State | None,
        *,
        keep: bool = False,
        rng: np.random.Generator | None = None,
        recompute: int | None = None,
    ) -> tuple[Array, State, Any]:
        """Runs over all rows: see `BulkLayer.forward`."""
        y: Array = x @ self._weight.T
        if self._bias is not None:
            y += self._bias
        y = activate(self._activation, y)
        return y, (), (x, y) if keep else None

    def backward(
        self,
        tape: Any,
        dy: Array,
        d_state: State | None,
        gradients: dict[str, Array],
        d_inputs: bool,
    ) -> tuple[Array | None, State]:
        """Runs back over a forward pass: see `BulkLayer.backward`."""
        x, y = tape
        d = through(self._activation, y, dy)
        gradients["weight"] += d.T @ x
        if self._bias is not None:
            # By BLAS, which is several times as fast as a sum over the first axis.
            gradients["bias"] += np.ones(len(d), np.float32) @ d
        return d @ self._weight if d_inputs else None, ()


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
