"""Activations."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[np.floating]


def sigmoid(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Logistic function.

    .. math:: σ(x) = \frac{1}{1 + e^{-x}} = \frac{e^{x}}{1 + e^{x}}

    The first form is used for x >= 0 and the second for x < 0, so that the exponential never
    overflows.

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    x = np.asarray(x, dtype)
    e = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, 1 / (1 + e), e / (1 + e))
    return y


def tanh(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Hyperbolic tangent.

    .. math:: \tanh(x) = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}} = 2σ(2x) - 1

    Examples
    --------
    >>> tanh([-1000.0, 0.0, 1000.0])
    array([-1.,  0.,  1.])
    """
    y: Array = np.tanh(np.asarray(x, dtype))
    return y


def relu(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Rectified linear unit.

    .. math:: \mathrm{relu}(x) = \max(x, 0)

    Examples
    --------
    >>> relu([-2.0, 0.0, 3.0])
    array([0., 0., 3.])
    """
    y: Array = np.maximum(np.asarray(x, dtype), 0)
    return y


def softmax(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Softmax over the last axis.

    .. math:: \mathrm{softmax}(x)_k = \frac{e^{x_k - m}}{\sum_j e^{x_j - m}}, \qquad m = \max_j x_j

    Subtracting the maximum changes nothing in exact arithmetic and keeps the exponentials at or
    below 1.

    Examples
    --------
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    x = np.asarray(x, dtype)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    y: Array = e / e.sum(axis=-1, keepdims=True)
    return y


def _linear(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    return np.asarray(x, dtype)


ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "linear": _linear,
    "relu": relu,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "tanh": tanh,
}
