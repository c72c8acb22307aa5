r"""Segments of speech, from the probability of speech on each row: voice activity detection.

The rules are those of Silero VAD [1]_, version 6.2: ``get_speech_timestamps_from_probs`` for final
reports and ``VADIterator`` for early ones. There, times are whole samples, rounded down; here they
are not rounded.

References
----------
.. [1] Silero Team. Silero VAD: pre-trained enterprise-grade Voice Activity Detector (VAD), Number
   Detector and Language Classifier. https://github.com/snakers4/silero-vad
"""

from bisect import bisect_left
from functools import cache
from math import ceil, inf, isinf
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylstm.reference.decisions.averages import on_grid, sums
from pylstm.reference.decisions.event import Event

Truths = NDArray[np.bool_]
Report = Literal["early", "final"]


class Rules(NamedTuple):
    """What a segment has to be, in rows; not all of them are whole."""

    min_speech: float
    min_silence: float
    min_pause: float
    """The shortest silence that a segment is cut at when it gets too long."""
    longest: float
    two_pads: float


class Track(NamedTuple):
    """What is known of a recording, (T,) each, and how many seconds it has."""

    speaks: Truths
    quiet: Truths
    length: float


class Speech(NamedTuple):
    """Rows of speech, start to end - 1, before padding."""

    start: int
    end: int
    decided: int
    """The row on which its end became known; T: it is open where the recording ends."""
    long_enough: int | None
    """The first row on which it was sure to be no shorter than min_speech; None: none was."""


class Told(NamedTuple):
    """A segment, padded, in seconds; and the rows on which its two events are given."""

    speech: Speech
    onset: float
    offset: float
    started: int
    ended: int


