"""A model that decides on segments, such as one of speech, judged as it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import listing
from pylstm.brief_repr import named_values
from pylstm.decisions import DecisionSettings
from pylstm.evaluation import metrics
from pylstm.evaluation.heard_speech import SpeechModel
from pylstm.evaluation.metrics import DetCurve
from pylstm.model import Model

if TYPE_CHECKING:
    from pylstm.train.data.recordings import Recordings

__all__ = ["BestF1", "SegmentEvaluation", "SegmentMatch", "evaluate_segments", "match_segments"]

Segments = Sequence[tuple[float, float]]


class SegmentMatch(NamedTuple):
    """True segments of a recording beside those that were found in it."""

    onset_errors: NDArray[np.float64]
    """Found minus true onset of each matched pair, seconds; above 0: late."""
    offset_errors: NDArray[np.float64]
    """Found minus true offset of each matched pair, seconds; above 0: late."""
    missed: int
    """True segments that nothing found overlaps."""
    false_starts: int
    """Found segments that overlap nothing true."""
    cut: float
    """Seconds of the true segments that lie in no found one."""


def match_segments(true: Segments, found: Segments) -> SegmentMatch:
    """Compares the true segments of a recording with those that were found in it.

    A pair is matched if the two overlap; pairs that overlap longest are matched first, and each
    segment once. A found segment that spans two true ones is thus matched with the longer one; the
    other one is neither matched nor missed.

    Parameters
    ----------
    true, found : sequences of (float, float)
        Start and end of each, seconds; in their order, without overlaps among themselves.

    Returns
    -------
    SegmentMatch

    Examples
    --------
    >>> match = match_segments([(1.0, 2.0), (5.0, 6.0)], [(1.25, 2.5), (8.0, 9.0)])
    >>> match.onset_errors, match.offset_errors, match.missed, match.false_starts, match.cut
    (array([0.25]), array([0.5]), 1, 1, 1.25)
    """
    overlaps: list[tuple[float, int, int]] = []
    first = 0
    for i, (start, end) in enumerate(true):
        while first < len(found) and found[first][1] <= start:
            first += 1
        k = first
        while k < len(found) and found[k][0] < end:
            overlaps.append((min(end, found[k][1]) - max(start, found[k][0]), i, k))
            k += 1
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, k in sorted(overlaps, key=lambda overlap: (-overlap[0], overlap[1:])):
        if i not in pairs and k not in taken:
            pairs[i] = k
            taken.add(k)
    errors = [np.subtract(found[k], true[i]) for i, k in sorted(pairs.items())]
    onsets, offsets = np.array(errors, np.float64).reshape(-1, 2).T
    covered = sum(overlap for overlap, _, _ in overlaps)
    return SegmentMatch(
        onsets.copy(),
        offsets.copy(),
        len(true) - len({i for _, i, _ in overlaps}),
        len(found) - len({k for _, _, k in overlaps}),
        max(0.0, sum(end - start for start, end in true) - covered),
    )


class BestF1(NamedTuple):
    """The highest F1 of frames over all thresholds."""

    f1: float
    """The harmonic mean of precision and recall."""
    threshold: float
    """From which score on a frame is taken for speech there."""


@dataclass(frozen=True, repr=False)
class SegmentEvaluation:
    """How well a model tells speech from the rest, frame by frame and segment by segment.

    Attributes
    ----------
    label : str
        What counts as speech in the recordings.
    threshold : float
        The decision's: from which probability on speech begins.
    truth : array, shape (n,), bool
        Whether there is speech at the time of each row of the model.
    scores : array, shape (n,), float32
        The probability of speech in each row.
    segments : int
        True segments.
    matches : tuple of SegmentMatch
        One for each recording.
    seconds, speech_seconds : float
        Length of all recordings, and of the true segments in them.
    """

    label: str
    threshold: float
    truth: NDArray[np.bool_]
    scores: NDArray[np.float32]
    segments: int
    matches: tuple[SegmentMatch, ...]
    seconds: float
    speech_seconds: float

    def __repr__(self) -> str:
        return named_values(self, vars(self))

    # --- frames -----------------------------------------------------------------------------------

    @property
    def det_curve(self) -> DetCurve | None:
        """Misses and false alarms of frames; None if all frames are speech, or none."""
        return self._of_both(metrics.det_curve)

    @property
    def roc_auc(self) -> float | None:
        """The area under the ROC curve of frames; None as in `det_curve`."""
        return self._of_both(metrics.roc_auc)

    @property
    def best_f1(self) -> BestF1 | None:
        r"""The best F1 of frames, :math:`2 TP / (2 TP + FP + FN)`, of all thresholds; None as in
        `det_curve`."""
        curve = self.det_curve
        if curve is None:
            return None
        speech = int(self.truth.sum())
        hits = (1 - curve.misses) * speech
        f1 = 2 * hits / (hits + curve.false_alarms * (len(self.truth) - speech) + speech)
        best = int(np.argmax(f1))
        return BestF1(float(f1[best]), float(curve.thresholds[best]))

    @property
    def misses(self) -> float:
        """The share of the frames of speech that score below the threshold; NaN without any."""
        return _mean(self.scores[self.truth] < self.threshold)

    @property
    def false_alarms(self) -> float:
        """The share of the other frames that score the threshold or more; NaN without any."""
        return _mean(self.scores[~self.truth] >= self.threshold)

    def _of_both(self, measure: Callable[..., Any]) -> Any:
        if self.truth.all() or not self.truth.any():
            return None
        return measure(self.scores, self.truth)

    # --- segments ---------------------------------------------------------------------------------

    @property
    def onset_errors(self) -> NDArray[np.float64]:
        """Found minus true onset of every matched segment, seconds; above 0: late."""
        return np.concatenate([np.zeros(0), *(match.onset_errors for match in self.matches)])

    @property
    def offset_errors(self) -> NDArray[np.float64]:
        """Found minus true offset of every matched segment, seconds; above 0: late."""
        return np.concatenate([np.zeros(0), *(match.offset_errors for match in self.matches)])

    @property
    def missed(self) -> int:
        """True segments that nothing found overlaps."""
        return sum(match.missed for match in self.matches)

    @property
    def false_starts(self) -> int:
        """Found segments that overlap nothing true."""
        return sum(match.false_starts for match in self.matches)

    @property
    def false_starts_an_hour(self) -> float:
        """False starts in an hour of what is not speech; NaN where all is speech."""
        quiet = self.seconds - self.speech_seconds
        return self.false_starts * 3600 / quiet if quiet > 0 else float("nan")

    @property
    def cut(self) -> float:
        """The share of the time of speech that lies in no found segment; NaN without speech."""
        lost = sum(match.cut for match in self.matches)
        return lost / self.speech_seconds if self.speech_seconds > 0 else float("nan")


def evaluate_segments(
    model: Model,
    recordings: Recordings,
    label: str | None = None,
    decision: DecisionSettings | None = None,
    progress: Callable[[float], Any] | None = None,
) -> SegmentEvaluation:
    """Runs recordings through a model and its decision, and compares with what is known of them.

    Each recording is a stream of its own, from its beginning to its end. A frame is the row of the
    model whose time lies inside of a true segment, its start included and its end not.

    Parameters
    ----------
    model : Model
        Its decision is on segments.
    recordings : Recordings
        From a manifest with times.
    label : str, optional
        The label of the recordings that counts as speech; all others are not. None: that of the
        model's decision.
    decision : DecisionSettings, optional
        Settings in place of the model's, as `Model.listener` takes them.
    progress : callable, optional
        Called with the seconds of audio done so far, after each recording.

    Returns
    -------
    SegmentEvaluation

    Raises
    ------
    ValueError
        The model decides on something else, the recordings have no times, or they do not have the
        label.
    AudioError
        A recording cannot be read.
    """
    heard_by = SpeechModel(model, decision)
    if recordings.per != "frame":
        raise ValueError(f"{recordings.name} has no times; expected a start and an end of speech")
    label = heard_by.label if label is None else label
    if label not in recordings.labels:
        raise ValueError(
            f"{recordings.name} has no {label!r}; expected one of its labels,"
            f" {listing(recordings.labels)}, as that of speech"
        )
    truths, scores, matches = [], [], []
    n_segments, seconds, speech_seconds = 0, 0.0, 0.0
    for item in recordings.items:
        with item.opened(int(model.sample_rate or 0)) as file:
            heard = heard_by.hear(file, item.name)
        marks = sorted((mark.start, mark.end) for mark in item.marks if mark.label == label)
        true = _joined([(start, min(end, heard.seconds)) for start, end in marks])
        truths.append(_inside(heard.times, true))
        scores.append(heard.scores)
        matches.append(match_segments(true, heard.segments))
        n_segments += len(true)
        speech_seconds += sum(end - start for start, end in true)
        seconds += heard.seconds
        if progress is not None:
            progress(seconds)
    return SegmentEvaluation(
        label,
        heard_by.threshold,
        np.concatenate([np.zeros(0, bool), *truths]),
        np.concatenate([np.zeros(0, np.float32), *scores]),
        n_segments,
        tuple(matches),
        seconds,
        speech_seconds,
    )


def _joined(segments: Segments) -> list[tuple[float, float]]:
    """Segments without those that are empty, and those that touch as one."""
    joined: list[tuple[float, float]] = []
    for start, end in segments:
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _inside(times: NDArray[np.float64], segments: Segments) -> NDArray[np.bool_]:
    """Which of the times lie inside of a segment, its end excluded."""
    edges = np.array(segments, np.float64).reshape(-1)
    return np.searchsorted(edges, times, side="right") % 2 == 1


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")
