"""Segments of speech from probabilities of anybody's model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from pylstm import _engine
from pylstm.arguments import real
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
        raise ValueError(f"hop is {hop!r}; expected seconds above 0 and at most 3600")
    settings = {
        "kind": "segments",
        "threshold": threshold,
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
    length = None if duration is None else real("duration", duration)
    least = max(len(probabilities) - 1, 0) * step
    if length is not None and not least <= length < math.inf:
        raise ValueError(
            f"duration is {duration!r}; expected {least:g} s or more, where the last probability"
            " stands"
        )
    events = listener.push(probabilities[:, None]) + listener.finish(length)
    return spans(events)


def _checked(p: ArrayLike) -> np.ndarray:
    try:
        values = np.asarray(p)
    except (TypeError, ValueError):  # rows of different lengths
        values = np.empty(0, object)
    if values.size == 0 and values.dtype != object:
        return np.empty(0)
    if values.dtype.kind not in "fiu" or values.dtype.itemsize > 8:
        raise TypeError(f"p is {values.dtype}; expected numbers")
    if values.ndim != 1:
        raise ValueError(
            f"p has shape {values.shape}; expected (n,): pass one column, such as p[:, 1]"
        )
    wrong = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if len(wrong):
        raise ValueError(
            f"p[{wrong[0]}] is {values[wrong[0]]!r}; expected probabilities from 0 to 1:"
            " pass logits through a sigmoid"
        )
    return values.astype(np.float64)
