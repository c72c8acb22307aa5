"""The GELU as exporters write it out: x (1 + erf(x / sqrt(2))) / 2."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pylstm.convert.onnx.affine import affine
from pylstm.convert.onnx.layers import LayerGraph
from pylstm.convert.onnx.operators import Call, Deferred, Tensor, Value, operator
from pylstm.convert.onnx.rows import Ids
from pylstm.layers import Affine

__all__ = ["written_out_gelu"]


@operator("Erf")
def _erf(call: Call) -> Value:
    ids = call.ids()
    return Deferred("erf", ids, ids.shape)


def written_out_gelu(call: Call) -> Ids | Deferred | None:
    """What a sum or a product gives that is a part of a GELU; None: it is none."""
    parts = [one for one in call.inputs if isinstance(one, Deferred) and one.kind[:3] == "erf"]
    others = [one for one in call.inputs if one is not (parts[0] if parts else None)]
    if len(parts) != 1 or len(others) != 1:
        return None
    part, other = parts[0], others[0]
    if call.node.op_type == "Add" and part.kind == "erf" and _is(other, 1.0):
        return Deferred("erf + 1", part.ids, part.shape, part.facts)
    if call.node.op_type != "Mul" or part.kind != "erf + 1":
        return None
    if isinstance(other, np.ndarray) and other.size == 1:
        factor = part.facts.get("factor", 1.0) * float(other.ravel()[0])
        return Deferred(part.kind, part.ids, part.shape, {"factor": factor})
    if not isinstance(other, Tensor) or other.ids.shape != part.ids.shape:
        return None
    x, factor = _unscaled(call.graph, other.ids)
    inner, scale = _unscaled(call.graph, part.ids)
    if not np.array_equal(x, inner) or abs(scale * math.sqrt(2) - 1) > 1e-6:
        return None
    found = call.graph.activated(x, "gelu", call.name)
    return affine(call.graph, found, 2 * factor * part.facts.get("factor", 1.0), 0.0, call.name)


def _is(value: Any, number: float) -> bool:
    return isinstance(value, np.ndarray) and bool(np.all(value == number))


def _unscaled(graph: LayerGraph, ids: Ids) -> tuple[Ids, float]:
    """Values before a layer that multiplies all of them by one number, and the number."""
    owners = graph.table.owners(ids)
    if len(owners) != 1:
        return ids, 1.0
    layer, *inputs = graph.layers.get(owners[0].name, (None,))
    if not isinstance(layer, Affine) or layer.bias:
        return ids, 1.0
    factors = np.unique(layer.weights["weight"])
    if len(factors) != 1:
        return ids, 1.0
    return ids + (graph.rows_of(inputs[0]).base - owners[0].base), float(factors[0])
