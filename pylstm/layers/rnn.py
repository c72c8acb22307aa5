"""The plain recurrent layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, get_args

from pylstm.arguments import choice
from pylstm.layers.output_values import ValueRange
from pylstm.layers.quantisation import PRECISIONS, Precision
from pylstm.layers.recurrent import Recurrent
from pylstm.layers.settings import FLAG, SIZE, choice_of

__all__ = ["RNN"]

Nonlinearity = Literal["tanh", "relu"]
NONLINEARITIES: tuple[Nonlinearity, ...] = get_args(Nonlinearity)


class RNN(Recurrent):
    r"""Plain recurrent layers on top of each other, as ``torch.nn.RNN`` (Elman 1990).

    .. math:: h' = a(W_{ih} x + b_{ih} + W_{hh} h + b_{hh})

    Parameters
    ----------
    input_size, hidden_size, num_layers
        As for `LSTM`.
    nonlinearity : {"tanh", "relu"}
        a.
    bias, bidirectional, dropout
        As for `LSTM`.
    weights : mapping of str to ndarray, optional
        Named as those of `LSTM`, with hidden_size rows.
    precision, seed
        As for `LSTM`.

    Examples
    --------
    >>> RNN(40, 64, nonlinearity="relu", seed=0)
    RNN(input_size=40, hidden_size=64, num_layers=1, nonlinearity='relu', bias=True)
    """

    kind = "rnn"
    settings = MappingProxyType(
        {
            "input_size": SIZE,
            "hidden_size": SIZE,
            "num_layers": SIZE,
            "nonlinearity": choice_of(NONLINEARITIES),
            "bias": FLAG,
        }
    )
    gates = 1
    streams = True
    precisions = PRECISIONS

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Nonlinearity = "tanh",
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        precision: Precision = "float32",
        seed: int | None = None,
    ) -> None:
        self._size(input_size, hidden_size, num_layers, bias, bidirectional, dropout)
        self.nonlinearity = choice("nonlinearity", nonlinearity, NONLINEARITIES)
        self.precision = precision
        self._take(weights, self.hidden_size, seed)

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: those of the nonlinearity."""
        return (0.0, math.inf) if self.nonlinearity == "relu" else (-1.0, 1.0)

    @property
    def cell(self) -> str:
        """The name of the cell in the kernels of bulk passes."""
        return f"rnn_{self.nonlinearity}"