def segments(
    posteriors: ArrayLike,
    *,
    hop: float,
    label: int = 0,
    threshold: float = 0.5,
    neg_threshold: float | None = None,
    smoothing_frames: int = 1,
    min_speech: float = 0.25,
    min_silence: float = 0.1,
    pad: float = 0.03,
    max_speech: float = inf,
    min_silence_at_max_speech: float = 0.098,
    report: Report = "final",
    end: float | None = None,
) -> list[Event]:
    r"""When somebody speaks.

    Let p(t) be the probability of speech on row t. A row *speaks* if :math:`p(t) \ge θ`, and it is
    *quiet* if :math:`p(t) < θ_{neg}`; it may be neither. Lengths are counted in rows: seconds over
    hop, which is a whole number if it is within 1e-6 of one. Between segments, the next one starts
    on the next row that speaks. Within one:

    * A silence begins on a row that is quiet, and lasts until a row speaks.
    * If row t is quiet and the silence began on row e with :math:`t - e \ge` min_silence, the
      segment ends at e. It is dropped unless :math:`e - s >` min_speech, where s is its start.
    * If :math:`t - s >` longest, it is cut, and the cut parts are never dropped; longest is
      max_speech less a row and two pads. It is cut at the longest silence within it (the first of
      these on a tie) that lasted more than min_silence_at_max_speech and is over: the segment ends
      where that silence began, and the next one starts where it was over. A silence that has not
      yet ended then counts from row t on. Without such a silence the segment ends at t, and the
      next one starts on a row after t.
    * Where the recording ends, a segment ends too. It is dropped unless the rest of the recording,
      in rows, is longer than min_speech.

    Every row is looked at in the order: does a silence end, does a segment start, is it cut, is it
    silent. What remains is padded. In final reports two segments closer than two pads share what
    lies between them:

    .. math::

        \mathrm{onset} &= \max(0, s · \mathrm{hop} - \mathrm{pad}) \\
        \mathrm{offset} &= \min(\mathrm{end}, e · \mathrm{hop} + \mathrm{pad}) \\
        \mathrm{offset} &= \mathrm{onset}' = \tfrac12 (e + s') \, \mathrm{hop}
            \quad\text{if } (s' - e) \, \mathrm{hop} < 2 \, \mathrm{pad}

    A final event is given on the first row after which no row that may follow, and no end of the
    recording from the time of that row on, can change or remove it.

    In early reports every segment is padded by itself: its onset is
    :math:`\max(0, s · \mathrm{hop} - \mathrm{pad})`, its offset :math:`e · \mathrm{hop} +
    \mathrm{pad}`, or the end of the recording if that is what ends it. A "start" is given on the
    first row t without a silence and with :math:`t + 1 - s >` min_speech, or with the "end" if the
    segment is cut before; an "end" is given on the row on which it is known. Where the recording
    ends, only segments end that have been told to start.

    Parameters
    ----------
    posteriors : (T, n_outputs)
    hop : float
        Seconds from row to row.
    label : int
        The output that is the probability of speech.
    threshold : float
        θ
    neg_threshold : float, optional
        :math:`θ_{neg}`, at most θ. None: max(threshold - 0.15, 0.01), at most θ.
    smoothing_frames : int
        1: p is the posterior. Else it is averaged over so many rows, and compared as
        `pylstm.reference.decisions.words` compares.
    min_speech, min_silence, pad, max_speech, min_silence_at_max_speech : float
        Seconds.
    report : {"early", "final"}
    end : float, optional
        Seconds of audio, at least (T - 1) · hop. None: T · hop.

    Returns
    -------
    list of Event
        "start" and "end" by turns. The score of an "end" is the highest p from s to e - 1, that of
        a "start" the highest from s to the row on which it is given, or to e - 1 if that is known
        then.

    Examples
    --------
    >>> p = [[0.0], [0.9], [0.9], [0.9], [0.0], [0.0], [0.0]]
    >>> started, ended = segments(p, hop=0.1)
    >>> round(ended.onset, 2), round(ended.offset, 2), round(started.time, 1), round(ended.time, 1)
    (0.07, 0.43, 0.4, 0.5)
    """
    p = np.asarray(posteriors, np.float64)[:, label]
    if neg_threshold is None:
        neg_threshold = min(threshold, max(threshold - 0.15, 0.01))
    if smoothing_frames == 1:
        speaks, quiet = p >= threshold, p < neg_threshold
    else:
        total = sums(p, smoothing_frames)
        speaks = total >= on_grid(threshold) * smoothing_frames
        quiet = total < on_grid(neg_threshold) * smoothing_frames
        p = total / 2**32 / smoothing_frames
    rules = Rules(
        in_rows(min_speech, hop),
        in_rows(min_silence, hop),
        in_rows(min_silence_at_max_speech, hop),
        in_rows(max_speech - hop - 2 * pad, hop),
        in_rows(2 * pad, hop),
    )
    track = Track(speaks, quiet, len(p) * hop if end is None else end)
    told = _early(track, rules, hop, pad) if report == "early" else _final(track, rules, hop, pad)
    events = []
    for one, onset, offset, started, ended in told:
        until = one.end if started >= one.decided else started + 1
        so_far = float(p[one.start : until].max())
        whole = float(p[one.start : one.end].max())
        events.append(Event("start", label, started * hop, onset, None, so_far, started))
        events.append(Event("end", label, ended * hop, onset, offset, whole, ended))
    return events


def in_rows(seconds: float, hop: float) -> float:
    """Seconds / hop, and a whole number if it is within 1e-6 of one.

    Examples
    --------
    >>> in_rows(0.3, 0.1), in_rows(0.25, 0.1)
    (3, 2.5)
    """
    rows = seconds / hop
    return round(rows) if not isinf(rows) and abs(rows - round(rows)) <= 1e-6 else rows


# --- segments before padding ----------------------------------------------------------------------


def _speech(track: Track, rules: Rules) -> list[Speech]:
    """All segments, those that are too short and one that is open at the end included."""
    found = []
    t = 0
    while t < len(track.speaks):
        if not track.speaks[t]:
            t += 1
            continue
        one, after_pause, t = _one(track, rules, start=t, first=t)
        found.append(one)
        while after_pause is not None:
            # What follows a cut at a pause started earlier, and row t is not done.
            one, after_pause, t = _one(track, rules, start=after_pause, first=t, cut=True)
            found.append(one)
    return found


