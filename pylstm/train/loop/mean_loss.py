"""The mean loss and the accuracy over batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pylstm.train.data.batch import Batch

__all__ = ["MeanLoss"]


class MeanLoss:
    """The mean loss and the share of correct predictions over batches.

    A batch counts by its number of predictions, or by the sum of their weights.
    """

    def __init__(self) -> None:
        self.weight = 0.0
        self._sum = 0.0
        self._correct = 0
        self._counted = 0

    def add(self, result: Any, loss: Any, batch: Batch) -> None:
        """Adds the result of a loss for a batch."""
        if batch.weights is not None:
            weight = float(batch.weights.sum(dtype=np.float64))
        elif result.counted:
            weight = float(result.counted)
        else:
            per_frame = getattr(loss, "per", "sequence") == "frame"
            weight = float(batch.lengths.sum() if per_frame else len(batch.lengths))
        self.weight += weight
        self._sum += weight * result.value
        self._correct += result.correct
        self._counted += result.counted

    @property
    def value(self) -> float:
        """The mean loss; NaN without any."""
        return self._sum / self.weight if self.weight else math.nan

    @property
    def accuracy(self) -> float | None:
        """The share of correct predictions; None where the loss counts none."""
        return self._correct / self._counted if self._counted else None
