"""What several parts of training ask of their arguments; errors name the argument."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["count", "described", "flag", "interval", "listing", "number", "within"]


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


def number(name: str, value: object, least: float = 0.0, below: float = math.inf) -> float:
    """A number from `least` on and below a limit, or an error that names the argument."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"{name} is {value!r}; expected a number")
    if not least <= value < below:  # refuses NaN too
        limit = "finite" if below == math.inf else f"below {below:g}"
        raise ValueError(f"{name} is {value!r}; expected {least:g} or more, and {limit}")
    return float(value)


def within(name: str, value: object, least: float, most: float) -> float:
    """A number from `least` to `most`, both included, or an error that names the argument."""
    if number(name, value, least) > most:
        raise ValueError(f"{name} is {value!r}; expected {least:g} to {most:g}")
    return float(value)  # type: ignore[arg-type]


def interval(name: str, value: Any, least: float, most: float) -> tuple[float, float]:
    """Two numbers `within`, the smaller one first, or an error that names the argument."""
    try:
        low, high = value
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; expected two numbers, lowest and highest") from None
    low, high = within(name, low, least, most), within(name, high, least, most)
    if low > high:
        raise ValueError(f"{name} is {value!r}; expected the lower number first")
    return low, high


def described(value: object) -> str:
    """What came, for an error: dtype and shape of an array, else the type."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} with shape {value.shape}"
    return type(value).__name__


def listing(names: Iterable[str]) -> str:
    """At most eight names, quoted."""
    quoted = [repr(name) for name in names]
    return ", ".join(quoted[:8]) + (f" and {len(quoted) - 8} more" if len(quoted) > 8 else "")
