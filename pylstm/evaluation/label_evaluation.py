"""The labels that a model gives to recordings, beside the true ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pylstm.brief_repr import named_values
from pylstm.evaluation import metrics
from pylstm.evaluation.metrics import ClassRates, DetCurve
from pylstm.evaluation.row_decision import RowDecision
from pylstm.layers.graph import row_times_of
from pylstm.model import Model

if TYPE_CHECKING:
    from pylstm.train.data.recordings import Recordings

__all__ = ["LabelEvaluation", "evaluate_labels"]

# A posterior that was rounded to 0 still has a logarithm.
_LEAST = np.float32(1e-30)


@dataclass(frozen=True, repr=False)
class LabelEvaluation:
    """Scores of a model, and the true labels.

    Attributes
    ----------
    labels : tuple of str
        The model's.
    per : {"sequence", "frame"}
        What has a label: a recording, or each of its frames.
    targets : array, shape (n,), int64
        The true labels, as indices into `labels`.
    scores : array, shape (n, n_labels), float32
        The model's scores; higher: more likely.
    decided : array, shape (n,), int64, or None
        The labels that a decision on words gives; None: those with the highest scores.
    """

    labels: tuple[str, ...]
    per: Literal["sequence", "frame"]
    targets: NDArray[np.int64]
    scores: NDArray[np.float32]
    decided: NDArray[np.int64] | None = None

    def __repr__(self) -> str:
        return named_values(self, vars(self))

    @property
    def predictions(self) -> NDArray[np.int64]:
        """What was decided, or else the label with the highest score, (n,)."""
        return self.scores.argmax(axis=1) if self.decided is None else self.decided

    @property
    def accuracy(self) -> float:
        """The share of correct predictions; NaN without any."""
        correct = self.predictions == self.targets
        return float(correct.mean()) if len(correct) else float("nan")

    @property
    def confusion(self) -> NDArray[np.int64]:
        """How often each label was predicted as which; see `metrics.confusion`."""
        return metrics.confusion(self.targets, self.predictions, len(self.labels))

    @property
    def rates(self) -> ClassRates:
        """Precision, recall and F1 of each label."""
        return metrics.class_rates(self.targets, self.predictions, len(self.labels))

    def det_curve(self, label: str) -> DetCurve | None:
        """The trade-off of a detector of one label; None if all or none have that label."""
        return self._detection(metrics.det_curve, label)

    def roc_auc(self, label: str) -> float | None:
        """The area under the ROC curve of a detector of one label; None as in `det_curve`."""
        return self._detection(metrics.roc_auc, label)

    def equal_error_rate(self, label: str) -> float | None:
        """The equal error rate of a detector of one label; None as in `det_curve`."""
        return self._detection(metrics.equal_error_rate, label)

    def _detection(self, measure: Callable[..., Any], label: str) -> Any:
        place = self.labels.index(label)
        truth = self.targets == place
        return None if truth.all() or not truth.any() else measure(self.scores[:, place], truth)


def evaluate_labels(
    model: Model,
    recordings: Recordings,
    progress: Callable[[float], Any] | None = None,
    decision: RowDecision | None = None,
) -> LabelEvaluation:
    r"""Scores recordings with a model.

    The engine runs each recording from its beginning, as a stream does. With a label for each
    frame, the posteriors of a frame are its scores. With a label for each recording, its scores
    combine the posteriors p of all its T frames:

    .. math::

        s_k = \frac{e^{m_k}}{\sum_j e^{m_j}}, \qquad m_k = \frac{1}{T} \sum_t \log p_{tk}

    This is what ``CrossEntropy(per="sequence", pooling="mean")`` trains: the softmax of the mean
    logits. Outputs without a softmax are averaged as they are.

    With a decision on words and a label for each recording, a recording is judged by its best
    moment instead, because a listener reports a word as soon as it is sure. The score of a label
    that can be reported is then the highest of its posteriors as the decision smooths them, that
    of a background label the mean of its posteriors. Decided is the label with the highest score
    among those that reach their thresholds; if there are none, the background label with the
    highest mean, or without background labels the one with the highest score.

    Parameters
    ----------
    model : Model
        With features and labels.
    recordings : Recordings
        With a label each, or one for each frame; all of them must be labels of the model.
    progress : callable, optional
        Called with the seconds of audio done so far, after each recording.
    decision : RowDecision, optional
        Judges recordings by their best moments.

    Returns
    -------
    LabelEvaluation

    Raises
    ------
    ValueError
        The model has no features or no labels, it lacks a label, or the recordings have
        transcripts.
    AudioError
        A recording cannot be read.
    """
    if model.features is None or model.labels is None:
        raise ValueError("model has no features or no labels; expected both")
    if recordings.per == "transcript":
        raise ValueError(f"{recordings.name} has transcripts; expected labels")
    unknown = [label for label in recordings.labels if label not in model.labels]
    if unknown:
        raise ValueError(
            f"{recordings.name} has the label {unknown[0]!r}; expected labels of the model:"
            f" {', '.join(model.labels)}"
        )
    place = np.array([model.labels.index(label) for label in recordings.labels], np.int64)
    softmax = model.layers[-1].gives_distribution
    by_moment = decision if recordings.per == "sequence" else None
    first, period = row_times_of(model.nodes)  # there may be fewer rows than frames
    targets, scores, decided, seconds = [], [], [], 0.0
    features: Any = model.features
    # In the order of the recordings; frames and targets are those of training.
    source = recordings.source(features, 1, shuffle=False, bucket=False, resample=True)
    for item, batch in zip(recordings.items, source.batches(0, 0), strict=True):
        rows = model.stream().push_frames(np.ascontiguousarray(batch.x[:, 0]))
        if by_moment is not None:
            rows = _best_moments(rows, by_moment)[None]
            decided.append(_decided(rows[0], by_moment))
        elif recordings.per == "sequence":
            rows = _sequence_scores(rows, softmax)[None]
        found = np.asarray(batch.targets).reshape(-1)
        targets.append(place[found if recordings.per == "sequence" else found[first::period]])
        scores.append(rows)
        seconds += item.seconds
        if progress is not None:
            progress(seconds)
    return LabelEvaluation(
        model.labels, recordings.per, np.concatenate(targets), np.concatenate(scores),
        None if by_moment is None else np.array(decided, np.int64),
    )  # fmt: skip


def _sequence_scores(rows: NDArray[np.float32], softmax: bool) -> NDArray[np.float32]:
    """The scores of a recording from those of its frames."""
    if not softmax:
        return rows.mean(axis=0)
    mean = np.log(np.maximum(rows, _LEAST)).mean(axis=0, dtype=np.float64)
    powers = np.exp(mean - mean.max())
    return (powers / powers.sum()).astype(np.float32)


def _best_moments(rows: NDArray[np.float32], decision: RowDecision) -> NDArray[np.float32]:
    """The highest smoothed posterior of each label; of a background label the mean."""
    scores = decision.smoothed(rows).max(axis=0)
    for label in decision.background:
        place = decision.labels.index(label)
        scores[place] = rows[:, place].mean(dtype=np.float64)
    return scores.astype(np.float32)


def _decided(scores: NDArray[np.float32], decision: RowDecision) -> int:
    """The label of a recording by its best moments; see `evaluate_labels`."""
    reached = [
        k
        for k, label in enumerate(decision.labels)
        if label in decision.thresholds and scores[k] >= decision.thresholds[label]
    ]
    silent = [decision.labels.index(label) for label in decision.background]
    return max(reached or silent or range(len(scores)), key=lambda k: float(scores[k]))
