"""The decision of the model that the user names, with the settings of the options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from pylstm import _engine
from pylstm.arguments import listing
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.named_model import NamedModel

__all__ = ["ThresholdOption", "heard_names", "listener_of", "thresholds"]

ThresholdOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[LABEL=]NUMBER",
        help="The threshold in place of the model's, of all labels or of one; may be repeated.",
    ),
]


def listener_of(named: NamedModel, settings: Mapping[str, Any]) -> _engine.Listener:
    """A listener of a model.

    Parameters
    ----------
    named : NamedModel
    settings : mapping
        As `Model.listener` takes them; those that are None are the model's.

    Raises
    ------
    CliError
        The model decides on nothing, or a setting is wrong.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    kind = {name: given[name] for name in ("kind", "label") if name in given}
    try:
        listener = named.model.listener(**kind)
    except _engine.ModelFileError as error:
        raise _deaf(named, error) from None
    except ValueError as error:
        if kind:
            raise _option(error) from None
        raise _deaf(named, error) from None
    try:
        return named.model.listener(**given) if given != kind else listener
    except (TypeError, ValueError) as error:
        raise _option(error) from None


def _deaf(named: NamedModel, error: ValueError) -> CliError:
    return CliError(
        f"{named.name} cannot decide: {error}; Model(..., labels=..., decision=...) sets how, see"
        " docs/decisions.md"
    )


def _option(error: Exception) -> CliError:
    """An error about a setting as one about an option."""
    name, _, rest = str(error).partition(" ")
    return CliError(f"--{name.replace('_', '-')} {rest}", USAGE)


def thresholds(named: NamedModel, texts: Sequence[str] | None) -> float | dict[str, float] | None:
    """What ``--threshold`` says, as `Model.listener` takes it.

    Raises
    ------
    CliError
        A number, or a label that the model does not have; or something is said twice.
    """
    labels = named.model.labels or ()
    common: float | None = None
    single: dict[str, float] = {}
    for text in texts or ():
        label, equals, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not 0.0 < value <= 1.0:
            raise CliError(
                f"--threshold is {text}; expected a number above 0 and at most 1, or LABEL=NUMBER",
                USAGE,
            )
        if equals and label not in labels:
            known = listing(labels) if labels else "a number alone, as the outputs have no labels"
            raise CliError(f"--threshold has the label {label!r}; expected {known}", USAGE)
        if label in single or (not equals and common is not None):
            raise CliError(
                f"--threshold is given twice{f' for {label!r}' if equals else ''}; expected once",
                USAGE,
            )
        if equals:
            single[label] = value
        else:
            common = value
    if not single:
        return common
    kind = listener_of(named, {}).decision["kind"]
    if kind != "words":
        raise CliError(
            f"--threshold has a label; expected a number alone, because {named.name} decides on"
            f" {kind}",
            USAGE,
        )
    return single if common is None else dict.fromkeys(labels, common) | single


def heard_names(listener: _engine.Listener) -> list[str]:
    """What can be heard, as it is printed: labels, or the start and the end of one."""
    decision, model = listener.decision, listener.model
    if decision["kind"] == "segments":
        return [f"{decision['label']} {edge}" for edge in ("start", "end")]
    labels = model.labels or [str(k) for k in range(model.n_outputs)]
    silent = decision["background"] if decision["kind"] == "words" else [str(decision["blank"])]
    return [label for label in labels if label not in silent]
