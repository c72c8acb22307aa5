"""Recurrent cells that an ONNX graph writes out as products, sums and functions of a state."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx.layers import LayerGraph, with_columns
from pylstm.convert.onnx.pending import Pending
from pylstm.convert.onnx.rows import Ids
from pylstm.layers import GRU, LSTM, RNN, Affine, Dense

__all__ = ["gru_cell", "lstm_cell", "rnn_cell"]

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


def gru_cell(graph: LayerGraph, ids: Ids, name: str) -> Ids | None:
    r"""The rows of a GRU, if values are the h of its cell; None: they are something else.

    .. math:: h' = (1 - σ(z)) n + σ(z) h \quad\text{or}\quad (h - n) σ(z) + n
    """
    parts = _mixed(graph, ids.ravel())
    if parts is None:
        return None
    z, n, h = parts
    update, candidate = _sum(graph, z), graph.pending.of(n)
    if update is None or candidate is None or candidate.kind not in ("tanh", "relu"):
        return None
    inner = _reset(graph, candidate.a, h)
    if inner is None:
        return None
    r, rows, product, is_after = inner
    reset = _sum(graph, r)
    sums = [reset, update, rows]
    linear = [None if one is None else _linear(graph, one.rows) for one in sums]
    if any(one is None for one in linear) or reset is None:
        return None
    sources = [one for one in linear if one is not None]
    before, size = sources[0][0], ids.size
    states = [one.state for one in (reset, update)]
    if any(rows != before for rows, _, _ in sources) or h.size != size:
        return None
    if any(one is None or not np.array_equal(one, h) for one in states):
        return None
    matrices = [one.matrix for one in (reset, update, product) if one.matrix is not None]
    zeros = np.zeros(size)
    added = [reset.bias, update.bias, rows.bias]
    bias = [own + one for one, (_, _, own) in zip(added, sources, strict=True)]
    weights = {
        "weight_ih_l0": np.concatenate([matrix for _, matrix, _ in sources]),
        "weight_hh_l0": np.concatenate([matrix.T for matrix in matrices]),
        "bias_ih_l0": np.concatenate(bias),
        "bias_hh_l0": np.concatenate([zeros, zeros, product.bias]),
    }
    layer = GRU(
        before.width,
        size,
        weights={name: one.astype(np.float32) for name, one in weights.items()},
        reset_after=is_after,
        candidate="relu" if candidate.kind == "relu" else "tanh",
    )
    last = graph.add(layer, [before], name).ids()[-1]
    graph.carried.append((h, last))
    return last.reshape(ids.shape)


def rnn_cell(graph: LayerGraph, ids: Ids, name: str) -> Ids | None:
    r"""The rows of an RNN, if values are the h of its cell; None: they are something else.

    .. math:: h' = a(W x + U h + b)

    The candidate of an LSTM or a GRU looks the same: call it for what the graph gives out.
    """
    found = graph.pending.of(ids.ravel())
    if found is None or found.kind not in ("tanh", "relu"):
        return None
    given = _sum(graph, found.a)
    linear = None if given is None else _linear(graph, given.rows)
    if given is None or linear is None or given.state is None or given.matrix is None:
        return None
    if given.state.size != ids.size:
        return None
    before, matrix, own = linear
    weights = {
        "weight_ih_l0": matrix,
        "weight_hh_l0": given.matrix.T,
        "bias_ih_l0": given.bias + own,
        "bias_hh_l0": np.zeros(ids.size),
    }
    layer = RNN(
        before.width,
        ids.size,
        nonlinearity="relu" if found.kind == "relu" else "tanh",
        weights={key: np.ascontiguousarray(one, np.float32) for key, one in weights.items()},
    )
    last = graph.add(layer, [before], name).ids()[-1]
    graph.carried.append((given.state, last))
    return last.reshape(ids.shape)


def _mixed(graph: LayerGraph, ids: Ids) -> tuple[Ids, Ids, Ids] | None:
    """What the sigmoid of z takes, n and h, of values that z mixes of both."""
    for first, second in _two(graph, ids, "add"):
        for left, right in _two(graph, first, "mul"):
            gate = graph.pending.of(right)
            if gate is None or gate.kind != "sigmoid":
                continue
            # (h - n) z + n
            for h, minus in _two(graph, left, "add"):
                if _is_state(graph, h) and _opposite(graph, minus, second):
                    return gate.a, second, h
            # z h + (1 - z) n
            for n, rest in _two(graph, second, "mul"):
                if _is_state(graph, left) and _opposite(graph, rest, right, 1.0):
                    return gate.a, n, left
    return None


def _reset(graph: LayerGraph, ids: Ids, h: Ids) -> tuple[Ids, _Sum, _Sum, bool] | None:
    """Of what a candidate takes: what the sigmoid of r takes, the part of the rows, that of the
    state, and whether r acts on the product."""
    for rows, rest in _two(graph, ids, "add"):
        own = _sum(graph, rows)
        if own is None or own.rows is None or own.state is not None:
            continue
        for gate, product in _two(graph, rest, "mul"):
            r, inner = graph.pending.of(gate), _sum(graph, product)
            if r is not None and r.kind == "sigmoid" and inner is not None and inner.rows is None:
                same = inner.state is not None and np.array_equal(inner.state, h)
                return (r.a, own, inner, True) if same else None
        found = graph.pending.of(rest)
        bias: Array = np.zeros(len(ids))
        added = _added(found)
        if added is not None and found is not None:
            bias, found = added, graph.pending.of(found.a)
        if found is None or found.kind != "product" or found.weight is None:
            continue
        for gate, state in _two(graph, found.a, "mul"):
            r = graph.pending.of(gate)
            if r is not None and r.kind == "sigmoid" and np.array_equal(state, h):
                return r.a, own, _Sum(None, h, found.weight.astype(np.float64), bias), False
    return None


def _added(pending: Pending | None) -> Array | None:
    """The constants that are added, of values that are others plus constants."""
    if pending is None or pending.kind != "affine" or not np.all(pending.weight == 1):
        return None
    return pending.bias


def _two(graph: LayerGraph, ids: Ids, kind: str) -> list[tuple[Ids, Ids]]:
    """Both operands of a sum or a product of two, in both orders; none: it is something else."""
    found = graph.pending.of(ids)
    if found is None or found.kind != kind or found.b is None:
        return []
    return [(found.a, found.b), (found.b, found.a)]


def _is_state(graph: LayerGraph, ids: Ids) -> bool:
    return graph.table.kinds(ids) == {"state"}


def _opposite(graph: LayerGraph, ids: Ids, of: Ids, plus: float = 0.0) -> bool:
    """Whether values are the opposite of others, plus a number."""
    found = graph.pending.of(ids)
    if found is None or found.kind != "affine" or not np.array_equal(found.a, of):
        return False
    return bool(np.all(found.weight == -1) and np.all(found.bias == plus))


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
    added = _added(found)
    if added is not None:
        return first._replace(bias=first.bias + added)
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
