r"""Activations, the LSTM and the dense layer.

The LSTM is the one of Hochreiter and Schmidhuber [1]_ with the forget gate of Gers, Schmidhuber and
Cummins [2]_, without peepholes, written the way ``torch.nn.LSTM`` (PyTorch 2.13) writes it: two
biases, and gate rows in the order i, f, g, o.

References
----------
.. [1] S. Hochreiter, J. Schmidhuber. Long Short-Term Memory. Neural Computation 9(8), 1997,
   1735-1780. .. [2] F. A. Gers, J. Schmidhuber, F. Cummins. Learning to Forget: Continual
   Prediction with LSTM. Neural Computation 12(10), 2000, 2451-2471.
"""

from collections.abc import Callable, Mapping

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
) -> tuple[Array, Array, Gates]:
    r"""One step of one LSTM layer.

    .. math::

        i &= σ(W_{ii} x + b_{ii} + W_{hi} h + b_{hi}) \\
        f &= σ(W_{if} x + b_{if} + W_{hf} h + b_{hf}) \\
        g &= \tanh(W_{ig} x + b_{ig} + W_{hg} h + b_{hg}) \\
        o &= σ(W_{io} x + b_{io} + W_{ho} h + b_{ho}) \\
        c' &= f ⊙ c + i ⊙ g \\
        h' &= o ⊙ \tanh(c')

    The forget gate f says how much of the long-term memory c to keep, the input gate i how much of
    the candidate g to add, the output gate o how much of the result to show. c is never multiplied
    by a weight matrix; h, the short-term memory, is the output.

    Parameters
    ----------
    x : (I,)
        Input of this step.
    h, c : (H,)
        Hidden and cell state before it.
    weight_ih : (4H, I)
        :math:`W_{ii}, W_{if}, W_{ig}, W_{io}` below each other.
    weight_hh : (4H, H)
        :math:`W_{hi}, W_{hf}, W_{hg}, W_{ho}` below each other.
    bias_ih, bias_hh : (4H,), optional
        The two biases, in the same order. None: zero.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    h, c : (H,)
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
    return h_next, c_next, {"i": i, "f": f, "g": g, "o": o}


def lstm(
    x: ArrayLike,
    weights: Mapping[str, ArrayLike],
    num_layers: int = 1,
    state: tuple[ArrayLike, ArrayLike] | None = None,
    dtype: DTypeLike = np.float64,
) -> tuple[Array, tuple[Array, Array], list[Gates]]:
    r"""A stack of LSTM layers over a whole sequence.

    .. math::

        h_t^{(k)}, c_t^{(k)} &= \mathrm{step}_k(x_t^{(k)}, h_{t-1}^{(k)}, c_{t-1}^{(k)}) \\
        x_t^{(0)} &= x_t, \qquad x_t^{(k)} = h_t^{(k-1)}

    The outputs are the hidden states of the last layer.

    Parameters
    ----------
    x : (T, I)
        One row per step.
    weights : mapping
        PyTorch's names: ``weight_ih_l{k}`` (4H, I for k = 0, else H), ``weight_hh_l{k}`` (4H, H),
        and ``bias_ih_l{k}``,
        ``bias_hh_l{k}`` (4H), which may be absent.
    num_layers : int
        Layers on top of each other.
    state : (h, c), optional
        Each (num_layers, H). None: zeros.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    outputs : (T, H)
    state : (h, c)
        After the last step, each (num_layers, H).
    trace : list of dict
        Per layer ``"i"``, ``"f"``, ``"g"``, ``"o"``, ``"c"`` and ``"h"`` after every step, each (T,
        H).

    Examples
    --------
    >>> weights = {"weight_ih_l0": np.ones((4, 1)), "weight_hh_l0": np.zeros((4, 1))}
    >>> outputs, (h, c), trace = lstm([[0.0], [1.0]], weights)
    >>> outputs.round(4)
    array([[0.    ],
           [0.3696]])
    >>> bool(trace[0]["c"][1] == c[0])
    True
    """
    x = np.asarray(x, dtype)
    hidden_size = np.shape(weights["weight_hh_l0"])[1]
    if state is None:
        h = np.zeros((num_layers, hidden_size), dtype)
        c = np.zeros((num_layers, hidden_size), dtype)
    else:
        h, c = (np.array(part, dtype) for part in state)
    trace = []
    for k in range(num_layers):
        rows: dict[str, list[Array]] = {name: [] for name in "ifgoch"}
        for x_t in x:
            h[k], c[k], gates = lstm_step(
                x_t,
                h[k],
                c[k],
                weights[f"weight_ih_l{k}"],
                weights[f"weight_hh_l{k}"],
                weights.get(f"bias_ih_l{k}"),
                weights.get(f"bias_hh_l{k}"),
                dtype,
            )
            for name, value in (gates | {"c": c[k], "h": h[k]}).items():
                rows[name].append(value.copy())
        trace.append(
            {name: np.array(row, dtype).reshape(len(x), hidden_size) for name, row in rows.items()}
        )
        x = trace[-1]["h"]
    return x, (h, c), trace


def dense(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    activation: str = "linear",
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
