"""The mean loss and the accuracy over batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pylstm.train.data.batch import Batch
from pylstm.train.losses.head_losses import HeadLosses
from pylstm.train.losses.loss import nothing_counted

__all__ = ["HeadMeans", "MeanLoss", "mean_of"]

Figures = dict[str, dict[str, float | None]]


class MeanLoss:
    """The mean loss and the share of correct predictions over batches.

    A batch counts by its number of predictions, or by the sum of their weights.
    """

    heads: Figures | None = None
    """Loss and accuracy of each head; None where there is one loss for all outputs."""

    def __init__(self) -> None:
        self.weight = 0.0
        self._sum = 0.0
        self.correct = 0
        self.counted = 0

    def add(self, result: Any, loss: Any, batch: Batch) -> None:
        """Adds the result of a loss for a batch."""
        if isinstance(batch.weights, np.ndarray):
            weight = float(batch.weights.sum(dtype=np.float64))
        elif result.counted:
            weight = float(result.counted)
        else:
            per_frame = getattr(loss, "per", "sequence") == "frame"
            weight = float(batch.lengths.sum() if per_frame else len(batch.lengths))
        self.weight += weight
        self._sum += weight * result.value
        self.correct += result.correct
        self.counted += result.counted

    @property
    def value(self) -> float:
        """The mean loss; NaN without any."""
        return self._sum / self.weight if self.weight else math.nan

    @property
    def accuracy(self) -> float | None:
        """The share of correct predictions; None where the loss counts none."""
        return self.correct / self.counted if self.counted else None


class HeadMeans:
    """The mean losses of several heads over batches, and their weighted sum."""

    def __init__(self, loss: HeadLosses) -> None:
        self._loss = loss
        self._means = {name: MeanLoss() for name in loss.trained}

    def add(self, result: Any, loss: Any, batch: Batch) -> None:
        """Adds the results of a batch."""
        for name, own, targets, weights in loss.by_head(batch.targets, batch.weights):
            if not nothing_counted(result.heads[name]):
                own_batch = batch._replace(targets=targets, weights=weights)
                self._means[name].add(result.heads[name], own, own_batch)

    @property
    def weight(self) -> float:
        """What all batches together count; 0: nothing."""
        return sum(mean.weight for mean in self._means.values())

    @property
    def value(self) -> float:
        """The weighted sum of the mean losses of the heads in which something counts."""
        values = [
            self._loss.weight(name) * mean.value
            for name, mean in self._means.items()
            if mean.weight and self._loss.weight(name)
        ]
        return sum(values) if values else math.nan

    @property
    def accuracy(self) -> float | None:
        """The share of correct predictions of all heads; None where no loss counts any."""
        counted = sum(mean.counted for mean in self._means.values())
        return sum(mean.correct for mean in self._means.values()) / counted if counted else None

    @property
    def heads(self) -> Figures:
        """The loss of each head, not weighted, and its accuracy; None where nothing counts."""
        return {
            name: {"loss": mean.value if mean.weight else None, "accuracy": mean.accuracy}
            for name, mean in self._means.items()
        }


def mean_of(loss: Any) -> MeanLoss | HeadMeans:
    """What takes the mean of a loss."""
    return HeadMeans(loss) if isinstance(loss, HeadLosses) else MeanLoss()
