"""Recurrent cells that an ONNX graph writes out as products, sums and functions of a state."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx_layers import LayerGraph, with_columns
from pylstm.convert.onnx_rows import Ids
from pylstm.layers import LSTM, Affine, Dense

__all__ = ["lstm_cell"]

Array = NDArray[np.float64]


class _Sum(NamedTuple):
    """The sum that a gate takes, of hidden_size values."""

    rows: Ids | None
    """Values of rows that are added."""
    state: Ids | None
    """The state that is multiplied by a matrix (values of the state, hidden_size)."""
    matrix: Array | None
    bias: Array


def lstm_cell(graph: LayerGraph, ids: Ids, name: str) -> Ids | None:
    r"""The rows of an LSTM, if values are the h of its cell; None: they are something else.

    .. math:: h' = σ(o) \tanh(c'), \qquad c' = σ(f) c + σ(i) \tanh(g)
    """
    pending, h = graph.pending, ids.ravel()
    shown = _factors(graph, h, "sigmoid", "tanh")
    if shown is None:
        return None
    o, memory = shown
    kept_and_new = pending.of(memory)
    if kept_and_new is None or kept_and_new.kind != "add" or kept_and_new.b is None:
        return None
    for kept, new in (
        (kept_and_new.a, kept_and_new.b),
        (kept_and_new.b, kept_and_new.a),
    ):
        candidate = _factors(graph, new, "sigmoid", "tanh")
        forgotten = _times_state(graph, kept)
        if candidate is not None and forgotten is not None:
            break
    else:
        return None
    (i, g), (f, c) = candidate, forgotten
    sums = [_sum(graph, one) for one in (i, f, g, o)]
    if any(one is None for one in sums):
        return None
    return _layer(graph, [one for one in sums if one is not None], c, memory, ids, name)


def _factors(graph: LayerGraph, ids: Ids, first: str, second: str) -> tuple[Ids, Ids] | None:
    """What two functions take whose product values are."""
    product = graph.pending.of(ids)
    if product is None or product.kind != "mul" or product.b is None:
        return None
    for a, b in ((product.a, product.b), (product.b, product.a)):
        one, other = graph.pending.of(a), graph.pending.of(b)
        if one is not None and other is not None and (one.kind, other.kind) == (first, second):
            return one.a, other.a
    return None


def _times_state(graph: LayerGraph, ids: Ids) -> tuple[Ids, Ids] | None:
    """What a sigmoid takes, and the state that it is multiplied by."""
    product = graph.pending.of(ids)
    if product is None or product.kind != "mul" or product.b is None:
        return None
    for a, b in ((product.a, product.b), (product.b, product.a)):
        one = graph.pending.of(a)
        if one is not None and one.kind == "sigmoid" and graph.table.kinds(b) == {"state"}:
            return one.a, b
    return None


def _sum(graph: LayerGraph, ids: Ids) -> _Sum | None:
    """Values as a sum of rows, a product of a state, and constants."""
    none = np.zeros(len(ids))
    if graph.table.kinds(ids) == {"rows"}:
        return _Sum(ids, None, None, none)
    found = graph.pending.of(ids)
    if found is None:
        return None
    if found.kind == "product":
        if graph.table.kinds(found.a) != {"state"} or found.weight is None:
            return None
        return _Sum(None, found.a, found.weight.astype(np.float64), none)
    first = _sum(graph, found.a)
    if first is None:
        return None
    if found.kind == "affine" and found.bias is not None and np.all(found.weight == 1):
        return first._replace(bias=first.bias + found.bias)
    if found.kind != "add" or found.b is None:
        return None
    second = _sum(graph, found.b)
    if second is None:
        return None
    if first.rows is not None and second.rows is not None:
        return None
    if first.state is not None and second.state is not None:
        return None
    return _Sum(
        first.rows if first.rows is not None else second.rows,
        first.state if first.state is not None else second.state,
        first.matrix if first.matrix is not None else second.matrix,
        first.bias + second.bias,
    )


def _layer(
    graph: LayerGraph, sums: list[_Sum], c: Ids, memory: Ids, ids: Ids, name: str
) -> Ids | None:
    """The layer whose gates take these sums, in the order i, f, g, o."""
    size, h = ids.size, sums[0].state
    if h is None or h.size != size or c.size != size:
        return None
    linear = [_linear(graph, one.rows) for one in sums]
    if any(one is None for one in linear):
        return None
    sources = [one for one in linear if one is not None]
    before = sources[0][0]
    for one, (rows, _, _) in zip(sums, sources, strict=True):
        if rows != before or one.state is None or not np.array_equal(one.state, h):
            return None
    bias = np.concatenate([one.bias + own for one, (_, _, own) in zip(sums, sources, strict=True)])
    recurrent = [one.matrix.T for one in sums if one.matrix is not None]
    weights = {
        "weight_ih_l0": np.concatenate([matrix for _, matrix, _ in sources]).astype(np.float32),
        "weight_hh_l0": np.concatenate(recurrent).astype(np.float32),
        "bias_ih_l0": bias.astype(np.float32),
        "bias_hh_l0": np.zeros(4 * size, np.float32),
    }
    new = graph.add(LSTM(before.width, size, weights=weights), [before], name)
    last = new.ids()[-1]
    graph.carried += [(h, last), (c.ravel(), memory.ravel())]
    return last.reshape(ids.shape)


def _linear(graph: LayerGraph, ids: Ids | None) -> tuple[Any, Array, Array] | None:
    """Rows, and the matrix and bias that make values of them."""
    if ids is None:
        return None
    owners = graph.table.owners(ids)
    if len(owners) != 1:
        return None
    columns = graph.table.columns(ids)[2].ravel()
    layer, *inputs = graph.layers.get(owners[0].name, (None,))
    scale, shift = np.ones(len(columns)), np.zeros(len(columns))
    if isinstance(layer, Affine) and layer.per == "element" and inputs[0] in graph.layers:
        scale = layer.weights["weight"][columns].astype(np.float64)
        shift = layer.weights["bias"][columns].astype(np.float64) if layer.bias else shift
        layer, *inputs = graph.layers[inputs[0]]
    if not isinstance(layer, Dense) or layer.activation != "linear":
        identity = with_columns(np.eye(len(columns), dtype=np.float32), columns, owners[0].width)
        return owners[0], identity.astype(np.float64), np.zeros(len(columns))
    before = graph.rows_of(inputs[0])
    matrix = layer.weights["weight"][columns].astype(np.float64) * scale[:, None]
    own = layer.weights["bias"][columns].astype(np.float64) if layer.bias else 0.0
    return before, matrix, own * scale + shift