def _one(
    track: Track, rules: Rules, *, start: int, first: int, cut: bool = False
) -> tuple[Speech, int | None, int]:
    """The segment that starts on row `start`, as rows from `first` on tell.

    Returns it, the start of the segment that follows after a pause if it was cut there, and the row
    to go on with. `cut` says that the segment before it was cut on row `first`.
    """
    n_rows = len(track.speaks)
    silence: int | None = None
    long_enough: int | None = None
    pauses: list[tuple[int, int]] = []
    for t in range(first, n_rows):
        if t > first or cut:
            if track.speaks[t] and silence is not None:
                if t - silence > rules.min_pause:
                    pauses.append((silence, t))
                silence = None
            if t - start > rules.longest:
                # A part that was cut off counts as long enough.
                known = t if long_enough is None else long_enough
                if not pauses:
                    return Speech(start, t, t, known), None, t + 1
                pause, after = max(pauses, key=lambda pause: pause[1] - pause[0])
                return Speech(start, pause, t, known), after, t
            if track.quiet[t]:
                silence = t if silence is None else silence
                if t - silence >= rules.min_silence:
                    if long_enough is None and silence - start > rules.min_speech:
                        long_enough = t
                    return Speech(start, silence, t, long_enough), None, t + 1
        if long_enough is None and silence is None and t + 1 - start > rules.min_speech:
            long_enough = t
    return Speech(start, n_rows, n_rows, long_enough), None, n_rows


# --- early and final reports ----------------------------------------------------------------------


def _early(track: Track, rules: Rules, hop: float, pad: float) -> list[Told]:
    """Every segment as it happens, padded by itself."""
    told = []
    for one in _speech(track, rules):
        if one.long_enough is not None:
            onset = max(0.0, one.start * hop - pad)
            is_open = one.decided == len(track.speaks)
            offset = track.length if is_open else one.end * hop + pad
            told.append(Told(one, onset, offset, one.long_enough, one.decided))
    return told


def _final(track: Track, rules: Rules, hop: float, pad: float) -> list[Told]:
    """The segments of a whole recording, and since when they were certain."""
    n_rows = len(track.speaks)
    ahead = ceil(rules.min_speech + rules.min_silence + rules.two_pads) + 4

    @cache
    def possible(t: int) -> list[list[float]]:
        """Onsets and offsets by turns for all that may follow row t, at its extremes."""
        speaks, quiet = track.speaks[: t + 1], track.quiet[: t + 1]
        yes, no = np.ones(ahead, bool), np.zeros(ahead, bool)
        follows = [(no[:0], no[:0], t * hop), (no[:0], no[:0], (t + 1) * hop)]
        follows += [(a, b, (t + 1 + ahead) * hop) for a, b in ((yes, no), (no, no), (no, yes))]
        futures = [Track(np.r_[speaks, a], np.r_[quiet, b], length) for a, b, length in follows]
        return [_times(_padded(future, rules, hop, pad)) for future in futures]

    found = _padded(track, rules, hop, pad)
    times = _times(found)

    def same(some: list[float], others: list[float]) -> bool:
        return len(some) == len(others) and np.allclose(some, others, rtol=0, atol=1e-6 * hop)

    def certain(n: int) -> int:
        """The first row after which the first n onsets and offsets are certain; T: none is."""
        return bisect_left(
            range(n_rows),
            True,
            key=lambda t: all(same(other[:n], times[:n]) for other in possible(t)),
        )

    return [
        Told(one, onset, offset, certain(2 * i + 1), certain(2 * i + 2))
        for i, (one, onset, offset) in enumerate(found)
    ]


def _padded(
    track: Track, rules: Rules, hop: float, pad: float
) -> list[tuple[Speech, float, float]]:
    """The segments that are long enough, with their onsets and offsets."""
    kept = []
    for one in _speech(track, rules):
        is_open = one.decided == len(track.speaks)
        rest = in_rows(track.length, hop) - one.start
        if rest > rules.min_speech if is_open else one.long_enough is not None:
            kept.append(one)
    padded = []
    for i, one in enumerate(kept):
        onset = max(0.0, one.start * hop - pad)
        offset = min(track.length, one.end * hop + pad)
        if i > 0 and one.start - kept[i - 1].end < rules.two_pads:
            onset = (kept[i - 1].end + one.start) / 2 * hop
        if i < len(kept) - 1 and kept[i + 1].start - one.end < rules.two_pads:
            offset = (one.end + kept[i + 1].start) / 2 * hop
        if one.decided == len(track.speaks):
            offset = track.length
        padded.append((one, onset, offset))
    return padded


def _times(padded: list[tuple[Speech, float, float]]) -> list[float]:
    """Onsets and offsets by turns."""
    return [time for _, onset, offset in padded for time in (onset, offset)]
