"""Former names of options: they still work, and say what the option is called now."""

from __future__ import annotations

from typing import Any

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.output import note

__all__ = ["renamed"]


def renamed(name: str, value: Any, former: str, former_value: Any) -> Any:
    """The value of an option that the user gave under its name or its former one.

    Parameters
    ----------
    name, former : str
        Such as ``--figures`` and ``--png``.
    value, former_value : object
        What was given; None: nothing.

    Raises
    ------
    CliError
        Both were given.
    """
    if former_value is None:
        return value
    if value is not None:
        raise CliError(f"{former} is a former name of {name}; expected one of them", USAGE)
    note(f"{former} is now called {name}")
    return former_value
