r"""Activations, one step of each recurrent cell, and the dense layer.

The LSTM is the one of Hochreiter and Schmidhuber [1]_ with the forget gate of Gers, Schmidhuber and
Cummins [2]_, without peepholes, written the way ``torch.nn.LSTM`` (PyTorch 2.13) writes it: two
biases, and gate rows in the order i, f, g, o. Its projection is that of Sak, Senior and Beaufays
[3]_. The GRU is the one of Cho et al. [4]_ with the reset gate after the product, as
``torch.nn.GRU`` has it; the plain recurrent cell is Elman's [5]_. `pylstm.reference.sequences` runs
them over sequences.

References
----------
.. [1] S. Hochreiter, J. Schmidhuber. Long Short-Term Memory. Neural Computation 9(8), 1997,
   1735-1780.
.. [2] F. A. Gers, J. Schmidhuber, F. Cummins. Learning to Forget: Continual Prediction with LSTM.
   Neural Computation 12(10), 2000, 2451-2471.
.. [3] H. Sak, A. Senior, F. Beaufays. Long Short-Term Memory Recurrent Neural Network Architectures
   for Large Scale Acoustic Modeling. Interspeech 2014, 338-342.
.. [4] K. Cho et al. Learning Phrase Representations using RNN Encoder-Decoder for Statistical
   Machine Translation. EMNLP 2014, 1724-1734.
.. [5] J. L. Elman. Finding Structure in Time. Cognitive Science 14(2), 1990, 179-211.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[np.floating]
Gates = dict[str, Array]


def sigmoid(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Logistic function.

    .. math:: σ(x) = \frac{1}{1 + e^{-x}} = \frac{e^{x}}{1 + e^{x}}

    The first form is used for x >= 0 and the second for x < 0, so that the exponential never
    overflows.

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    x = np.asarray(x, dtype)
    e = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, 1 / (1 + e), e / (1 + e))
    return y


def tanh(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Hyperbolic tangent.

    .. math:: \tanh(x) = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}} = 2σ(2x) - 1

    Examples
    --------
    >>> tanh([-1000.0, 0.0, 1000.0])
    array([-1.,  0.,  1.])
    """
    y: Array = np.tanh(np.asarray(x, dtype))
    return y


def relu(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Rectified linear unit.

    .. math:: \mathrm{relu}(x) = \max(x, 0)

    Examples
    --------
    >>> relu([-2.0, 0.0, 3.0])
    array([0., 0., 3.])
    """
    y: Array = np.maximum(np.asarray(x, dtype), 0)
    return y


def softmax(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    r"""Softmax over the last axis.

    .. math:: \mathrm{softmax}(x)_k = \frac{e^{x_k - m}}{\sum_j e^{x_j - m}}, \qquad m = \max_j x_j

    Subtracting the maximum changes nothing in exact arithmetic and keeps the exponentials at or
    below 1.

    Examples
    --------
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    x = np.asarray(x, dtype)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    y: Array = e / e.sum(axis=-1, keepdims=True)
    return y


def _linear(x: ArrayLike, dtype: DTypeLike = np.float64) -> Array:
    return np.asarray(x, dtype)


ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "linear": _linear,
    "relu": relu,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "tanh": tanh,
}


