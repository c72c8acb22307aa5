r"""The plain recurrent layer of Elman [1]_, as ``torch.nn.RNN`` has it.

References
----------
.. [1] J. L. Elman. Finding Structure in Time. Cognitive Science 14(2), 1990, 179-211.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array, relu, tanh
from pylstm.reference.recurrent_stack import Gates, Weights, stack, stack_layer


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


def rnn(
    x: ArrayLike,
    weights: Weights,
    num_layers: int = 1,
    state: ArrayLike | None = None,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
    dtype: DTypeLike = np.float64,
    *,
    bidirectional: bool = False,
    lengths: ArrayLike | None = None,
) -> tuple[Array, Array, list[Gates]]:
    """A stack of plain recurrent layers over whole sequences: `rnn_step`, again and again.

    Parameters
    ----------
    x, num_layers, dtype, bidirectional, lengths
        As for `lstm`.
    weights : mapping
        As for `lstm`, without a projection, with H rows.
    state : (S, H) or (S, B, H), optional
        None: zeros.
    nonlinearity : {"tanh", "relu"}

    Returns
    -------
    outputs : (T, H) or (T, B, H), 2H in two directions
    state : (S, H) or (S, B, H)
    trace : list of dict
        As of `lstm`: ``"a"``, what went into the nonlinearity, and ``"h"``.

    Examples
    --------
    A sum of what came so far, in both directions:

    >>> names = [f"weight_{of}_l0{end}" for of in ("ih", "hh") for end in ("", "_reverse")]
    >>> ones = {name: [[1.0]] for name in names}
    >>> rnn([[1.0], [2.0], [4.0]], ones, nonlinearity="relu", bidirectional=True)[0]
    array([[1., 7.],
           [3., 6.],
           [7., 4.]])
    """
    step = partial(rnn_step, nonlinearity=nonlinearity)
    widths = {"h": np.shape(weights["weight_hh_l0"])[1]}
    return stack(step, x, weights, widths, num_layers, state, dtype, bidirectional, lengths)


def layer(x: ArrayLike, settings: Mapping[str, Any], **given: Any) -> Any:
    """`rnn` for `pylstm.reference.layers.LAYERS`."""
    run = partial(rnn, nonlinearity=settings.get("nonlinearity", "tanh"))
    return stack_layer(run, x, settings, **given)
