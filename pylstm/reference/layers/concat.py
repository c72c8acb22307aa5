"""Rows side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array


def concat(xs: Sequence[ArrayLike], positions: int = 1, dtype: DTypeLike = np.float64) -> Array:
    """The channels of each position side by side, from the first row to the last.

    Parameters
    ----------
    xs : sequence of (..., P * C_i)
        Each with the channels of each of P positions, position by position.
    positions : int
        P.
    dtype : dtype

    Returns
    -------
    (..., P * (C_0 + C_1 + ...))

    Examples
    --------
    >>> concat([[[1.0, 2.0]], [[3.0, 4.0, 5.0, 6.0]]])
    array([[1., 2., 3., 4., 5., 6.]])
    >>> concat([[[1.0, 2.0]], [[3.0, 4.0, 5.0, 6.0]]], positions=2)
    array([[1., 3., 4., 2., 5., 6.]])
    """
    found = [np.asarray(x, dtype) for x in xs]
    before = found[0].shape[:-1]
    y = np.concatenate([x.reshape(*before, positions, x.shape[-1] // positions) for x in found], -1)
    return y.reshape(*before, y.shape[-2] * y.shape[-1])


def layer(
    x: Sequence[ArrayLike],
    settings: Mapping[str, Any],
    *,
    dtype: DTypeLike = np.float64,
    **given: Any,
) -> tuple[Array, None, list[dict[str, Array]]]:
    """`concat` for `pylstm.reference.layers.LAYERS`."""
    return concat(x, int(settings.get("positions", 1)), dtype), None, []
