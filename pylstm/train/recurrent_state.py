"""State of a network: what truncated back-propagation carries on from batch to batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.bulk.states import State, check_state
from pylstm.layers import Layer

__all__ = ["carried", "check_states", "joined"]


def carried(state: Any, rows: NDArray[np.int64] | None) -> Any:
    """The state that a batch begins with.

    Parameters
    ----------
    state : nest of lists, tuples, None and arrays of shape (..., B, H)
        What the batch before ended with; None: there was none.
    rows : array, shape (B',), int, or None
        For each row of the batch, the row of the one before that it carries on from; -1: it begins
        anew. None: all begin anew.

    Returns
    -------
    the same nest, arrays of shape (..., B', H); or None, if all begin anew

    Raises
    ------
    ValueError
        A row carries on from one that is not there.

    Examples
    --------
    >>> state = [np.array([[1.0], [2.0]], np.float32), None]
    >>> carried(state, np.array([1, -1, 0]))
    [array([[2.], [0.], [1.]], dtype=float32), None]
    """
    if rows is None or not (rows >= 0).any():
        return None
    if state is None:
        raise ValueError("the first batch carries on from a batch before it: there is none")
    return _taken(state, np.asarray(rows))


def _taken(state: Any, rows: NDArray[np.int64]) -> Any:
    if state is None:
        return None
    if isinstance(state, np.ndarray):
        if rows.max() >= state.shape[-2]:
            raise ValueError(
                f"a row carries on from row {rows.max()} of the batch before,"
                f" which has {number_of(state.shape[-2], 'row')}"
            )
        taken = state.take(np.maximum(rows, 0), axis=-2)
        taken[..., rows < 0, :] = 0
        return taken
    parts = [_taken(part, rows) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)


def check_states(
    name: str, layers: Sequence[Layer], states: Any, batch: int, finite: bool = True
) -> list[State | None]:
    """The parts of a state for each layer, None where there is none, or an error.

    Parameters
    ----------
    name : str
        What the messages call it.
    layers : sequence of Layer
    states : list or None
        One entry a layer, as `Network.forward` gives them; None: zeros.
    batch : int
    finite : bool
        Whether NaN and infinity are refused.
    """
    if states is None:
        return [None] * len(layers)
    if not isinstance(states, list | tuple) or len(states) != len(layers):
        came = type(states).__name__
        came += f" of {len(states)}" if isinstance(states, list | tuple) else ""
        raise ValueError(f"{name} is {came}; expected a list of {len(layers)}, one entry a layer")
    found: list[State | None] = []
    for place, (layer, state) in enumerate(zip(layers, states, strict=True)):
        own = f"{name}[{place}]"
        if state is None:
            found.append(None)
        elif layer.state_shapes:
            found.append(check_state(own, layer.state_shapes, state, batch, finite=finite))
        else:
            raise ValueError(
                f"{own} is {type(state).__name__}; expected None: layers[{place}],"
                f" {type(layer).__name__}, remembers nothing"
            )
    return found


def joined(parts: list[tuple[Any, list[State]]], batch: int) -> list[State]:
    """The states of some of the sequences each, with which these are, as one of the batch."""
    whole_batch: list[State] = []
    for place, first in enumerate(parts[0][1]):
        whole = tuple(np.empty((part.shape[0], batch, part.shape[2]), np.float32) for part in first)
        for sequences, states in parts:
            for target, part in zip(whole, states[place], strict=True):
                target[:, sequences] = part
        whole_batch.append(whole)
    return whole_batch