def lstm_step(
    x: ArrayLike,
    h: ArrayLike,
    c: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike | None = None,
    bias_hh: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    weight_hr: ArrayLike | None = None,
) -> tuple[Array, Array, Gates]:
    r"""One step of one LSTM layer.

    .. math::

        i &= σ(W_{ii} x + b_{ii} + W_{hi} h + b_{hi}) \\
        f &= σ(W_{if} x + b_{if} + W_{hf} h + b_{hf}) \\
        g &= \tanh(W_{ig} x + b_{ig} + W_{hg} h + b_{hg}) \\
        o &= σ(W_{io} x + b_{io} + W_{ho} h + b_{ho}) \\
        c' &= f ⊙ c + i ⊙ g \\
        h' &= o ⊙ \tanh(c') \quad\text{or, projected,}\quad h' = W_{hr} (o ⊙ \tanh(c'))

    The forget gate f says how much of the long-term memory c to keep, the input gate i how much of
    the candidate g to add, the output gate o how much of the result to show. c is never multiplied
    by a weight matrix; h, the short-term memory, is the output.

    Parameters
    ----------
    x : (I,)
        Input of this step.
    h : (P,)
        Hidden state before it; P is H unless there is a projection.
    c : (H,)
        Cell state before it.
    weight_ih : (4H, I)
        :math:`W_{ii}, W_{if}, W_{ig}, W_{io}` below each other.
    weight_hh : (4H, P)
        :math:`W_{hi}, W_{hf}, W_{hg}, W_{ho}` below each other.
    bias_ih, bias_hh : (4H,), optional
        The two biases, in the same order. None: zero.
    dtype : dtype
        In which everything is computed.
    weight_hr : (P, H), optional
        The projection. None: there is none.

    Returns
    -------
    h, c : (P,), (H,)
        Hidden and cell state after the step.
    gates : dict
        The activated ``"i"``, ``"f"``, ``"g"`` and ``"o"``, each (H,).

    Examples
    --------
    With all weights zero every gate is half open and the candidate is zero: half of the memory
    stays.

    >>> h, c, gates = lstm_step([1.0], [0.0], [0.8], np.zeros((4, 1)), np.zeros((4, 1)))
    >>> c, gates["f"], gates["g"]
    (array([0.4]), array([0.5]), array([0.]))
    >>> bool(h[0] == 0.5 * np.tanh(0.4))
    True
    """
    x, h, c = (np.asarray(value, dtype) for value in (x, h, c))
    z = np.asarray(weight_ih, dtype) @ x + np.asarray(weight_hh, dtype) @ h
    for bias in (bias_ih, bias_hh):
        if bias is not None:
            z = z + np.asarray(bias, dtype)
    z_i, z_f, z_g, z_o = np.split(z, 4)
    i, f, o = (sigmoid(part, dtype) for part in (z_i, z_f, z_o))
    g = tanh(z_g, dtype)
    c_next: Array = f * c + i * g
    h_next: Array = o * tanh(c_next, dtype)
    if weight_hr is not None:
        h_next = np.asarray(weight_hr, dtype) @ h_next
    return h_next, c_next, {"i": i, "f": f, "g": g, "o": o}


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


def rnn_step(
    x: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike | None = None,
    bias_hh: ArrayLike | None = None,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
    dtype: DTypeLike = np.float64,
) -> tuple[Array, Gates]:
    r"""One step of one plain recurrent layer.

    .. math:: a = W_{ih} x + b_{ih} + W_{hh} h + b_{hh}, \qquad h' = \tanh(a)
        \quad\text{or}\quad h' = \max(a, 0)

    Parameters
    ----------
    x, dtype
        As for `lstm_step`.
    h : (H,)
        State before it.
    weight_ih, weight_hh : (H, I), (H, H)
    bias_ih, bias_hh : (H,), optional
        None: zero.
    nonlinearity : {"tanh", "relu"}

    Returns
    -------
    h : (H,)
        State after the step.
    sums : dict
        ``"a"``: what went into the nonlinearity, (H,).

    Examples
    --------
    >>> h, sums = rnn_step([1.0], [1.0], [[2.0]], [[-3.0]], nonlinearity="relu")
    >>> h, sums["a"]
    (array([0.]), array([-1.]))
    """
    a = np.asarray(weight_ih, dtype) @ np.asarray(x, dtype)
    a = a + np.asarray(weight_hh, dtype) @ np.asarray(h, dtype)
    for bias in (bias_ih, bias_hh):
        if bias is not None:
            a = a + np.asarray(bias, dtype)
    return {"tanh": tanh, "relu": relu}[nonlinearity](a, dtype), {"a": a}


def dense(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    activation: Literal["linear", "sigmoid", "tanh", "relu", "softmax"] = "linear",
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""A fully connected layer, the same for every step: ``torch.nn.Linear`` and an activation.

    .. math:: y_t = a(W x_t + b)

    Parameters
    ----------
    x : (T, I)
    weight : (O, I)
    bias : (O,), optional
    activation : {"linear", "sigmoid", "tanh", "relu", "softmax"}
        Softmax runs over the O outputs of a step.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    (T, O)

    Examples
    --------
    >>> dense([[1.0, 2.0]], [[3.0, -4.0]], [5.0])
    array([[0.]])
    >>> dense([[1.0, 2.0]], [[3.0, -4.0]], [4.0], activation="relu")
    array([[0.]])
    """
    z = np.asarray(x, dtype) @ np.asarray(weight, dtype).T
    if bias is not None:
        z = z + np.asarray(bias, dtype)
    return ACTIVATIONS[activation](z, dtype)
