"""Checks of arguments.

Each function takes the name of an argument and the value that was given, and returns the value or
raises TypeError or ValueError. All messages have one form: ``NAME is VALUE; expected WHAT``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np

__all__ = [
    "Name",
    "choice",
    "count",
    "described",
    "flag",
    "interval",
    "listing",
    "number",
    "number_of",
    "real",
    "shown",
    "text",
    "whole",
    "within",
]

Name = TypeVar("Name", bound=str)

# From here on a whole number is not written out.
_LONG = 10**40


def whole(name: str, value: object) -> int:
    """A whole number of any size and sign."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {shown(value)}; expected a whole number") from None


def count(name: str, value: object, least: int, most: int | None = None) -> int:
    """A whole number from `least` on, and up to `most` if there is one."""
    number = whole(name, value)
    if number < least or (most is not None and number > most):
        limits = f"{least} or more" if most is None else f"{least} to {most}"
        raise ValueError(f"{name} is {shown(number)}; expected {limits}")
    return number


def flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {shown(value)}; expected True or False")
    return bool(value)


def real(name: str, value: object) -> float:
    """A number of any size and sign, NaN and infinities included."""
    wrong = (bool, np.bool_, np.complexfloating, np.timedelta64)
    if isinstance(value, wrong) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} is {shown(value)}; expected a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(
            f"{name} is {shown(value)}; expected a number that a float holds, up to 1.79e+308"
        ) from None


def number(name: str, value: object, least: float = 0.0, below: float = math.inf) -> float:
    """A number from `least` on and below a limit."""
    found = real(name, value)
    if not least <= found < below:  # refuses NaN too
        limit = "finite" if below == math.inf else f"below {below:g}"
        raise ValueError(f"{name} is {shown(value)}; expected {least:g} or more, and {limit}")
    return found


def within(name: str, value: object, least: float, most: float) -> float:
    """A number from `least` to `most`, both included."""
    found = number(name, value, least)
    if found > most:
        raise ValueError(f"{name} is {shown(value)}; expected {least:g} to {most:g}")
    return found


def interval(name: str, value: Any, least: float, most: float) -> tuple[float, float]:
    """Two numbers `within`, the smaller one first."""
    try:
        low, high = value
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} is {shown(value)}; expected two numbers, lowest and highest"
        ) from None
    low, high = within(name, low, least, most), within(name, high, least, most)
    if low > high:
        raise ValueError(f"{name} is {shown(value)}; expected the lower number first")
    return low, high


def text(name: str, value: object) -> str:
    """A string that can be written to a file."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {shown(value)}; expected a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} is {shown(value)}; expected text without surrogates") from None
    return value


def choice(name: str, value: object, names: Iterable[Name]) -> Name:
    """One of some names."""
    names = tuple(names)
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{name} is {shown(value)}; expected {listing(names, len(names))}")
    return value


def number_of(n: int, noun: str, plural: str = "") -> str:
    """A number and what it counts, in the singular where it is one.

    Examples
    --------
    >>> number_of(1, "label"), number_of(0, "label"), number_of(2, "entry", "entries")
    ('1 label', '0 labels', '2 entries')
    """
    return f"{n} {noun if n == 1 else plural or noun + 's'}"


def shown(value: object) -> str:
    """A value in an error: as Python writes it, but a long whole number without its digits.

    Examples
    --------
    >>> shown(16000), shown("fast"), shown(10**5000)
    ('16000', "'fast'", 'a whole number of about 5001 digits')
    """
    if isinstance(value, int) and not -_LONG < value < _LONG:
        digits = int(value.bit_length() * math.log10(2)) + 1
        return f"a {'negative ' * (value < 0)}whole number of about {digits} digits"
    try:
        return repr(value)
    except ValueError:  # a container of a number that is too long for Python to write
        return described(value)


def described(value: object) -> str:
    """Describes a value in an error: dtype and shape of an array, else the type."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} with shape {value.shape}"
    return type(value).__name__


def listing(names: Iterable[str], most: int = 8) -> str:
    """At most so many names, quoted."""
    quoted = [repr(name) for name in names]
    more = len(quoted) - most
    return ", ".join(quoted[:most]) + (f" and {more} more" if more > 0 else "")
