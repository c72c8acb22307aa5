r"""The GRU of Cho et al. [1]_.

The reset gate stands after the product, as in ``torch.nn.GRU``, in Keras 3 (``reset_after=True``)
and in ONNX (``linear_before_reset`` 1), or before it, as in the paper, in Keras 3
(``reset_after=False``) and in ONNX (``linear_before_reset`` 0). The candidate's activation is tanh,
or the ReLU of the light GRU of Ravanelli et al. [2]_ and of RNNoise [3]_.

References
----------
.. [1] K. Cho et al. Learning Phrase Representations using RNN Encoder-Decoder for Statistical
   Machine Translation. EMNLP 2014, 1724-1734.
.. [2] M. Ravanelli, P. Brakel, M. Omologo, Y. Bengio. Light Gated Recurrent Units for Speech
   Recognition. IEEE Transactions on Emerging Topics in Computational Intelligence 2(2), 2018,
   92-102.
.. [3] J.-M. Valin. A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement.
   MMSP 2018.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array, relu, tanh
from pylstm.reference.recurrent_stack import (
    Gates,
    Weights,
    from_corners,
    opened,
    stack,
    stack_layer,
)


def gru_step(
    x: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike | None = None,
    bias_hh: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    *,
    reset_after: bool = True,
    candidate: Literal["tanh", "relu"] = "tanh",
    gate_slope: float = 0.0,
) -> tuple[Array, Gates]:
    r"""One step of one GRU layer.

    .. math::

        r &= σ(W_{ir} x + b_{ir} + W_{hr} h + b_{hr}) \\
        z &= σ(W_{iz} x + b_{iz} + W_{hz} h + b_{hz}) \\
        n &= a(W_{in} x + b_{in} + r ⊙ (W_{hn} h + b_{hn})) \quad\text{or, reset before,}\quad
        n = a(W_{in} x + b_{in} + W_{hn} (r ⊙ h) + b_{hn}) \\
        h' &= (1 - z) ⊙ n + z ⊙ h

    The update gate z says how much of h to keep, the reset gate r how much of it the candidate n is
    to see. With r after the product, r acts on :math:`b_{hn}` too, so that the two biases of n are
    not the same thing twice; with r before it they are: Keras has one bias there, ONNX adds both.

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
    reset_after : bool
        Whether r acts on the product of :math:`W_{hn}` or on what goes into it.
    candidate : {"tanh", "relu"}
        a.
    gate_slope : float
        As for `lstm_step`: not 0, r and z are hard sigmoids.

    Returns
    -------
    h : (H,)
        State after the step.
    gates : dict
        The activated ``"r"``, ``"z"`` and ``"n"``, each (H,), and ``"a"``: what went into the
        activation of n, and with hard gates also how far the sums of r and z are from their
        corners.

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
    if bias_ih is not None:
        from_x = from_x + np.asarray(bias_ih, dtype)
    bias = np.zeros(3 * len(h), dtype) if bias_hh is None else np.asarray(bias_hh, dtype)
    x_r, x_z, x_n = np.split(from_x, 3)
    w_r, w_z, w_n = np.split(np.asarray(weight_hh, dtype), 3)
    b_r, b_z, b_n = np.split(bias, 3)
    s_r, s_z = x_r + w_r @ h + b_r, x_z + w_z @ h + b_z
    r, z = opened(s_r, gate_slope, dtype), opened(s_z, gate_slope, dtype)
    a = x_n + (r * (w_n @ h + b_n) if reset_after else w_n @ (r * h) + b_n)
    n = {"tanh": tanh, "relu": relu}[candidate](a, dtype)
    h_next: Array = (1 - z) * n + z * h
    if gate_slope:
        a = np.concatenate([a, from_corners(s_r, gate_slope), from_corners(s_z, gate_slope)])
    return h_next, {"r": r, "z": z, "n": n, "a": a}


def gru(
    x: ArrayLike,
    weights: Weights,
    num_layers: int = 1,
    state: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    *,
    bidirectional: bool = False,
    lengths: ArrayLike | None = None,
    reset_after: bool = True,
    candidate: Literal["tanh", "relu"] = "tanh",
    gate_slope: float = 0.0,
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
    reset_after, candidate, gate_slope
        As for `gru_step`.

    Returns
    -------
    outputs : (T, H) or (T, B, H), 2H in two directions
    state : (S, H) or (S, B, H)
    trace : list of dict
        As of `lstm`: ``"r"``, ``"z"``, ``"n"``, ``"a"`` and ``"h"``.

    Examples
    --------
    >>> weights = {"weight_ih_l0": np.zeros((3, 1)), "weight_hh_l0": np.zeros((3, 1))}
    >>> gru([[7.0], [7.0]], weights, state=[[0.8]])[0]
    array([[0.4],
           [0.2]])
    """
    widths = {"h": np.shape(weights["weight_hh_l0"])[1]}
    step = partial(gru_step, reset_after=reset_after, candidate=candidate, gate_slope=gate_slope)
    return stack(step, x, weights, widths, num_layers, state, dtype, bidirectional, lengths)


def layer(x: ArrayLike, settings: Mapping[str, Any], **given: Any) -> Any:
    """`gru` for `pylstm.reference.layers.LAYERS`."""
    run = partial(
        gru,
        reset_after=settings.get("reset_after", True) in (True, "true"),
        candidate=settings.get("candidate", "tanh"),
        gate_slope=float(settings.get("gate_slope", 0)),
    )
    return stack_layer(run, x, settings, **given)
