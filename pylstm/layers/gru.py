"""The GRU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, get_args

from pylstm.arguments import choice, flag
from pylstm.layers.output_values import ValueRange
from pylstm.layers.quantisation import PRECISIONS, Precision
from pylstm.layers.recurrent import Recurrent, slope_of_gates
from pylstm.layers.settings import FLAG, NUMBER, SIZE, choice_of

__all__ = ["GRU"]

Candidate = Literal["tanh", "relu"]
CANDIDATES: tuple[Candidate, ...] = get_args(Candidate)


class GRU(Recurrent):
    r"""GRU layers on top of each other (Cho et al. 2014), as ``torch.nn.GRU`` and their variants.

    .. math::

        r &= σ(W_{ir} x + b_{ir} + W_{hr} h + b_{hr}) \\
        z &= σ(W_{iz} x + b_{iz} + W_{hz} h + b_{hz}) \\
        n &= a(W_{in} x + b_{in} + r ⊙ (W_{hn} h + b_{hn})) \\
        h' &= (1 - z) ⊙ n + z ⊙ h

    and with the reset gate before the product

    .. math:: n = a(W_{in} x + b_{in} + W_{hn} (r ⊙ h) + b_{hn})

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias
        As for `LSTM`.
    weights : mapping of str to ndarray, optional
        Named as those of `LSTM`, with three gates in the order r, z, n.
    reset_after : bool
        True: r acts on the product, as in PyTorch, in Keras 3 by default and in ONNX with
        ``linear_before_reset`` 1. False: on what goes into it, as in the paper, in Keras 3 with
        ``reset_after=False`` (whose one bias is :math:`b_{in} + b_{hn}`) and in ONNX by default.
    candidate : {"tanh", "relu"}
        a: tanh, or max(., 0) as in RNNoise (Valin 2018) and light GRUs (Ravanelli et al. 2018).
    gate_slope : float
        Not 0: r and z are hard sigmoids, as for `LSTM`.
    bidirectional, dropout
        As for `LSTM`.
    precision, seed
        As for `LSTM`.

    Examples
    --------
    >>> GRU(40, 64, num_layers=2, candidate="relu", seed=0)
    GRU(input_size=40, hidden_size=64, num_layers=2, bias=True, reset_after=True, candidate='relu')
    """

    kind = "gru"
    gates = 3
    streams = True
    precisions = PRECISIONS
    settings = MappingProxyType(
        {
            "input_size": SIZE,
            "hidden_size": SIZE,
            "num_layers": SIZE,
            "bias": FLAG,
            "reset_after": FLAG,
            "candidate": choice_of(CANDIDATES),
            "gate_slope": NUMBER,
        }
    )
    later_settings = MappingProxyType({"gate_slope": 0.0})

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        reset_after: bool = True,
        candidate: Candidate = "tanh",
        gate_slope: float = 0.0,
        bidirectional: bool = False,
        dropout: float = 0.0,
        precision: Precision = "float32",
        seed: int | None = None,
    ) -> None:
        self._size(input_size, hidden_size, num_layers, bias, bidirectional, dropout)
        self.reset_after = flag("reset_after", reset_after)
        self.candidate = choice("candidate", candidate, CANDIDATES)
        self.gate_slope = slope_of_gates(gate_slope)
        self.precision = precision
        self._take(weights, self.hidden_size, seed)

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: those of the candidate."""
        return (0.0, math.inf) if self.candidate == "relu" else (-1.0, 1.0)

    @property
    def cell(self) -> str:
        """The name of the cell in the kernels of bulk passes."""
        return f"gru_{'after' if self.reset_after else 'before'}_{self.candidate}"
