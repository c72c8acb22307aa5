r"""The dense layer, as ``torch.nn.Linear`` has it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import ACTIVATIONS, Array


def dense(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    activation: str = "linear",
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""A fully connected layer, the same for every step: ``torch.nn.Linear`` and an activation.

    .. math:: y_t = a(W x_t + b)

    Parameters
    ----------
    x : (T, I)
    weight : (O, I)
    bias : (O,), optional
    activation : str
        One of `pylstm.reference.activations.ACTIVATIONS`. Softmax and log_softmax run over the O
        outputs of a step.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    (T, O)

    Examples
    --------
    >>> dense([[1.0, 2.0]], [[3.0, -4.0]], [5.0])
    array([[0.]])
    >>> dense([[1.0, 2.0]], [[3.0, -4.0]], [4.0], activation="relu")
    array([[0.]])
    """
    z = np.asarray(x, dtype) @ np.asarray(weight, dtype).T
    if bias is not None:
        z = z + np.asarray(bias, dtype)
    return ACTIVATIONS[activation](z, dtype)


def layer(
    x: ArrayLike, settings: Mapping[str, Any], *, dtype: DTypeLike = np.float64, **given: Any
) -> tuple[Array, None, list[dict[str, Array]]]:
    """`dense` for `pylstm.reference.layers.LAYERS`."""
    weights = settings["weights"]
    sums = dense(x, weights["weight"], weights.get("bias"), dtype=dtype)
    return ACTIVATIONS[settings.get("activation", "linear")](sums, dtype), None, [{"a": sums}]
