"""Rows of an ONNX graph times constants, plus constants."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx.layers import LayerGraph
from pylstm.convert.onnx.memory import digest
from pylstm.convert.onnx.rows import ZERO, Ids, Rows, broadcast
from pylstm.layers import Affine

__all__ = ["LARGEST", "affine"]

Array = NDArray[Any]

LARGEST = float(np.finfo(np.float32).max)


def affine(graph: LayerGraph, ids: Ids, weight: Any, bias: Any, name: str) -> Ids:
    """The ids of ids * weight + bias, for constants of shapes that broadcast."""
    shape = broadcast(ids.shape, np.shape(weight), np.shape(bias))
    ids = np.array(np.broadcast_to(ids, shape))
    w, b = (np.broadcast_to(np.asarray(one, np.float64), shape) for one in (weight, bias))
    if not (np.abs(w) <= LARGEST).all() or not (np.abs(b) <= LARGEST).all():
        raise ValueError("it multiplies by or adds numbers beyond float32, infinity or NaN")
    if (w == 1).all() and (b == 0).all():
        return ids
    if (b[ids == ZERO] != 0).any():
        raise ValueError("it adds to zeros that stand beside values of rows")
    if graph.pending.concerns(ids):
        return graph.pending.add("affine", shape, ids, None, w, b)
    found = {rows.base: _by_column(rows, ids, w, b) for rows in graph.table.owners(ids)}
    if all(one is not None for one in found.values()):
        key = ("affine", digest(w, b), shape)

        def make(rows: Rows) -> Affine:
            own = found[rows.base]
            assert own is not None
            return _affine_layer(rows.width, *own)

        return graph.value_by_value(ids, make, key, name)
    view = graph.table.view(ids)
    if view.axis is not None:
        for one in (w, b):
            if (one != one.take([0], view.axis)).any():
                raise ValueError("a constant of it changes over time")
        w, b = (np.take(one, 0, axis=view.axis) for one in (w, b))
    rows = graph.gathered(view.ids.ravel(), name)
    new = graph.add(_affine_layer(rows.width, w.ravel(), b.ravel()), [rows], name)
    columns = np.arange(new.width).reshape(view.ids.shape)
    return graph.placed(view, new, columns, view.axis)


def _affine_layer(width: int, w: Array, b: Array) -> Affine:
    weights = {"weight": w.astype(np.float32), "bias": b.astype(np.float32)}
    if not b.any():
        del weights["bias"]
    return Affine(width, bias="bias" in weights, weights=weights)


def _by_column(rows: Rows, ids: Ids, w: Array, b: Array) -> tuple[Array, Array] | None:
    """Factor and summand of each column; None: they differ within a column."""
    own = (ids >= rows.base) & (ids < rows.base + rows.n * rows.width)
    columns = (ids[own] - rows.base) % rows.width
    found = []
    for values, usual in ((w[own], 1.0), (b[own], 0.0)):
        low, high = np.full(rows.width, np.inf), np.full(rows.width, -np.inf)
        np.minimum.at(low, columns, values)
        np.maximum.at(high, columns, values)
        there = high >= low
        if (low[there] != high[there]).any():
            return None
        found.append(np.where(there, low, usual))
    return found[0], found[1]
