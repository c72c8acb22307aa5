"""The states of layers for the sequences of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.bulk.frames import check_finite, check_float32

__all__ = ["State", "check_state", "state_from_parts"]

State = tuple[NDArray[np.float32], ...]
"""The parts of a state (h, or h and c, or none): each (places, batch, width)."""


def state_from_parts(parts: Iterable[NDArray[np.float32]]) -> Any:
    """A state as callers hold it: None without parts, one array, or a tuple of several."""
    found = tuple(parts)
    if not found:
        return None
    return found[0] if len(found) == 1 else found


def check_state(
    name: str,
    shapes: Mapping[str, tuple[int, int]],
    state: Any,
    batch: int,
    *,
    single: bool = False,
    finite: bool = True,
) -> State:
    """Checks a state and returns its parts, each (places, batch, width).

    Parameters
    ----------
    name : str
        Its name in messages.
    shapes : mapping of str to (int, int)
        Names of the parts that are expected, with places and width of each.
    state : array, or tuple of arrays
        As `state_from_parts` makes it; with `single`, without the axis of the batch.
    batch : int
    single : bool
    finite : bool
        Whether NaN and infinity are refused.
    """
    parts = (state,) if len(shapes) == 1 else state
    if not isinstance(parts, tuple | list) or len(parts) != len(shapes):
        came = type(state).__name__
        came += f" of {len(state)}" if isinstance(state, tuple | list) else ""
        expected = f"({', '.join(shapes)})" if shapes else "None: the layer remembers nothing"
        raise TypeError(f"{name} is {came}; expected {expected}")
    found = []
    for (letter, (places, width)), part in zip(shapes.items(), parts, strict=True):
        shape = (places, width) if single else (places, batch, width)
        check_float32(f"{letter} of {name}", part)
        if part.shape != shape:
            raise ValueError(f"{letter} of {name} has shape {part.shape}; expected {shape}")
        if finite:
            check_finite(f"{letter} of {name}", part)
        found.append(part.reshape(places, batch, width))
    return tuple(found)
