"""The settings of a layer as a model file holds them: strings, with one spelling for each value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pylstm.arguments import listing

__all__ = [
    "COUNT",
    "FLAG",
    "NUMBER",
    "PAIR",
    "SIZE",
    "Setting",
    "choice_of",
    "read_settings",
    "written",
]


class Setting(NamedTuple):
    """What a setting can be.

    Attributes
    ----------
    pattern : str
        The regular expression of all its spellings.
    read : callable
        Makes the value of one of them.
    expected : str
        The values in words, for errors.
    """

    pattern: str
    read: Callable[[str], Any]
    expected: str


SIZE = Setting("[1-9][0-9]{0,8}", int, "a whole number")
COUNT = Setting("0|[1-9][0-9]{0,8}", int, "a whole number")
NUMBER = Setting(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", float, "a number")
PAIR = Setting(
    "(0|[1-9][0-9]{0,8}),(0|[1-9][0-9]{0,8})",
    lambda text: tuple(map(int, text.split(","))),
    "two whole numbers with a comma between them",
)
FLAG = Setting("true|false", "true".__eq__, "true or false")


def choice_of(names: Iterable[str]) -> Setting:
    """Makes a setting whose value is one of the given names."""
    names = tuple(names)
    return Setting("|".join(map(re.escape, names)), str, listing(names, len(names)))


def written(value: Any) -> str:
    """A value as a string."""
    if isinstance(value, tuple):
        return ",".join(map(written, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_settings(
    config: Mapping[str, str], kind: str, settings: Mapping[str, Setting], optional: Iterable[str]
) -> dict[str, Any]:
    """The values of a layer's configuration.

    Parameters
    ----------
    config : mapping of str to str
        ``kind``, and a string for each of the settings.
    kind : str
        What ``kind`` has to be.
    settings : mapping of str to Setting
        All that there may be.
    optional : iterable of str
        Those that may be missing.

    Raises
    ------
    ValueError, TypeError
        A key is missing, of another kind of layer, or its value is none of the setting's.
    """
    for key in ("kind", *settings):
        if key not in config and key not in optional:
            raise ValueError(f"configuration of a {kind} layer is missing {key!r}")
    values = {}
    for key, text in config.items():
        if not isinstance(text, str):
            raise TypeError(f"{key!r} in a configuration is {text!r}; expected a string")
        if key == "kind":
            if text != kind:
                raise ValueError(f"configuration is of a {text!r} layer; expected {kind!r}")
            continue
        if key not in settings:
            raise ValueError(
                f"configuration of a {kind} layer has no {key!r};"
                f" expected {listing(('kind', *settings))}"
            )
        setting = settings[key]
        if not re.fullmatch(setting.pattern, text):
            raise ValueError(f"{key!r} in a configuration is {text!r}; expected {setting.expected}")
        values[key] = setting.read(text)
    return values
