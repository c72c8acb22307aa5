"""Scale and shift: what batch norm is once it is trained."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array


def affine(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    per: str = "element",
    positions: int = 1,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Each value times a weight, plus a bias.

    .. math:: y_{p, c} = w\, x_{p, c} + b

    Parameters
    ----------
    x : (..., P * C)
        The C channels of each of P positions, position by position.
    weight, bias : (P * C,), (C,) or (P,)
        As `per` says. No bias: 0.
    per : {"element", "channel", "position"}
        For what there is a weight and a bias of its own.
    positions : int
        P.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    (..., P * C)

    Examples
    --------
    >>> affine([[1.0, 2.0, 3.0, 4.0]], [10.0, 100.0], per="channel", positions=2)
    array([[ 10., 200.,  30., 400.]])
    >>> affine([[1.0, 2.0, 3.0, 4.0]], [10.0, 100.0], [0.5, 0.0], per="position", positions=2)
    array([[ 10.5,  20.5, 300. , 400. ]])
    """
    x = np.asarray(x, dtype)
    shape = {"element": (positions, -1), "channel": (1, -1), "position": (-1, 1)}[per]
    y = x.reshape(*x.shape[:-1], positions, x.shape[-1] // positions) * np.asarray(
        weight, dtype
    ).reshape(shape)
    if bias is not None:
        y = y + np.asarray(bias, dtype).reshape(shape)
    return y.reshape(x.shape)


def layer(
    x: ArrayLike, settings: Mapping[str, Any], *, dtype: DTypeLike = np.float64, **given: Any
) -> tuple[Array, None, list[dict[str, Array]]]:
    """`affine` for `pylstm.reference.layers.LAYERS`."""
    weights, per = settings["weights"], settings.get("per", "element")
    positions = int(settings.get("positions", 1))
    return affine(x, weights["weight"], weights.get("bias"), per, positions, dtype), None, []
