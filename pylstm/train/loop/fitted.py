"""What comes out of a training, and the error that ends one."""

from __future__ import annotations

from typing import Any, Literal

from pylstm.layers import Layer
from pylstm.model import Model

__all__ = ["DivergedError", "Fitted", "Stopped"]

Stopped = Literal["epochs", "patience", "interrupted", "callback", "diverged"]


class Fitted:
    """What came out of a training.

    Attributes
    ----------
    network : Network
        With the weights that were chosen.
    history : list of dict
        For every epoch that was finished: ``epoch`` (counted from 1), ``step`` (steps of the
        optimiser so far), ``loss``, ``accuracy`` (None where the loss knows of none), ``lr`` and
        ``norm`` (of the last step), ``validation_loss`` and ``validation_accuracy`` (None without a
        validation), ``seconds``.
    best_epoch : int
        The epoch whose weights were chosen: that of the lowest validation loss; the last one
        without a validation; 0 if none was finished.
    stopped : {"epochs", "patience", "interrupted", "callback", "diverged"}
        Why it ended; the last with a `DivergedError` alone.
    """

    def __init__(
        self,
        network: Any,
        model: Model | None,
        history: list[dict[str, Any]],
        best_epoch: int,
        stopped: Stopped,
    ) -> None:
        self.network = network
        self.history = history
        self.best_epoch = best_epoch
        self.stopped = stopped
        self._began = model

    @property
    def layers(self) -> list[Layer]:
        """The layers with their new weights, as copies."""
        return list(self.network.layers())

    @property
    def model(self) -> Model:
        """The model with its new weights: features, labels and info of the one that was given.

        Where layers were given, a model of frames without labels.
        """
        began = self._began
        if began is None:
            return Model(None, self.layers)
        return Model(began.features, self.layers, began.labels, began.info)

    def __repr__(self) -> str:
        return (
            f"Fitted({len(self.history)} epochs, best_epoch={self.best_epoch},"
            f" stopped={self.stopped!r})"
        )


class DivergedError(ArithmeticError):
    """The loss, the gradient or a weight is no longer a finite number.

    Attributes
    ----------
    fitted : Fitted
        What there was before: the weights of the best epoch if a validation has chosen one, else
        those of the last finished epoch (of the beginning, if there was none).
    """

    fitted: Fitted
