"""The result of a training, and the error that ends one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pylstm.arguments import number_of
from pylstm.layers import Layer
from pylstm.layers.graph import Layers
from pylstm.model import Model
from pylstm.train.network import Network

__all__ = ["DivergedError", "Fitted", "Stopped"]

Stopped = Literal["epochs", "patience", "interrupted", "callback", "diverged"]


@dataclass(eq=False, repr=False)
class Fitted:
    """The result of a training.

    Attributes
    ----------
    network : Network
        With the weights that were kept.
    history : list of dict
        For every finished epoch: ``epoch`` (counted from 1), ``step`` (steps of the optimiser so
        far), ``loss``, ``accuracy`` (None if the loss has none), ``lr`` and ``norm`` (of the last
        step), ``validation_loss`` and ``validation_accuracy`` (None without a validation),
        ``seconds``. With `HeadLosses` also ``heads``: for every head ``loss``, ``accuracy``,
        ``validation_loss`` and ``validation_accuracy``.
    best_epoch : int
        The epoch whose weights were kept: the one with the lowest validation loss; without a
        validation the last one; 0 if none was finished.
    stopped : {"epochs", "patience", "interrupted", "callback", "diverged"}
        Why it ended; "diverged" only with a `DivergedError`.
    """

    network: Network
    _began: Model | None
    history: list[dict[str, Any]]
    best_epoch: int
    stopped: Stopped

    @property
    def layers(self) -> list[Layer]:
        """Copies of the layers with the new weights, without names and inputs: see `graph`."""
        return list(self.network.layers())

    def graph(self) -> Layers:
        """The layers with the new weights as `Model` takes them: a list, or the named layers of a
        graph with their inputs.

        Returns
        -------
        list of Layer, or dict of str to tuple
        """
        return self.network.graph()

    @property
    def model(self) -> Model:
        """The given model with the new weights; its features, labels and info are the same.

        If layers were given: a model of frames, without labels.
        """
        began = self._began
        if began is None:
            return Model(None, self.network.graph())
        return began.with_layers(self.layers)

    def __repr__(self) -> str:
        return (
            f"Fitted({number_of(len(self.history), 'epoch')}, best_epoch={self.best_epoch},"
            f" stopped={self.stopped!r})"
        )


class DivergedError(ArithmeticError):
    """The loss, the gradient or a weight is NaN or infinite.

    Attributes
    ----------
    fitted : Fitted
        The result before that: the weights of the best epoch by validation loss, else those of the
        last finished epoch, else those at the start.
    """

    fitted: Fitted
