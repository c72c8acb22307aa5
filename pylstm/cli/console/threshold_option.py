"""``--threshold``: a number for all labels, or LABEL=NUMBER for one of them; may be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.decisions.settings import DecisionSettings
from pylstm.model import Model

__all__ = ["ThresholdOption", "threshold_setting"]

ThresholdOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="X|LABEL=X",
        help="Score from which on something is reported, above 0 and at most 1, for all labels or"
        " for one; may be repeated. Default: the model's.",
    ),
]


def threshold_setting(model: Model, kind: str, given: Sequence[str] | None) -> DecisionSettings:
    """The setting of a listener, or none, from what the user gave.

    Parameters
    ----------
    model : Model
    kind : str
        Of its decision: words alone have a threshold for each label.
    given : sequence of str or None
        Values of the option. Later ones replace earlier ones of the same label.

    Returns
    -------
    DecisionSettings
        Empty, or with the key ``threshold``.

    Raises
    ------
    CliError
        One is no number from 0 to 1, or its label is none of the model's.
    """
    if kind == "symbols" and given:
        raise CliError(
            f"--threshold is {given[0]}; expected none: the model gives symbols, which have none",
            USAGE,
        )
    common: float | None = None
    each: dict[str, float] = {}
    for text in given or ():
        label, equals, number = text.rpartition("=")
        if not equals:
            common, each = _number(text, number), {}
        elif kind != "words":
            raise CliError(
                f"--threshold is {text}; expected a number: the model finds {kind}, which have one"
                f" threshold: --threshold {number}",
                USAGE,
            )
        elif label not in (model.labels or ()):
            known = ", ".join(model.labels or ())
            raise CliError(f"--threshold is {text}; expected one of the labels {known}", USAGE)
        else:
            each[label] = _number(text, number)
    if not each:
        return {} if common is None else {"threshold": common}
    if common is not None:
        each = dict.fromkeys(model.labels or (), common) | each
    return {"threshold": each}


def _number(text: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:  # NaN, too
        raise CliError(
            f"--threshold is {text}; expected a number above 0 and at most 1, or LABEL=NUMBER",
            USAGE,
        )
    return value
