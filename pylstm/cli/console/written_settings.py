"""Settings as they are written behind an option: a kind, then names and values."""

from __future__ import annotations

import json
from typing import Any

from pylstm.cli.console.errors import USAGE, CliError

__all__ = ["kind_and_settings"]


def kind_and_settings(option: str, text: str, example: str) -> tuple[str, dict[str, Any]]:
    """Reads ``KIND,NAME=VALUE,NAME=VALUE``. Values are numbers, true, false, null, or text.

    Parameters
    ----------
    option : str
        What the option is called, for messages.
    text : str
    example : str
        What would be right.

    Raises
    ------
    CliError
        A part has no name or no value, or a name stands there twice.

    Examples
    --------
    >>> kind_and_settings("--features", "mfcc,preset=kaldi,n_mfcc=40", "mfcc,n_mfcc=13")
    ('mfcc', {'preset': 'kaldi', 'n_mfcc': 40})
    """
    kind, *parts = (part.strip() for part in text.split(","))
    settings: dict[str, Any] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not name or not equals or not value:
            raise CliError(f"{option} has {part!r}; expected NAME=VALUE, as in {example}", USAGE)
        if name in settings:
            raise CliError(f"{option} has {name} twice; expected it once", USAGE)
        settings[name] = _value(value)
    if not kind or "=" in kind:
        raise CliError(f"{option} is {text!r}; expected a kind first, as in {example}", USAGE)
    return kind, settings


def _value(text: str) -> Any:
    """A number, true, false or null; anything else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, (list, dict, str)) else value
