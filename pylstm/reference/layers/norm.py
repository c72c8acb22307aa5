r"""Layer norm (Ba, Kiros, Hinton 2016), as ``torch.nn.LayerNorm`` has it (PyTorch 2.13).

Over a whole row also the instant layer norm of DTLN (Westhausen and Meyer 2020), with ``eps=1e-7``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array


def norm(
    x: ArrayLike,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
    positions: int = 1,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""The values of a row, or of each position of a row, with mean 0 and variance 1.

    .. math::

        m = \frac{1}{C} \sum_c x_c, \qquad v = \frac{1}{C} \sum_c (x_c - m)^2, \qquad
        y_c = \frac{x_c - m}{\sqrt{v + ε}} \, w_c + b_c

    Parameters
    ----------
    x : (..., P * C)
        The C channels of each of P positions, position by position.
    weight, bias : (C,), optional
        None: 1 and 0.
    eps : float
        ε, above 0.
    positions : int
        P.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    (..., P * C)

    Examples
    --------
    >>> norm([[1.0, 3.0], [5.0, 5.0]], [1.0, 2.0], [10.0, 20.0], eps=1e-12)
    array([[ 9., 22.],
           [10., 20.]])
    """
    x = np.asarray(x, dtype)
    by_position = x.reshape(*x.shape[:-1], positions, x.shape[-1] // positions)
    mean = by_position.mean(axis=-1, keepdims=True)
    variance = np.square(by_position - mean).mean(axis=-1, keepdims=True)
    y = (by_position - mean) / np.sqrt(variance + x.dtype.type(eps))
    if weight is not None:
        y = y * np.asarray(weight, dtype)
    if bias is not None:
        y = y + np.asarray(bias, dtype)
    return y.reshape(x.shape)


def layer(
    x: ArrayLike, settings: Mapping[str, Any], *, dtype: DTypeLike = np.float64, **given: Any
) -> tuple[Array, None, list[dict[str, Array]]]:
    """`norm` for `pylstm.reference.layers.LAYERS`."""
    weights = settings["weights"]
    eps, positions = float(settings.get("eps", 1e-5)), int(settings.get("positions", 1))
    y = norm(x, weights.get("weight"), weights.get("bias"), eps, positions, dtype)
    return y, None, []
