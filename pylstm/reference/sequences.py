r"""Stacks of recurrent layers over whole sequences: LSTM, GRU and RNN, as PyTorch defines them.

With a cell that makes a state :math:`s_t^{(k)}` (h, or h and c) from an input and the state before
it, layer k of a stack in one direction is

.. math::

    s_t^{(k)} = \mathrm{step}_k(x_t^{(k)}, s_{t-1}^{(k)}), \qquad
    x_t^{(0)} = x_t, \quad x_t^{(k)} = h_t^{(k-1)}

and in two directions, with weights of its own for each and a sequence of n steps,

.. math::

    \overrightarrow{s}_t &= \mathrm{step}(x_t, \overrightarrow{s}_{t-1}), \quad t = 0, 1, …, n-1 \\
    \overleftarrow{s}_t &= \mathrm{step}(x_t, \overleftarrow{s}_{t+1}), \quad t = n-1, …, 1, 0 \\
    x_t^{(k+1)} &= [\overrightarrow{h}_t, \overleftarrow{h}_t]

(Schuster and Paliwal 1997). The outputs are what a layer above the last one would take. States
stand in PyTorch's order: layer 0 forward, layer 0 backward, layer 1 forward, and so on.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.cells import Array, Gates, gru_step, lstm_step, rnn_step

Weights = Mapping[str, ArrayLike]
State = tuple[Array, ...]
Step = Callable[[Array, State, Weights], tuple[State, Gates]]
"""A step: the input, the state before it and the layer's own weights make the state after it."""

PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


def lstm(
    x: ArrayLike,
    weights: Weights,
    num_layers: int = 1,
    state: tuple[ArrayLike, ArrayLike] | None = None,
    dtype: DTypeLike = np.float64,
    *,
    bidirectional: bool = False,
    lengths: ArrayLike | None = None,
) -> tuple[Array, tuple[Array, Array], list[Gates]]:
    r"""A stack of LSTM layers over whole sequences: `lstm_step`, again and again.

    Parameters
    ----------
    x : (T, I) or (T, B, I)
        One row per step, of one sequence or of B independent sequences.
    weights : mapping
        PyTorch's names: ``weight_ih_l{k}`` (4H, I for k = 0, else what the layer below gives),
        ``weight_hh_l{k}`` (4H, P), and ``bias_ih_l{k}``, ``bias_hh_l{k}`` (4H) and the projection
        ``weight_hr_l{k}`` (P, H), which may be absent: P is H then. In the backward direction the
        names end in ``_reverse``.
    num_layers : int
        Layers on top of each other.
    state : (h, c), optional
        (S, P) and (S, H), or (S, B, P) and (S, B, H), with S = num_layers, twice that in two
        directions. None: zeros.
    dtype : dtype
        In which everything is computed.
    bidirectional : bool
        Whether every layer runs in both directions.
    lengths : (B,) of int, optional
        How many steps of each sequence are there. None: all.

    Returns
    -------
    outputs : (T, P) or (T, B, P), 2P in two directions
        0 past the lengths.
    state : (h, c)
        After each sequence's last step, in the backward direction its first; shaped as above.
    trace : list of dict
        Per layer and direction ``"i"``, ``"f"``, ``"g"``, ``"o"``, ``"c"`` and ``"h"`` after every
        step, each (T, H) or (T, B, H), h (T, P) or (T, B, P); 0 past the lengths.

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

    def step(x_t: Array, before: State, own: Mapping[str, Any]) -> tuple[State, Gates]:
        h, c, gates = lstm_step(x_t, before[0], before[1], dtype=dtype, **own)
        return (h, c), gates | {"c": c}

    hidden_size = np.shape(weights["weight_hh_l0"])[0] // 4
    widths = (np.shape(weights["weight_hh_l0"])[1], hidden_size)
    outputs, (h, c), trace = _stack(
        step, x, weights, num_layers, state, widths, bidirectional, lengths, dtype
    )
    return outputs, (h, c), trace


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

    def step(x_t: Array, before: State, own: Mapping[str, Any]) -> tuple[State, Gates]:
        h, gates = gru_step(x_t, before[0], dtype=dtype, **own)
        return (h,), gates

    widths = (np.shape(weights["weight_hh_l0"])[1],)
    given = None if state is None else (state,)
    outputs, (h,), trace = _stack(
        step, x, weights, num_layers, given, widths, bidirectional, lengths, dtype
    )
    return outputs, h, trace


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

    >>> ones = {name + end: [[1.0]] for name in PARTS[:2] for end in ("_l0", "_l0_reverse")}
    >>> rnn([[1.0], [2.0], [4.0]], ones, nonlinearity="relu", bidirectional=True)[0]
    array([[1., 7.],
           [3., 6.],
           [7., 4.]])
    """

    def step(x_t: Array, before: State, own: Mapping[str, Any]) -> tuple[State, Gates]:
        h, sums = rnn_step(x_t, before[0], nonlinearity=nonlinearity, dtype=dtype, **own)
        return (h,), sums

    widths = (np.shape(weights["weight_hh_l0"])[1],)
    given = None if state is None else (state,)
    outputs, (h,), trace = _stack(
        step, x, weights, num_layers, given, widths, bidirectional, lengths, dtype
    )
    return outputs, h, trace


def _stack(
    step: Step,
    x: ArrayLike,
    weights: Weights,
    num_layers: int,
    state: Any,
    widths: tuple[int, ...],
    bidirectional: bool,
    lengths: ArrayLike | None,
    dtype: DTypeLike,
) -> tuple[Array, State, list[Gates]]:
    """Outputs, states and traces of a stack: sequence by sequence, layer by layer."""
    x = np.asarray(x, dtype)
    if x.ndim == 2:
        given = None if state is None else tuple(np.asarray(part)[:, None] for part in state)
        only = None if lengths is None else np.reshape(lengths, 1)
        outputs, ends, trace = _stack(
            step, x[:, None], weights, num_layers, given, widths, bidirectional, only, dtype
        )
        single = [{name: rows[:, 0] for name, rows in traced.items()} for traced in trace]
        return outputs[:, 0], tuple(part[:, 0] for part in ends), single
    n_steps, n_sequences = x.shape[:2]
    counts = np.full(n_sequences, n_steps) if lengths is None else np.asarray(lengths)
    suffixes = ("", "_reverse") if bidirectional else ("",)
    n_states = num_layers * len(suffixes)
    if state is None:
        ends = tuple(np.zeros((n_states, n_sequences, width), dtype) for width in widths)
    else:
        ends = tuple(np.array(part, dtype) for part in state)
    trace = []
    for k in range(num_layers):
        for d, suffix in enumerate(suffixes):
            place = k * len(suffixes) + d
            names = {part: f"{part}_l{k}{suffix}" for part in PARTS}
            own = {part: weights[name] for part, name in names.items() if name in weights}
            rows: Gates = {"h": np.zeros((n_steps, n_sequences, widths[0]), dtype)}
            for b in range(n_sequences):
                steps = range(counts[b])
                for t in reversed(steps) if suffix else steps:
                    before = tuple(part[place, b] for part in ends)
                    after, gates = step(x[t, b], before, own)
                    for part, value in zip(ends, after, strict=True):
                        part[place, b] = value
                    for name, value in (gates | {"h": after[0]}).items():
                        if name not in rows:
                            rows[name] = np.zeros((n_steps, n_sequences, len(value)), dtype)
                        rows[name][t, b] = value
            trace.append(rows)
        x = np.concatenate([rows["h"] for rows in trace[-len(suffixes) :]], axis=2)
    return x, ends, trace
