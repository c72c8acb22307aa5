"""A model judged on recordings whose labels are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pylstm.evaluation import metrics
from pylstm.evaluation.metrics import DetCurve
from pylstm.layers import Dense
from pylstm.model import Model
from pylstm.train.data.recordings import Recordings

__all__ = ["Judgement", "judge"]

# A posterior that was rounded to 0 is still a logarithm.
_LEAST = np.float32(1e-30)


@dataclass(frozen=True)
class Judgement:
    """What a model said, beside what was true.

    Attributes
    ----------
    labels : tuple of str
        The model's.
    per : {"sequence", "frame"}
        What was judged: recordings, or each of their frames.
    targets : array, shape (n,), int64
        What was true, as places in `labels`.
    scores : array, shape (n, n_labels), float32
        What the model said: the higher, the more likely.
    """

    labels: tuple[str, ...]
    per: Literal["sequence", "frame"]
    targets: NDArray[np.int64]
    scores: NDArray[np.float32]

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The label with the highest score, (n,)."""
        return self.scores.argmax(axis=1)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """How often which label was taken for which: see `pylstm.evaluation.metrics.confusion`."""
        return metrics.confusion(self.targets, self.predictions, len(self.labels))

    def det_curve(self, label: str) -> DetCurve | None:
        """The trade-off of a detector of one label; None where all or none are of that label."""
        truth = self.targets == self.labels.index(label)
        if truth.all() or not truth.any():
            return None
        return metrics.det_curve(self.scores[:, self.labels.index(label)], truth)

    def roc_auc(self, label: str) -> float | None:
        """How likely the label scores higher where it is true; None as in `det_curve`."""
        truth = self.targets == self.labels.index(label)
        if truth.all() or not truth.any():
            return None
        return metrics.roc_auc(self.scores[:, self.labels.index(label)], truth)


def judge(
    model: Model, recordings: Recordings, heard: Callable[[float], Any] | None = None
) -> Judgement:
    r"""What a model says to recordings.

    The engine runs it over each recording from the beginning, as a stream would. With a label a
    frame, the posteriors of each frame are its scores. With a label a recording its scores are the
    posteriors p of all its T frames together,

    .. math::

        s_k = \frac{e^{m_k}}{\sum_j e^{m_j}}, \qquad m_k = \frac{1}{T} \sum_t \log p_{tk}

    which is what ``CrossEntropy(per="sequence", pooling="mean")`` trains: the softmax of the mean
    logits. Outputs that are no softmax are averaged as they are.

    Parameters
    ----------
    model : Model
        With features and labels.
    recordings : Recordings
        With a label each, or one for each frame; all of them labels of the model.
    heard : callable, optional
        Is told how many seconds of audio have been judged, after each recording.

    Returns
    -------
    Judgement

    Raises
    ------
    ValueError
        The model has no features or no labels, a label is not one of its, or the recordings have
        transcripts.
    AudioError
        A recording cannot be read.
    """
    if model.features is None or model.labels is None:
        raise ValueError("model has no features or no labels; expected both")
    if recordings.per == "transcript":
        raise ValueError(f"{recordings.name} has transcripts; expected labels")
    foreign = [label for label in recordings.labels if label not in model.labels]
    if foreign:
        raise ValueError(
            f"{recordings.name} has the label {foreign[0]!r}, which is none of the model's:"
            f" {', '.join(model.labels)}"
        )
    place = np.array([model.labels.index(label) for label in recordings.labels], np.int64)
    softmax = isinstance(model.layers[-1], Dense) and model.layers[-1].activation == "softmax"
    targets, scores, seconds = [], [], 0.0
    # In the order of the recordings, and as training sees them: the same frames, the same targets.
    features: Any = model.features
    source = recordings.source(features, 1, shuffle=False, bucket=False, resample=True)
    for item, batch in zip(recordings.items, source.batches(0, 0), strict=True):
        rows = model.stream().push_frames(np.ascontiguousarray(batch.x[:, 0]))
        if recordings.per == "sequence":
            rows = _together(rows, softmax)[None]
        targets.append(place[np.asarray(batch.targets).reshape(-1)])
        scores.append(rows)
        seconds += item.seconds
        if heard is not None:
            heard(seconds)
    return Judgement(model.labels, recordings.per, np.concatenate(targets), np.concatenate(scores))


def _together(rows: NDArray[np.float32], softmax: bool) -> NDArray[np.float32]:
    """The scores of a recording from those of its frames."""
    if not softmax:
        return rows.mean(axis=0)
    mean = np.log(np.maximum(rows, _LEAST)).mean(axis=0, dtype=np.float64)
    powers = np.exp(mean - mean.max())
    return (powers / powers.sum()).astype(np.float32)
