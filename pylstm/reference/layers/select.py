"""A part of each row."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array


def select(
    x: ArrayLike, start: int, stop: int, positions: int = 1, dtype: DTypeLike = np.float64
) -> Array:
    """The channels from start on and before stop, of each position.

    Parameters
    ----------
    x : (..., P * C)
        The C channels of each of P positions, position by position.
    start, stop : int
    positions : int
        P.
    dtype : dtype

    Returns
    -------
    (..., P * (stop - start))

    Examples
    --------
    >>> select([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], 1, 3)
    array([[2., 3.]])
    >>> select([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], 1, 3, positions=2)
    array([[2., 3., 5., 6.]])
    """
    x = np.asarray(x, dtype)
    y = x.reshape(*x.shape[:-1], positions, x.shape[-1] // positions)[..., start:stop]
    return y.reshape(*x.shape[:-1], positions * (stop - start))


def layer(
    x: ArrayLike, settings: Mapping[str, Any], *, dtype: DTypeLike = np.float64, **given: Any
) -> tuple[Array, None, list[dict[str, Array]]]:
    """`select` for `pylstm.reference.layers.LAYERS`."""
    start, stop = int(settings["start"]), int(settings["stop"])
    return select(x, start, stop, int(settings.get("positions", 1)), dtype), None, []
