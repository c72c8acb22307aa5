"""Segments of speech from probabilities of anybody's model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylstm import _engine
from pylstm.arguments import real, shown
from pylstm.decisions.event import event, spans
from pylstm.decisions.settings import settings_as_text

__all__ = ["segments_from_probabilities"]


def segments_from_probabilities(
    p: ArrayLike,
    hop: float,
    *,
    threshold: float = 0.5,
    neg_threshold: float | None = None,
    min_speech: float = 0.25,
    min_silence: float = 0.1,
    pad: float = 0.03,
    max_speech: float = math.inf,
    min_silence_at_max_speech: float = 0.098,
    duration: float | None = None,
) -> list[tuple[float, float]]:
    """From when to when somebody speaks, from probabilities at regular times.

    Speech begins at a probability of `threshold` or more. It ends where the probability has
    fallen below `neg_threshold` and `threshold` is not reached again for `min_silence`. What is
    not longer than `min_speech` is dropped; the rest is padded, and what would be longer than
    `max_speech` is cut at its longest pause. With the same numbers these are the segments of
    Silero VAD 6.2 (``get_speech_timestamps``), whose windows have 512 samples at 16 kHz:
    ``hop=0.032``.

    Parameters
    ----------
    p : array_like, shape (n,)
        Probability of speech, 0 to 1; `p` [t] belongs to the time from ``t * hop`` on.
    hop : float
        Seconds from one probability to the next.
    threshold : float
        Where speech begins; above 0, at most 1.
    neg_threshold : float, optional
        Below it is silence; at most `threshold`. Default: ``max(threshold - 0.15, 0.01)``.
    min_speech, min_silence : float
        Seconds.
    pad : float
        Seconds that are added before and after; where the gap between two segments is shorter
        than two pads, each takes half of it.
    max_speech : float
        Seconds, pads included.
    min_silence_at_max_speech : float
        Seconds of a pause at which a segment may be cut that would get too long.
    duration : float, optional
        Seconds of the audio, where a segment that is not over ends. Default: ``n * hop``.

    Returns
    -------
    list of (float, float)
        Start and end of each segment, seconds.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong type or out of its range.

    Examples
    --------
    >>> found = segments_from_probabilities([0.1] * 10 + [0.9] * 20 + [0.1] * 10, hop=0.032)
    >>> [(round(start, 3), round(end, 3)) for start, end in found]
    [(0.29, 0.99)]
    """
    probabilities = _checked(p)
    step = real("hop", hop)
    if not 0.0 < step <= 3600.0:
        raise ValueError(f"hop is {shown(hop)}; expected seconds above 0 and at most 3600")
    settings = {
        "kind": "segments",
        "threshold": real("threshold", threshold),
        "min_speech": min_speech,
        "min_silence": min_silence,
        "pad": pad,
        "max_speech": max_speech,
        "min_silence_at_max_speech": min_silence_at_max_speech,
    }
    if neg_threshold is not None:
        settings["neg_threshold"] = neg_threshold
    listener = _engine.RowListener(
        _engine.Decision.for_rows(None, 1, step, settings_as_text(None, settings), event)
    )
    length = None if duration is None else _length(duration, len(probabilities), step)
    events = listener.push(probabilities[:, None]) + listener.finish(length)
    return spans(events)


def _length(duration: float, n: int, hop: float) -> float:
    """Seconds of audio that has so many probabilities."""
    length = real("duration", duration)
    least, most = max(n - 1, 0) * hop, _engine.MOST_SECONDS
    if not least <= length <= most:  # refuses NaN too
        # As few digits as do not round it down: what the message says is taken.
        rounded = (f"{least:.{digits}g}" for digits in range(6, 18))
        fitting = next(text for text in rounded if float(text) >= least)
        limits = f"{fitting} to {most:g} seconds, or None" if least <= most else "None"
        raise ValueError(
            f"duration is {shown(duration)}; expected {limits}: the last probability stands at"
            f" {fitting} s"
        )
    return length


def _checked(p: ArrayLike) -> NDArray[np.float64]:
    _engine.refuse_masked("p", p)
    try:
        values = np.asarray(p)
    except (TypeError, ValueError):  # rows of different lengths
        values = np.empty(0, object)
    if values.size == 0 and values.dtype != object:
        return np.empty(0)
    if values.dtype.kind not in "fiu" or values.dtype.itemsize > 8:
        raise TypeError(f"p is {values.dtype}; expected numbers")
    if values.ndim == 0:
        raise TypeError(
            f"p is {shown(values.item())}; expected a sequence of probabilities: pass [p] if it is"
            " all of them"
        )
    if values.ndim != 1:
        code = "p" if isinstance(p, np.ndarray) else "numpy.asarray(p)"
        raise ValueError(
            f"p has shape {values.shape}; expected (n,): pass {_one_column(code, values.shape)}"
        )
    wrong = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if len(wrong):
        value = values[wrong[0]].item()
        hint = "pass logits through a sigmoid"
        if math.isnan(value):
            hint = "NaN is none; numpy.nan_to_num(p) takes it for silence"
        raise ValueError(f"p[{wrong[0]}] is {value!r}; expected probabilities from 0 to 1: {hint}")
    return values.astype(np.float64)


def _one_column(code: str, shape: tuple[int, ...]) -> str:
    """Code for one column of an array of several axes, the longest of which is time."""
    if len([size for size in shape if size > 1]) < 2:
        return f"{code}.ravel()"
    time = shape.index(max(shape))
    places = [":" if axis == time else str(min(1, size - 1)) for axis, size in enumerate(shape)]
    return f"one column, such as {code}[{', '.join(places)}]"
