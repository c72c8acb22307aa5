"""The best epoch of a training so far, and its weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BestEpoch"]


@dataclass
class BestEpoch:
    """The epoch with the lowest validation loss so far; without a validation the last one.

    Attributes
    ----------
    epoch : int
        Its number, counted from 1; 0: no epoch is finished.
    loss : float or None
        Its validation loss; None without a validation.
    parameters : array, float32, or None
        Its weights, flat; None without a validation.
    epochs_since : int
        Epochs after it, none of which was better.

    Examples
    --------
    >>> best = BestEpoch()
    >>> for epoch, loss in enumerate([0.9, 0.5, 0.7], 1):
    ...     best.observe(epoch, loss, np.full(2, epoch, np.float32))
    >>> best.epoch, best.loss, best.parameters, best.epochs_since
    (2, 0.5, array([2., 2.], dtype=float32), 1)
    """

    epoch: int = 0
    loss: float | None = None
    parameters: NDArray[np.float32] | None = None
    epochs_since: int = 0

    def is_beaten_by(self, loss: float | None) -> bool:
        """Whether an epoch with this validation loss is better; None: there is no validation."""
        return loss is None or self.loss is None or loss < self.loss

    def observe(self, epoch: int, loss: float | None, parameters: NDArray[np.float32]) -> None:
        """Keeps an epoch, with a copy of its weights, if it is better."""
        if not self.is_beaten_by(loss):
            self.epochs_since += 1
            return
        self.epoch, self.epochs_since = epoch, 0
        if loss is not None:
            self.loss, self.parameters = loss, parameters.copy()
