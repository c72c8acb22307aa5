"""Settings of a decision: what Python code gives, as the texts that files and the engine have.

The engine checks them: ranges, and which kind of decision takes which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from pylstm.arguments import described, flag, listing, real, text, whole

__all__ = ["DecisionSettings", "settings_as_text"]


class DecisionSettings(TypedDict, total=False):
    """The settings of a decision: ``docs/model-file.md``, "Decisions", says what each does.

    Attributes
    ----------
    kind : {"words", "segments", "symbols"}
    report : {"early", "final"}
        Whether events come as early as they are likely, or once nothing changes them any more.
    threshold : float or mapping of label to float
    smoothing_frames, refractory_frames, min_frames : int
    background : sequence of str
        Labels that are never reported.
    exclusive : bool
        Whether labels exclude each other.
    label : str or int
        Whose posterior is the probability of speech; an output's number without labels.
    neg_threshold, min_speech, min_silence, pad, max_speech, min_silence_at_max_speech : float
        Lengths are seconds; ``max_speech`` may be infinite.
    blank : str or int
    """

    kind: Literal["words", "segments", "symbols"]
    report: Literal["early", "final"]
    threshold: float | Mapping[str, float]
    smoothing_frames: int
    refractory_frames: int
    min_frames: int
    background: Sequence[str]
    exclusive: bool
    label: str | int
    neg_threshold: float
    min_speech: float
    min_silence: float
    pad: float
    max_speech: float
    min_silence_at_max_speech: float
    blank: str | int


def settings_as_text(
    labels: Sequence[str] | None, settings: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Settings as the engine takes them.

    Parameters
    ----------
    labels : sequence of str or None
        The names of the outputs, if they have any.
    settings : mapping
        As in `DecisionSettings`.

    Returns
    -------
    list of (str, str)
        Keys and values as in a model file, without ``decision.``.

    Raises
    ------
    TypeError, ValueError
        A name is none of a setting, or a value is of the wrong type.
    """
    found = []
    for name, value in settings.items():
        if name not in _TEXTS:
            raise TypeError(f"{name!r} is no setting; expected {', '.join(_TEXTS)}")
        if name == "threshold" and isinstance(value, Mapping):
            found += _thresholds(labels, value)
        elif name == "background":
            found += _background(labels, value)
        else:
            found.append((name, _TEXTS[name](labels, name, value)))
    return found


def _thresholds(
    labels: Sequence[str] | None, thresholds: Mapping[Any, Any]
) -> list[tuple[str, str]]:
    """A threshold for each of some labels."""
    found = []
    for label, value in thresholds.items():
        if labels is None or label not in labels:
            known = "a model with labels" if labels is None else listing(labels)
            raise ValueError(f"threshold has the label {label!r}; expected {known}")
        threshold = real(f"threshold[{label!r}]", value)
        if not 0.0 < threshold <= 1.0:
            raise ValueError(f"threshold[{label!r}] is {value!r}; expected above 0 and at most 1")
        found.append((f"threshold.{labels.index(label)}", _number_text(threshold)))
    return found


def _number_text(value: float) -> str:
    """A finite number in the grammar of model files, to the last bit."""
    shown = repr(value)
    return shown.removesuffix(".0")


def _number(labels: Sequence[str] | None, name: str, value: object) -> str:
    found = real(name, value)
    if not math.isfinite(found):
        raise ValueError(f"{name} is {value!r}; expected a finite number")
    return _number_text(found)


def _seconds(labels: Sequence[str] | None, name: str, value: object) -> str:
    """Seconds that may be without a limit."""
    return "none" if real(name, value) == math.inf else _number(labels, name, value)


def _count(labels: Sequence[str] | None, name: str, value: object) -> str:
    return str(whole(name, value))


def _flag(labels: Sequence[str] | None, name: str, value: object) -> str:
    return "true" if flag(name, value) else "false"


def _word(labels: Sequence[str] | None, name: str, value: object) -> str:
    return text(name, value)


def _output(labels: Sequence[str] | None, name: str, value: object) -> str:
    """A label, or the number of an output that has none."""
    if labels is None:
        return str(whole(name, value))
    if not isinstance(value, str) or value not in labels:
        raise ValueError(f"{name} is {value!r}; expected {listing(labels)}")
    return value


def _background(labels: Sequence[str] | None, silent: object) -> list[tuple[str, str]]:
    """Labels that are never reported: by their names where a list of names can say it."""
    if isinstance(silent, str) or not isinstance(silent, Sequence):
        raise TypeError(f"background is {described(silent)}; expected a sequence of labels")
    for label in silent:
        if labels is None or label not in labels:
            known = "none: the outputs have no labels" if labels is None else listing(labels)
            raise ValueError(f"background has the label {label!r}; expected {known}")
    if all("," not in label and label == label.strip(" \t") for label in silent):
        return [("background", ",".join(silent))]
    return [
        (f"background.{k}", "true" if label in silent else "false")
        for k, label in enumerate(labels or ())
    ]


_TEXTS: dict[str, Callable[[Sequence[str] | None, str, object], str]] = {
    "kind": _word,
    "report": _word,
    "threshold": _number,
    "smoothing_frames": _count,
    "refractory_frames": _count,
    "min_frames": _count,
    "background": _word,
    "exclusive": _flag,
    "label": _output,
    "neg_threshold": _number,
    "min_speech": _number,
    "min_silence": _number,
    "pad": _number,
    "max_speech": _seconds,
    "min_silence_at_max_speech": _number,
    "blank": _output,
}
