"""Activations."""

import math
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


def clipped_relu(
    x: ArrayLike, low: float = 0.0, high: float = 6.0, dtype: DTypeLike = np.float64
) -> Array:
    r"""Rectified linear unit with a ceiling: ``torch.nn.functional.hardtanh``, and ``relu6``.

    .. math:: \min(\max(x, low), high)

    Examples
    --------
    >>> clipped_relu([-2.0, 3.0, 40.0], high=20.0)
    array([ 0.,  3., 20.])
    """
    y: Array = np.minimum(np.maximum(np.asarray(x, dtype), low), high)
    return y


def leaky_relu(x: ArrayLike, alpha: ArrayLike = 0.01, dtype: DTypeLike = np.float64) -> Array:
    r"""Rectified linear unit with a slope below 0 (``torch.nn.functional.leaky_relu``); with a
    slope for each value, ``torch.nn.functional.prelu`` (He et al. 2015).

    .. math:: \max(x, 0) + α \min(x, 0)

    Examples
    --------
    >>> leaky_relu([-2.0, 3.0], alpha=0.5)
    array([-1.,  3.])
    """
    x = np.asarray(x, dtype)
    y: Array = np.maximum(x, 0) + np.asarray(alpha, dtype) * np.minimum(x, 0)
    return y


def elu(x: ArrayLike, alpha: float = 1.0, dtype: DTypeLike = np.float64) -> Array:
    r"""Exponential linear unit (Clevert et al. 2016), as ``torch.nn.functional.elu``.

    .. math:: \max(x, 0) + α (e^{\min(x, 0)} - 1)

    Examples
    --------
    >>> elu([-1000.0, 3.0], alpha=2.0)
    array([-2.,  3.])
    """
    x = np.asarray(x, dtype)
    y: Array = np.maximum(x, 0) + x.dtype.type(alpha) * np.expm1(np.minimum(x, 0))
    return y


def gelu(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Gaussian error linear unit (Hendrycks and Gimpel 2016), as ``torch.nn.functional.gelu``.

    .. math:: x\, Φ(x) = \frac{x}{2} \left(1 + \mathrm{erf}\frac{x}{\sqrt 2}\right)
        = \frac{x}{2}\, \mathrm{erfc}\frac{-x}{\sqrt 2}

    Examples
    --------
    >>> gelu([-1000.0, 0.0, 1000.0]).round()
    array([  -0.,    0., 1000.])
    """
    x = np.asarray(x, dtype)
    halves = [0.5 * math.erfc(-value / math.sqrt(2)) for value in x.ravel().tolist()]
    y: Array = x * np.array(halves, dtype).reshape(x.shape)
    return y


def gelu_tanh(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""The approximation of `gelu` that ``torch.nn.functional.gelu(x, approximate="tanh")`` has.

    .. math:: \frac{x}{2} \left(1 + \tanh\left(\sqrt{2 / π}\, (x + 0.044715\, x^3)\right)\right)

    Examples
    --------
    >>> gelu_tanh([0.0, 1000.0])
    array([   0., 1000.])
    """
    x = np.asarray(x, dtype)
    inner = x.dtype.type(math.sqrt(2 / math.pi)) * (x + x.dtype.type(0.044715) * x**3)
    y: Array = x * sigmoid(2 * inner, dtype)
    return y


def silu(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Sigmoid linear unit, also called swish, as ``torch.nn.functional.silu``.

    .. math:: x\, σ(x)

    Examples
    --------
    >>> silu([0.0, 1000.0])
    array([   0., 1000.])
    """
    x = np.asarray(x, dtype)
    y: Array = x * sigmoid(x, dtype)
    return y


def hard_sigmoid(
    x: ArrayLike, slope: float = 1 / 6, offset: float = 0.5, dtype: DTypeLike = np.float64
) -> Array:
    r"""A sigmoid of three straight lines.

    .. math:: \min(\max(slope \cdot x + offset, 0), 1)

    Keras 3 and ``torch.nn.functional.hardsigmoid`` have slope 1/6, Keras 2 has 0.2; all have
    offset 0.5.

    Examples
    --------
    >>> hard_sigmoid([-4.0, 0.0, 1.0, 4.0], slope=0.25)
    array([0.  , 0.5 , 0.75, 1.  ])
    """
    x = np.asarray(x, dtype)
    y: Array = np.clip(x.dtype.type(slope) * x + x.dtype.type(offset), 0, 1)
    return y


def softsign(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""As ``torch.nn.functional.softsign``.

    .. math:: \frac{x}{1 + |x|}

    Examples
    --------
    >>> softsign([-1.0, 0.0, 3.0])
    array([-0.5 ,  0.  ,  0.75])
    """
    x = np.asarray(x, dtype)
    y: Array = x / (1 + np.abs(x))
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


def log_softmax(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""The logarithm of `softmax`, also where that is too small for a float.

    .. math:: x_k - m - \ln \sum_j e^{x_j - m}, \qquad m = \max_j x_j

    Examples
    --------
    >>> log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    x = np.asarray(x, dtype)
    below = x - x.max(axis=-1, keepdims=True)
    y: Array = below - np.log(np.exp(below).sum(axis=-1, keepdims=True))
    return y


def log(x: ArrayLike, floor: float, dtype: DTypeLike = np.float64) -> Array:
    r"""Natural logarithm; what is below the floor counts as the floor.

    .. math:: \ln \max(x, floor)

    Examples
    --------
    >>> log([-1.0, 1.0], floor=np.exp(-9.0))
    array([-9.,  0.])
    """
    y: Array = np.log(np.maximum(np.asarray(x, dtype), floor))
    return y


def sqrt(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Square root; negative values count as 0.

    .. math:: \sqrt{\max(x, 0)}

    Examples
    --------
    >>> sqrt([-1.0, 0.0, 4.0])
    array([0., 0., 2.])
    """
    y: Array = np.sqrt(np.maximum(np.asarray(x, dtype), 0))
    return y


def square(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    """The square of each value.

    Examples
    --------
    >>> square([-3.0])
    array([9.])
    """
    y: Array = np.square(np.asarray(x, dtype))
    return y


def linear(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    """The values themselves.

    Examples
    --------
    >>> linear([-3.0])
    array([-3.])
    """
    return np.asarray(x, dtype)


ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "linear": linear,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": silu,
    "softsign": softsign,
}
"""What a dense layer or a convolution can have for its sums."""

OTHERS: dict[str, tuple[Callable[..., Array], tuple[str, ...]]] = {
    "sqrt": (sqrt, ()),
    "square": (square, ()),
    "leaky_relu": (leaky_relu, ("alpha",)),
    "elu": (elu, ("alpha",)),
    "clipped_relu": (clipped_relu, ("low", "high")),
    "hard_sigmoid": (hard_sigmoid, ("slope", "offset")),
    "log": (log, ("floor",)),
}
"""The other functions, and the names of their parameters."""
