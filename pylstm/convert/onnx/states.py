"""States of an ONNX graph: inputs whose values come back as outputs, hidden inside of a stream."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pylstm.convert.onnx.layers import LayerGraph
from pylstm.convert.onnx.operators import Tensor, Value
from pylstm.convert.onnx.rows import Ids, Rows

__all__ = ["matched_states"]

UNSET = -1


def matched_states(
    graph: LayerGraph,
    states: Mapping[str, Rows],
    shapes: Mapping[str, tuple[int, ...]],
    outputs: Mapping[str, Value],
) -> dict[str, str]:
    """The output that brings the new value of each state, by the name of its input.

    Raises
    ------
    ValueError
        A state does not come back, or as something else.
    """
    found: dict[str, str] = {}
    for name, rows in states.items():
        wanted = _wanted(graph, name, rows)
        used = wanted != UNSET
        if not used.any():
            graph.note(f"The input {name} changes nothing that is used and is left out.")
            continue
        for output, value in outputs.items():
            if not isinstance(value, Tensor) or value.ids.shape != shapes[name]:
                continue
            same = np.array_equal(value.ids.ravel()[used], wanted[used])
            if same and output not in found.values():
                found[name] = output
                break
        else:
            raise ValueError(
                f"input {name!r} is a state that no output brings back;"
                " expected an output of the same shape with the state after the run, or"
                f" constants={{{name!r}: zeros}}, with which it begins anew"
            )
    return found


def _wanted(graph: LayerGraph, name: str, rows: Rows) -> Ids:
    """What each value of a state has to be after a run; of those that nobody takes, UNSET."""
    wanted = np.full(rows.width, UNSET, np.int64)
    for begin, end in graph.carried:
        own = (begin >= rows.base) & (begin < rows.base + rows.width)
        places, after = begin[own] - rows.base, end[own]
        taken = wanted[places]
        if ((taken != UNSET) & (taken != after)).any():
            raise ValueError(f"input {name!r} stands for two states; expected an input for each")
        wanted[places] = after
    return wanted
