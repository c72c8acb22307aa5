"""Reports: what a training tells its callbacks after every batch and every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pylstm.train.network import Network

__all__ = ["Report"]


@dataclass(frozen=True)
class Report:
    """What `fit` tells its callbacks after every batch and after every epoch.

    Attributes
    ----------
    kind : {"batch", "epoch"}
        What has just ended.
    epoch, epochs : int
        Its number, counted from 1, and the number of epochs to do.
    batch : int
        Finished batches of this epoch.
    n_batches : int or None
        Batches in this epoch, if the source knows.
    step : int
        Steps of the optimiser since the training started.
    loss : float
        The mean loss of this epoch so far.
    accuracy : float or None
        The share of this epoch's predictions so far that were correct; None for a loss without
        right and wrong.
    lr : float
        The learning rate of the last step.
    norm : float
        The norm of its gradient before clipping.
    validation_loss, validation_accuracy : float or None
        After an epoch, if there is validation data.
    best : bool
        After an epoch: whether it is the best so far, so that its weights are kept.
    seconds : float
        Time since the epoch started.
    network : Network
        With its current weights. Changing them changes the training.
    heads : dict, optional
        With `HeadLosses` the ``loss`` and the ``accuracy`` of each head in this epoch so far, and
        after an epoch ``validation_loss`` and ``validation_accuracy``; None where there is none.
    """

    kind: Literal["batch", "epoch"]
    epoch: int
    epochs: int
    batch: int
    n_batches: int | None
    step: int
    loss: float
    accuracy: float | None
    lr: float
    norm: float
    validation_loss: float | None
    validation_accuracy: float | None
    best: bool
    seconds: float
    network: Network
    heads: Mapping[str, Mapping[str, float | None]] | None = None
