r"""Stacks of cells over whole sequences, as PyTorch defines them.

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
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array, hard_sigmoid, sigmoid

Gates = dict[str, Array]
Weights = Mapping[str, ArrayLike]


def opened(x: Array, slope: float, dtype: DTypeLike) -> Array:
    """How far a gate is open: σ(x), or a hard sigmoid of that slope; 0: σ."""
    return hard_sigmoid(x, slope, 0.5, dtype) if slope else sigmoid(x, dtype)


def from_corners(x: Array, slope: float) -> Array:
    """How far the sum of a hard gate is from where it is closed or open."""
    return np.abs(x) - 0.5 / slope


def stack(
    step: Callable[..., tuple[Any, ...]],
    x: ArrayLike,
    weights: Weights,
    widths: Mapping[str, int],
    num_layers: int,
    state: Any,
    dtype: DTypeLike,
    bidirectional: bool,
    lengths: ArrayLike | None,
) -> tuple[Array, Any, list[Gates]]:
    """Outputs, states and traces of a stack: layer by layer, sequence by sequence.

    Parameters
    ----------
    step : callable
        ``step(x, *state, **weights, dtype)``: the parts of the state after it, and a dict of what
        else it shows. Names of weights are without ``_l0``, ``_l0_reverse`` and so on.
    widths : mapping of str to int
        The parts of a state, in order, and their widths. The first is what comes out.
    x, weights, num_layers, state, dtype, bidirectional, lengths
        As for `pylstm.reference.lstm`; a state of one part is an array.
    """
    x = np.asarray(x, dtype)
    given = (state,) if state is not None and len(widths) == 1 else state
    single = x.ndim == 2
    if single:
        x = x[:, None]
        given = None if given is None else tuple(np.asarray(part)[:, None] for part in given)
    n_steps, n_sequences = x.shape[:2]
    counts = np.full(n_sequences, n_steps) if lengths is None else np.reshape(lengths, -1)
    suffixes = ("", "_reverse") if bidirectional else ("",)
    if given is None:
        places = num_layers * len(suffixes)
        ends = tuple(np.zeros((places, n_sequences, width), dtype) for width in widths.values())
    else:
        ends = tuple(np.array(part, dtype) for part in given)
    trace: list[Gates] = []
    for k in range(num_layers):
        for suffix in suffixes:
            place, end = len(trace), f"_l{k}{suffix}"
            own = {n.removesuffix(end): w for n, w in weights.items() if n.endswith(end)}
            own_step = partial(step, dtype=dtype, **own)
            rows = {n: np.zeros((n_steps, n_sequences, w), dtype) for n, w in widths.items()}
            for b in range(n_sequences):
                steps = range(counts[b])
                for t in reversed(steps) if suffix else steps:
                    *after, gates = own_step(x[t, b], *(part[place, b] for part in ends))
                    for part, value in zip(ends, after, strict=True):
                        part[place, b] = value
                    for name, value in (gates | dict(zip(widths, after, strict=True))).items():
                        if name not in rows:
                            rows[name] = np.zeros((n_steps, n_sequences, len(value)), dtype)
                        rows[name][t, b] = value
            trace.append(rows)
        outputs = [rows[next(iter(widths))] for rows in trace[-len(suffixes) :]]
        x = np.concatenate(outputs, axis=2)
    if single:
        x, ends = x[:, 0], tuple(part[:, 0] for part in ends)
        trace = [{name: rows[:, 0] for name, rows in shown.items()} for shown in trace]
    return x, ends if len(ends) > 1 else ends[0], trace


def stack_layer(
    run: Callable[..., tuple[Array, Any, list[Gates]]],
    x: ArrayLike,
    settings: Mapping[str, Any],
    **given: Any,
) -> tuple[Array, Any, list[Gates]]:
    """`run`, a function as `pylstm.reference.lstm`, with the settings of a layer."""
    num_layers, bidirectional = settings.get("num_layers", 1), settings.get("bidirectional", False)
    return run(x, settings["weights"], int(num_layers), bidirectional=bidirectional, **given)
