"""The weights of a layer: checked, or drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.arguments import listing, number_of
from pylstm.free_memory import check_free

__all__ = ["Shape", "Weights", "check_weights", "n_parameters", "uniform"]

Shape = tuple[int, ...]
Weights = dict[str, NDArray[Any]]


def check_weights(
    weights: Mapping[str, Any],
    shapes: Mapping[str, Shape],
    owner: str,
    bytes_allowed: Iterable[str] = (),
) -> Weights:
    """Checks that the weights are exactly those expected, and copies them in C order: float32.

    Parameters
    ----------
    weights : mapping of str to ndarray
        The weights that were given.
    shapes : mapping of str to tuple of int
        What is expected: every name with its shape.
    owner : str
        Whose weights these are, for the messages.
    bytes_allowed : iterable of str
        The names of those that are int8 instead.

    Returns
    -------
    dict of str to ndarray
        In the order of `shapes`.

    Raises
    ------
    TypeError
        A weight is not a NumPy array of float32.
    ValueError
        A weight is missing, unused, of another shape than expected, or not finite.
    """
    if not isinstance(weights, Mapping):
        raise TypeError(
            f"weights of {owner} are of type {type(weights).__name__}; expected a mapping "
            "from names to NumPy arrays"
        )
    for name, shape in shapes.items():
        if name not in weights:
            raise ValueError(f"{owner} is missing {name!r}; expected with shape {shape}")
    for name in weights:
        if name not in shapes:
            raise ValueError(f"{owner} has no use for {name!r}; expected {listing(shapes)}")
    checked = {}
    for name, shape in shapes.items():
        array = weights[name]
        if not isinstance(array, np.ndarray):
            raise TypeError(
                f"{name!r} of {owner} is of type {type(array).__name__}; expected a NumPy array"
            )
        _engine.refuse_masked(f"{name!r} of {owner}", array)
        dtype = np.dtype(np.int8 if name in bytes_allowed else np.float32)
        if array.dtype != dtype:
            # Bytes may be quantised: without their scale, a conversion would be wrong.
            same = dtype == np.float32 and array.dtype.kind in "fiu" and array.dtype.itemsize > 1
            hint = ", convert it with .astype(np.float32)" if same else ""
            raise TypeError(f"{name!r} of {owner} is {array.dtype}; expected {dtype.name}{hint}")
        if array.shape != shape:
            raise ValueError(f"{name!r} of {owner} has shape {array.shape}; expected {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name!r} of {owner} is not finite: it holds NaN or infinity")
        checked[name] = np.array(array, dtype, order="C", subok=False)
    return checked


def n_parameters(shapes: Mapping[str, Shape]) -> int:
    """How many numbers weights of these shapes have; what int8 keeps beside them does not count."""
    return sum(math.prod(shape) for shape in shapes.values())


def uniform(shapes: Mapping[str, Shape], fan: int, seed: int | None) -> Weights:
    """Every weight and bias drawn from U(-1/sqrt(fan), 1/sqrt(fan)), as PyTorch initialises."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    # They are drawn in float64, one after the other.
    largest = 8 * max(sizes, default=0)
    weights = number_of(sum(sizes), "weight")
    check_free(f"a layer has {weights}", 4 * sum(sizes) + largest, "a smaller one")
    rng = np.random.default_rng(seed)
    bound = 1 / np.sqrt(fan)
    return {
        name: rng.uniform(-bound, bound, shape).astype(np.float32) for name, shape in shapes.items()
    }
