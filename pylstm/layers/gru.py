"""The GRU."""

from __future__ import annotations

from pylstm.layers.recurrent import Recurrent

__all__ = ["GRU"]


class GRU(Recurrent):
    r"""GRU layers on top of each other, as ``torch.nn.GRU`` (Cho et al. 2014).

    .. math::

        r &= σ(W_{ir} x + b_{ir} + W_{hr} h + b_{hr}) \\
        z &= σ(W_{iz} x + b_{iz} + W_{hz} h + b_{hz}) \\
        n &= \tanh(W_{in} x + b_{in} + r ⊙ (W_{hn} h + b_{hn})) \\
        h' &= (1 - z) ⊙ n + z ⊙ h

    For training and for research: no stream runs it yet.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, bidirectional, dropout
        As for `LSTM`.
    weights : mapping of str to ndarray, optional
        Named as those of `LSTM`, with three gates in the order r, z, n.
    seed : int, optional
        For the draw where there are no weights.

    Examples
    --------
    >>> GRU(40, 64, num_layers=2, dropout=0.1, seed=0)
    GRU(input_size=40, hidden_size=64, num_layers=2, bias=True, dropout=0.1)
    """

    kind = "gru"
    gates = 3
