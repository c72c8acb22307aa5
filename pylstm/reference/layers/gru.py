r"""The GRU of Cho et al. [1]_, with the reset gate after the product, as ``torch.nn.GRU`` has it.

References
----------
.. [1] K. Cho et al. Learning Phrase Representations using RNN Encoder-Decoder for Statistical
   Machine Translation. EMNLP 2014, 1724-1734.
"""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array, sigmoid, tanh
from pylstm.reference.recurrent_stack import Gates, Weights, stack, stack_layer


def gru_step(
    x: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike | None = None,
    bias_hh: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
) -> tuple[Array, Gates]:
    r"""One step of one GRU layer.

    .. math::

        r &= σ(W_{ir} x + b_{ir} + W_{hr} h + b_{hr}) \\
        z &= σ(W_{iz} x + b_{iz} + W_{hz} h + b_{hz}) \\
        n &= \tanh(W_{in} x + b_{in} + r ⊙ (W_{hn} h + b_{hn})) \\
        h' &= (1 - z) ⊙ n + z ⊙ h

    The update gate z says how much of h to keep, the reset gate r how much of it the candidate n is
    to see. r stands outside the product, so that the two biases of n are not the same thing twice.

    Parameters
    ----------
    x, dtype
        As for `lstm_step`.
    h : (H,)
        State before it.
    weight_ih : (3H, I)
        :math:`W_{ir}, W_{iz}, W_{in}` below each other.
    weight_hh : (3H, H)
        :math:`W_{hr}, W_{hz}, W_{hn}` below each other.
    bias_ih, bias_hh : (3H,), optional
        The two biases, in the same order. None: zero.

    Returns
    -------
    h : (H,)
        State after the step.
    gates : dict
        The activated ``"r"``, ``"z"`` and ``"n"``, each (H,).

    Examples
    --------
    With all weights zero the update gate is half open and the candidate is zero: half of the state
    stays.

    >>> h, gates = gru_step([1.0], [0.8], np.zeros((3, 1)), np.zeros((3, 1)))
    >>> h, gates["z"], gates["n"]
    (array([0.4]), array([0.5]), array([0.]))
    """
    x, h = np.asarray(x, dtype), np.asarray(h, dtype)
    from_x = np.asarray(weight_ih, dtype) @ x
    from_h = np.asarray(weight_hh, dtype) @ h
    if bias_ih is not None:
        from_x = from_x + np.asarray(bias_ih, dtype)
    if bias_hh is not None:
        from_h = from_h + np.asarray(bias_hh, dtype)
    (x_r, x_z, x_n), (h_r, h_z, h_n) = np.split(from_x, 3), np.split(from_h, 3)
    r = sigmoid(x_r + h_r, dtype)
    z = sigmoid(x_z + h_z, dtype)
    n = tanh(x_n + r * h_n, dtype)
    h_next: Array = (1 - z) * n + z * h
    return h_next, {"r": r, "z": z, "n": n}


def gru(
    x: ArrayLike,
    weights: Weights,
    num_layers: int = 1,
    state: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    *,
    bidirectional: bool = False,
    lengths: ArrayLike | None = None,
) -> tuple[Array, Array, list[Gates]]:
    """A stack of GRU layers over whole sequences: `gru_step`, again and again.

    Parameters
    ----------
    x, num_layers, dtype, bidirectional, lengths
        As for `lstm`.
    weights : mapping
        As for `lstm`, without a projection, with 3H rows in the order r, z, n.
    state : (S, H) or (S, B, H), optional
        None: zeros.

    Returns
    -------
    outputs : (T, H) or (T, B, H), 2H in two directions
    state : (S, H) or (S, B, H)
    trace : list of dict
        As of `lstm`: ``"r"``, ``"z"``, ``"n"`` and ``"h"``.

    Examples
    --------
    >>> weights = {"weight_ih_l0": np.zeros((3, 1)), "weight_hh_l0": np.zeros((3, 1))}
    >>> gru([[7.0], [7.0]], weights, state=[[0.8]])[0]
    array([[0.4],
           [0.2]])
    """
    widths = {"h": np.shape(weights["weight_hh_l0"])[1]}
    return stack(gru_step, x, weights, widths, num_layers, state, dtype, bidirectional, lengths)


layer = partial(stack_layer, gru)
