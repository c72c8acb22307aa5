"""What several parts of training ask of their arguments; errors name the argument."""

from __future__ import annotations

import operator

import numpy as np

__all__ = ["count", "described", "flag"]


def count(name: str, value: object, least: int) -> int:
    """A whole number from `least` on, or an error that names the argument."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected a whole number") from None
    if number < least:
        raise ValueError(f"{name} is {number}; expected {least} or more")
    return number


def flag(name: str, value: object) -> bool:
    """True or False, or an error that names the argument."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value!r}; expected True or False")
    return bool(value)


def described(value: object) -> str:
    """What came, for an error: dtype and shape of an array, else the type."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} with shape {value.shape}"
    return type(value).__name__
