"""JSON documents with weights: read, and their entries checked."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import described, listing, shown
from pylstm.convert.source_file import check_regular

__all__ = ["Entry", "array_of", "naming", "parsed", "read_document"]

Array = NDArray[np.float64]

_LARGEST = 1 << 30
"""Bytes of a file."""
_MOST_AXES = 8
"""Of an array; no layer has weights of more than four."""


def read_document(source: Any, name: str = "source") -> Mapping[str, Any]:
    """The object that a JSON file holds; a mapping is one already.

    Raises
    ------
    TypeError, ValueError
        It is no path and no mapping; the file is no JSON, not a regular file, larger than 1 GiB,
        has a key twice, NaN or infinity.
    OSError
        The file cannot be read.
    """
    if isinstance(source, Mapping):
        return source
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"{name} is of type {type(source).__name__}; expected a path or a mapping")
    check_regular(source, name, _LARGEST)
    return parsed(Path(source).read_bytes(), os.fspath(source))


def parsed(data: bytes, name: str) -> dict[str, Any]:
    """The JSON object in some bytes."""
    try:
        found = json.loads(data, object_pairs_hook=_once, parse_constant=_refused)
    except RecursionError:
        raise ValueError(
            f"{name} cannot be read as JSON: it is nested too deep; expected less"
        ) from None
    except ValueError as error:  # UnicodeDecodeError is one
        expected = "" if "; expected" in str(error) else "; expected a JSON object, whole"
        raise ValueError(f"{name} cannot be read as JSON: {error}{expected}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{name} holds {_brief(found)}; expected a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, number in counts.items() if number > 1)
        raise ValueError(f"the key {twice!r} stands there twice; expected it once")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"a number is {constant}; expected a finite one")


def _brief(value: Any) -> str:
    """A value of JSON in an error."""
    if isinstance(value, list | tuple) and len(value) > 8:
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return f"an object with {listing(map(str, value), 4) or 'nothing in it'}"
    try:
        text = shown(value)
    except RecursionError:
        return "lists in lists, too deep to be shown"
    return text if len(text) <= 80 else f"{text[:77]}..."


def array_of(value: Any, name: str) -> Array:
    """Nested lists of numbers as an array."""
    array = value if isinstance(value, np.ndarray) else _from_lists(value, name)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} is {described(array)}; expected numbers")
    with np.errstate(over="ignore"):
        finite = np.isfinite(array.astype(np.float32)).all()
    if not finite:
        raise ValueError(f"{name} has a value that is not finite in float32; expected finite ones")
    return array.astype(np.float64)


def _from_lists(value: Any, name: str) -> NDArray[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{name} is {_brief(value)}; expected nested lists of numbers")
    flat, shape = list(value), [len(value)]
    while flat and isinstance(flat[0], list | tuple):
        if len(shape) == _MOST_AXES:
            raise ValueError(
                f"{name} has lists in lists, more than {_MOST_AXES} deep; expected at most that"
            )
        width = len(flat[0])
        if any(not isinstance(one, list | tuple) or len(one) != width for one in flat):
            raise ValueError(f"{name} has rows of different lengths; expected equal ones")
        shape.append(width)
        flat = [item for one in flat for item in one]
    for item in flat:
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise TypeError(f"{name} has {_brief(item)} in it; expected numbers")
    try:
        return np.array(flat, np.float64).reshape(shape)
    except OverflowError:
        raise ValueError(
            f"{name} has a number that no float holds; expected smaller ones"
        ) from None


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Puts the name of a layer before errors that lack it, such as those of limits."""
    try:
        yield
    except ValueError as error:
        if where in str(error):
            raise
        raise ValueError(f"{where}: {error}") from None


class Entry:
    """A part of a document, whose keys are taken one by one.

    Parameters
    ----------
    where : str
        What errors call it.
    values : mapping
        Its keys.
    """

    def __init__(self, where: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise TypeError(f"{where} is {_brief(values)}; expected an object")
        self.where = where
        self._values = dict(values)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._values))

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def refuse(self, key: str, value: Any, expected: str) -> ValueError:
        """The error about a key that is taken."""
        return ValueError(f"{key!r} of {self.where} is {_brief(value)}; expected {expected}")

    def items(self) -> Iterable[tuple[str, Any]]:
        """Keys and values that nobody has taken."""
        return self._values.items()

    def take(self, key: str) -> Any:
        """The value of a key, which has to be there."""
        if key not in self._values:
            raise ValueError(f"{self.where} is missing {key!r}; expected it among its keys")
        return self._values.pop(key)

    def take_or(self, key: str, default: Any) -> Any:
        """The value of a key, or what stands for it."""
        return self._values.pop(key, default)

    def size(self, key: str, default: int | None = None, most: int = 65_536) -> int:
        """A whole number from 1 on, or a list of nothing but it."""
        value = self.take(key) if default is None else self.take_or(key, default)
        found = value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
        if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= most:
            raise self.refuse(key, value, f"a whole number, 1 to {most}")
        return found

    def number(self, key: str, least: float = -np.inf) -> float:
        """A number."""
        value = self.take(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value:
            raise self.refuse(key, value, f"a number from {least:g} on")
        return float(value)

    def one_of(self, key: str, names: Iterable[Any], default: Any = None) -> Any:
        """One of some values."""
        names = tuple(names)
        value = self.take(key) if default is None else self.take_or(key, default)
        if type(value) is int and value in (0, 1) and all(isinstance(one, bool) for one in names):
            value = bool(value)  # some programs write flags as numbers
        for name in names:
            if type(value) is type(name) and value == name:
                return value
        raise self.refuse(key, value, ", ".join(map(repr, names)))

    def finish(self, hint: str = "") -> None:
        """Refuses what nobody has taken."""
        for key, value in self._values.items():
            raise ValueError(
                f"{self.where} has {key!r}, which is {_brief(value)}; expected no such key{hint}"
            )
