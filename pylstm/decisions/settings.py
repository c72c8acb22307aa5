"""Settings of a decision: what Python code gives, as the texts that files and the engine have.

The engine checks them: ranges, and which kind of decision takes which.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from pylstm.arguments import count, described, flag, listing, real, shown, text, whole

__all__ = ["DecisionSettings", "settings_as_text", "settings_from_text"]

# The longest length of a decision on segments, seconds.
_DAY = 86400.0

# The ranges of counts, and from where on a number is not written for the engine to refuse it.
_COUNTS = {
    "smoothing_frames": (1, 1_000_000),
    "refractory_frames": (0, 1_000_000_000),
    "min_frames": (1, 1_000_000_000),
}
_LONG = 10**18
_MOST_OUTPUTS = 65536

# Bytes of a text in a model file.
_MOST_TEXT = 4096


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
    if not isinstance(settings, Mapping):
        raise TypeError(
            f"decision is {described(settings)}; expected a mapping from settings to values, such"
            " as {'kind': 'words', 'threshold': 0.5}"
        )
    found = []
    for name, value in settings.items():
        if name not in _TEXTS:
            raise TypeError(f"{shown(name)} is no setting; expected {', '.join(_TEXTS)}")
        if name == "threshold" and isinstance(value, Mapping):
            found += _thresholds(labels, value)
        elif name == "background":
            found += _background(labels, value)
        else:
            found.append((name, _TEXTS[name](labels, name, value)))
    return found


def settings_from_text(labels: Sequence[str] | None, texts: Mapping[str, str]) -> DecisionSettings:
    """The inverse of `settings_as_text`.

    Parameters
    ----------
    labels : sequence of str or None
        The names of the outputs, if they have any.
    texts : mapping of str to str
        Keys and values as in a model file, without ``decision.``.

    Raises
    ------
    ValueError
        A key or a value is none of a model file, or there is a threshold for all labels beside
        those of some.
    """
    found: dict[str, Any] = {}
    for key, value in texts.items():
        name, _, place = key.partition(".")
        if name not in _TEXTS or (place and not place.isdecimal()):
            raise ValueError(f"{shown(key)} is no setting; expected {', '.join(_TEXTS)}")
        if place:
            label = (labels or ())[int(place) : int(place) + 1]
            if not label or isinstance(found.get(name, {}), float):
                raise ValueError(f"{shown(key)} is {shown(value)}; expected settings of labels")
            if name == "threshold":
                found.setdefault(name, {})[label[0]] = float(value)
            elif value == "true":
                found.setdefault(name, []).append(label[0])
        elif name == "background":
            names = [one.strip(" \t") for one in value.split(",")]
            found[name] = [one for one in names if one] + found.get(name, [])
        else:
            found[name] = _value(name, value, labels)
    return DecisionSettings(**found)  # type: ignore[typeddict-item]


def _value(name: str, spelled: str, labels: Sequence[str] | None) -> Any:
    kind = _TEXTS[name]
    if kind is _flag:
        return {"true": True, "false": False}.get(spelled, spelled)
    if kind is _count or (kind is _output and labels is None):
        return int(spelled)
    if kind is _seconds and spelled == "none":
        return math.inf
    return float(spelled) if kind in (_number, _seconds) else spelled


def _thresholds(
    labels: Sequence[str] | None, thresholds: Mapping[Any, Any]
) -> list[tuple[str, str]]:
    """A threshold for each of some labels."""
    found = []
    for label, value in thresholds.items():
        if labels is None or label not in labels:
            known = "a model with labels" if labels is None else listing(labels)
            raise ValueError(f"threshold has the label {shown(label)}; expected {known}")
        threshold = real(f"threshold[{label!r}]", value)
        if not 0.0 < threshold <= 1.0:
            raise ValueError(
                f"threshold[{label!r}] is {shown(value)}; expected above 0 and at most 1"
            )
        found.append((f"threshold.{labels.index(label)}", _number_text(threshold)))
    return found


def _number_text(value: float) -> str:
    """A finite number in the grammar of model files, to the last bit."""
    shown = repr(value)
    return shown.removesuffix(".0")


def _number(labels: Sequence[str] | None, name: str, value: object) -> str:
    found = real(name, value)
    if not math.isfinite(found):
        raise ValueError(f"{name} is {shown(value)}; expected a finite number")
    return _number_text(found)


def _seconds(labels: Sequence[str] | None, name: str, value: object) -> str:
    """Seconds above 0, or without a limit, which a file calls "none" and Python infinity."""
    expected = f"expected seconds above 0 and at most {_DAY:g}, or math.inf for no limit"
    if value is None or isinstance(value, str):
        raise TypeError(f"{name} is {value!r}; {expected}")
    seconds = real(name, value)
    if not 0.0 < seconds <= _DAY and seconds != math.inf:  # refuses NaN too
        raise ValueError(f"{name} is {shown(value)}; {expected}")
    return "none" if seconds == math.inf else _number(labels, name, value)


def _count(labels: Sequence[str] | None, name: str, value: object) -> str:
    number = whole(name, value)
    if not -_LONG < number < _LONG:  # the engine's own range, for what is too long to be written
        least, most = _COUNTS[name]
        count(name, number, least, most)
    return str(number)


def _flag(labels: Sequence[str] | None, name: str, value: object) -> str:
    return "true" if flag(name, value) else "false"


def _word(labels: Sequence[str] | None, name: str, value: object) -> str:
    return text(name, value)


def _output(labels: Sequence[str] | None, name: str, value: object) -> str:
    """A label, or the number of an output that has none."""
    if labels is None:
        return str(count(name, value, 0, _MOST_OUTPUTS - 1))
    if not isinstance(value, str) or value not in labels:
        raise ValueError(f"{name} is {shown(value)}; expected {listing(labels)}")
    return value


def _background(labels: Sequence[str] | None, silent: object) -> list[tuple[str, str]]:
    """Labels that are never reported: by their names where a list of names can say it."""
    if isinstance(silent, str) or not isinstance(silent, Sequence):
        raise TypeError(f"background is {described(silent)}; expected a sequence of labels")
    for label in silent:
        if labels is None or label not in labels:
            known = "none: the outputs have no labels" if labels is None else listing(labels)
            raise ValueError(f"background has the label {shown(label)}; expected {known}")
    # The list goes before all that a file says, also where it is empty; a key goes before the list.
    listed: list[str] = []
    room = _MOST_TEXT
    for label in dict.fromkeys(silent):
        size = len(label.encode("utf-8", "surrogatepass")) + 1
        if size <= room and _can_be_listed(label):
            room -= size
            listed.append(label)
    others = set(silent).difference(listed)
    keys = [f"background.{k}" for k, label in enumerate(labels or ()) if label in others]
    return [("background", ",".join(listed)), *((key, "true") for key in keys)]


def _can_be_listed(label: str) -> bool:
    """Whether a list of names, which has commas and spaces between them, can have this one."""
    return bool(label) and "," not in label and label == label.strip(" \t")


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
