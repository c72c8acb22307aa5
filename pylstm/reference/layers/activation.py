"""An activation by itself: a function of each value, or of the row."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import ACTIVATIONS, OTHERS, Array, leaky_relu


def activation(
    x: ArrayLike,
    function: str,
    weight: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    **parameters: float,
) -> Array:
    """One of the functions of `pylstm.reference.activations`.

    Parameters
    ----------
    x : (..., P * C)
        The C channels of each of P positions, position by position.
    function : str
        Its name there, or ``"prelu"``: `leaky_relu` with slopes that are weights.
    weight : (C,) or (1,), optional
        prelu: the slope of each channel, or of all.
    dtype : dtype
        In which everything is computed.
    **parameters : float
        Those that the function has, by their names.

    Returns
    -------
    (..., P * C)

    Examples
    --------
    >>> activation([[-2.0, -2.0, 3.0, -1.0]], "prelu", weight=[0.5, 0.25])
    array([[-1.  , -0.5 ,  3.  , -0.25]])
    >>> activation([[-2.0, 30.0]], "clipped_relu", low=0.0, high=20.0)
    array([[ 0., 20.]])
    """
    if function == "prelu":
        slopes = np.resize(np.asarray(weight, dtype), np.shape(x)[-1])
        return leaky_relu(x, slopes, dtype)
    run = ACTIVATIONS[function] if function in ACTIVATIONS else OTHERS[function][0]
    return run(x, dtype=dtype, **parameters)


def from_corners(x: ArrayLike, function: str, **parameters: float) -> Array:
    """How far each value is from the next place where the function has a corner."""
    x = np.asarray(x, np.float64)
    corners = {
        "clipped_relu": lambda low, high: (low, high),
        "hard_sigmoid": lambda slope, offset: (-offset / slope, (1 - offset) / slope),
        "log": lambda floor: (floor,),
    }
    places = corners.get(function, lambda **_: (0.0,))(**parameters)
    distances: Array = np.min([np.abs(x - place) for place in places], axis=0)
    return distances


def layer(
    x: ArrayLike, settings: Mapping[str, Any], *, dtype: DTypeLike = np.float64, **given: Any
) -> tuple[Array, None, list[dict[str, Array]]]:
    """`activation` for `pylstm.reference.layers.LAYERS`; ``"a"`` is `from_corners`."""
    function = settings["function"]
    names = OTHERS[function][1] if function in OTHERS else ()
    parameters = {name: float(settings[name]) for name in names}
    y = activation(x, function, settings["weights"].get("weight"), dtype, **parameters)
    return y, None, [{"a": from_corners(x, function, **parameters)}]
