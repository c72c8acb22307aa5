"""ONNX operators of normalisation and means: whole ones, and layer norms that are written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pylstm.convert.onnx.affine import affine
from pylstm.convert.onnx.layers import LayerGraph
from pylstm.convert.onnx.operators import Call, Deferred, Tensor, Value, operator
from pylstm.convert.onnx.refusals import OtherAxisError
from pylstm.convert.onnx.rows import Ids
from pylstm.layers import LayerNorm, Pool

__all__ = ["layer_norm", "normalised", "reduced"]

# What a part of a layer norm becomes by the operator behind it, where all belongs to the same rows.
_NEXT = {
    ("mean", "Sub"): "centred",
    ("centred", "Mul"): "square",
    ("centred", "Pow"): "square",
    ("square", "ReduceMean"): "variance",
    ("variance", "Add"): "variance with eps",
    ("variance with eps", "Sqrt"): "deviation",
    ("variance with eps", "Pow"): "inverse",
    ("deviation", "Reciprocal"): "inverse",
}


def layer_norm(graph: LayerGraph, ids: Ids, axes: Sequence[int], eps: float, name: str) -> Ids:
    """The ids of values that are normalised over some axes, without gains and biases."""
    view, inner, back = _split(graph, ids, axes)
    rows = graph.gathered(inner, name)
    norm = LayerNorm(rows.width, eps, affine=False, positions=len(inner))
    new = graph.add(norm, [rows], name)
    columns = np.arange(new.width).reshape(inner.shape)
    return graph.placed(view, new, back(columns), view.axis)


def reduced(graph: LayerGraph, ids: Ids, axes: Sequence[int], mode: Any, name: str) -> Ids:
    """The ids of means or maxima over axes, which stay with a size of 1."""
    _refuse_time(graph, ids, axes)
    view, inner, _ = _split(graph, ids, axes)
    others, size = inner.shape
    rows = graph.gathered(inner.T, name)
    pool = Pool(rows.width, mode, positions=size, kernel_positions=size)
    new = graph.add(pool, [rows], name)
    shape = [1 if axis in axes else n for axis, n in enumerate(ids.shape)]
    if view.axis is not None:
        del shape[view.axis]
    return graph.placed(view, new, np.arange(others).reshape(shape), view.axis)


def _refuse_time(graph: LayerGraph, ids: Ids, axes: Sequence[int]) -> None:
    """Refuses a mean, a sum or a maximum over all rows."""
    try:
        time = graph.table.view(ids).axis
    except ValueError:  # they are no rows in time: who takes what comes out says so
        return
    if time in axes:
        raise OtherAxisError(
            f"it goes over time, axis {time}, of which a stream does not know the end; expected"
            " axes of a row: let the graph end before it, with onnx.utils.extract_model, and do"
            " the rest with the rows that come out"
        )


def _split(graph: LayerGraph, ids: Ids, axes: Sequence[int]) -> Any:
    """The view of a tensor; its columns as (the other axes, some axes); how these go back."""
    view = graph.table.view(ids)
    if view.axis in axes:
        raise OtherAxisError("it goes over time, of which a stream does not know the end")
    if view.before or view.after:
        raise ValueError("it takes rows of zeros before or after those of the stream")
    own = [axis - (view.axis is not None and axis > view.axis) for axis in axes]
    last = list(range(view.ids.ndim - len(own), view.ids.ndim))
    moved = np.moveaxis(view.ids, own, last)
    size = int(np.prod([view.ids.shape[axis] for axis in own]))

    def back(columns: Any) -> Any:
        return np.moveaxis(columns.reshape(moved.shape), last, own)

    return view, moved.reshape(-1, size), back


# --- written out ----------------------------------------------------------------------------------


def normalised(call: Call) -> Ids | Deferred | None:
    """What a node gives that is a part of a layer norm; None: it is none."""
    parts = [one for one in call.inputs if isinstance(one, Deferred) and "axes" in one.facts]
    if not parts:
        return None
    part, kind = parts[0], call.node.op_type
    other = call.inputs[1] if call.inputs[0] is part and len(call.inputs) > 1 else call.inputs[0]
    if any(not _same(part, one) for one in parts[1:]):
        return None
    constants = [one for one in call.inputs if isinstance(one, np.ndarray)]
    if len(constants) < len(call.inputs) - 1 and not all(map(_is_aligned, parts)):
        return None
    found = _with_gain(call, parts, constants)
    if found is not None:
        return found
    if part.kind == "mean" and (call.inputs[1:] != [part] or not _is(other, part.ids)):
        return None
    if kind in ("Div", "Mul") and len(parts) == 2:
        kinds = {one.kind for one in parts}
        wanted = {"centred", "deviation" if kind == "Div" else "inverse"}
        if kinds == wanted and (kind == "Mul" or part.kind == "centred"):
            centred = next(one for one in parts if one.kind == "centred")
            eps = next(one for one in parts if one.kind != "centred").facts["eps"]
            return layer_norm(call.graph, centred.ids, centred.facts["axes"], eps, call.name)
    if kind == "Div" and part.kind == "deviation" and _constant(other) == 1.0:
        return _become(part, "inverse")
    became = _NEXT.get((part.kind, kind))
    if became is None:
        return None
    if became == "centred":
        return Deferred(became, part.ids, part.ids.shape, part.facts)
    if became == "variance with eps":
        eps = _constant(other)
        if eps is None:
            call.refuse("what it adds to a variance changes", "a constant, the eps of a norm")
        return Deferred(became, part.ids, part.shape, {**part.facts, "eps": eps})
    if kind == "Mul" and [one.kind for one in parts] != ["centred", "centred"]:
        return None
    if kind == "Pow" and _constant(other) != (2.0 if part.kind == "centred" else -0.5):
        return None
    return _become(part, became)


def _with_gain(call: Call, parts: list[Deferred], constants: list[Any]) -> Ids | Deferred | None:
    """The parts of x w + (b - m w), where w is the inverse of the deviation times a gain, as
    TensorFlow writes a norm; None: it is none of them."""
    part, kind = parts[0], call.node.op_type
    kinds = [one.kind for one in parts]
    if kind == "Mul" and kinds == ["inverse"] and constants and _is_aligned(part):
        shape = np.broadcast_shapes(part.shape, constants[0].shape)
        gain = constants[0].astype(np.float64)
        return Deferred("weight", part.ids, shape, {**part.facts, "gain": gain})
    if kind == "Mul" and kinds == ["weight"] and any(_is(one, part.ids) for one in call.inputs):
        return Deferred("scaled", part.ids, part.ids.shape, part.facts)
    if kind == "Mul" and sorted(kinds) == ["mean", "weight"]:
        weight = parts[kinds.index("weight")]
        return Deferred("scaled mean", weight.ids, weight.shape, weight.facts)
    if kind == "Sub" and kinds == ["scaled mean"] and constants and call.inputs[1] is part:
        shape = np.broadcast_shapes(part.shape, constants[0].shape)
        bias = constants[0].astype(np.float64)
        return Deferred("shift", part.ids, shape, {**part.facts, "bias": bias})
    if kind != "Add" or sorted(kinds) != ["scaled", "shift"]:
        return None
    scaled, shift = (parts[kinds.index(one)].facts for one in ("scaled", "shift"))
    if scaled["gain"] is not shift["gain"] or scaled["eps"] != shift["eps"]:
        return None
    norm = layer_norm(call.graph, part.ids, scaled["axes"], scaled["eps"], call.name)
    return affine(call.graph, norm, scaled["gain"], shift["bias"], call.name)


def _is_aligned(part: Deferred) -> bool:
    """Whether its axes are those of the tensor that it is a part of, as they broadcast."""
    full = part.ids.shape
    if part.kind in ("weight", "scaled mean", "shift"):
        return np.broadcast_shapes(part.shape, full) == full
    if part.kind in ("centred", "square", "scaled"):
        return part.shape == full
    kept = tuple(1 if axis in part.facts["axes"] else n for axis, n in enumerate(full))
    return (1,) * (len(full) - len(part.shape)) + part.shape == kept


def _become(part: Deferred, kind: str) -> Deferred:
    return Deferred(kind, part.ids, part.shape, part.facts)


def _same(a: Deferred, b: Deferred) -> bool:
    return np.array_equal(a.ids, b.ids) and a.facts["axes"] == b.facts["axes"]


def _is(value: Value, ids: Ids) -> bool:
    return isinstance(value, Tensor) and np.array_equal(value.ids, ids)


def _constant(value: Any) -> float | None:
    """A constant of one value."""
    return float(value.ravel()[0]) if isinstance(value, np.ndarray) and value.size == 1 else None


@operator("Reciprocal")
def _reciprocal(call: Call) -> Value:
    found = normalised(call)
    if not isinstance(found, Deferred):
        call.refuse("it divides by rows", "the root of a variance, as a norm has it")
    return found


# --- means and the like ---------------------------------------------------------------------------


def _axes(call: Call, rank: int) -> list[int]:
    axes: Any = call.constant(1).tolist() if call.has(1) else call.attribute("axes", None)
    if axes is None or len(axes) == 0:
        if call.attribute("noop_with_empty_axes", 0, 1):
            call.refuse("noop_with_empty_axes is 1", "0, or axes")
        axes = range(rank)
    found = sorted({int(axis) % rank for axis in axes if -rank <= axis < rank})
    if len(found) != len(list(axes)):
        call.refuse(f"axes is {list(axes)}", f"different ones of {-rank} to {rank - 1}")
    return found


def _without(call: Call, ids: Ids, axes: Sequence[int]) -> Ids:
    return ids if call.attribute("keepdims", 1, 0) else ids.squeeze(tuple(axes))


_REDUCTION = ("axes", "keepdims", "noop_with_empty_axes")


@operator("ReduceMean", *_REDUCTION)
def _mean(call: Call) -> Value:
    value = call.inputs[0]
    if isinstance(value, Deferred):
        axes = _axes(call, len(value.shape))
        if value.kind != "square" or axes != value.facts["axes"]:
            call.refuse("it takes a part of a norm", "the square of what its mean is taken from")
        kept = _shape(value.shape, axes, call)
        return Deferred("variance", value.ids, kept, value.facts)
    ids = call.ids()
    axes, graph, name = _axes(call, ids.ndim), call.graph, call.name
    if all(ids.shape[axis] == 1 for axis in axes):
        return Tensor(_without(call, ids, axes))
    _refuse_time(graph, ids, axes)

    def rows() -> Ids:
        return _without(call, reduced(graph, ids, axes, "mean", name), axes)

    return Deferred("mean", ids, _shape(ids.shape, axes, call), {"axes": axes, "rows": rows})


def _shape(shape: tuple[int, ...], axes: Sequence[int], call: Call) -> tuple[int, ...]:
    if call.attribute("keepdims", 1, 0):
        return tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    return tuple(n for axis, n in enumerate(shape) if axis not in axes)


@operator("ReduceMax", *_REDUCTION)
def _max(call: Call) -> Value:
    axes = _axes(call, call.ids().ndim)
    return Tensor(_without(call, reduced(call.graph, call.ids(), axes, "max", call.name), axes))


@operator("ReduceSum", *_REDUCTION)
def _reduce_sum(call: Call) -> Value:
    ids = call.ids()
    axes = _axes(call, ids.ndim)
    means = reduced(call.graph, ids, axes, "mean", call.name)
    count = float(np.prod([ids.shape[axis] for axis in axes]))
    return Tensor(_without(call, affine(call.graph, means, count, 0.0, call.name), axes))


# --- whole ones -----------------------------------------------------------------------------------


@operator("LayerNormalization", "axis", "epsilon", "stash_type")
def _layer_normalization(call: Call) -> list[Value]:
    ids = call.ids()
    call.only("stash_type", 1)
    axes = list(range(call.axis(ids.ndim, -1), ids.ndim))
    found = layer_norm(call.graph, ids, axes, call.attribute("epsilon", 1e-5), call.name)
    bias = call.weights(2) if call.has(2) else 0.0
    return [Tensor(affine(call.graph, found, call.weights(1), bias, call.name)), None, None]


@operator("BatchNormalization", "epsilon", "momentum", "training_mode", "spatial")
def _batch_normalization(call: Call) -> list[Value]:
    ids = call.ids()
    call.only("training_mode", 0)
    call.only("spatial", 1)
    scale, shift, mean, variance = (call.weights(k).astype(np.float64) for k in range(1, 5))
    channels = ids.shape[1] if ids.ndim > 1 else 0
    for place, one in enumerate((scale, shift, mean, variance), 1):
        if one.shape != (channels,):
            call.refuse(f"{call.input_name(place)} has shape {one.shape}", f"{(channels,)}")
    root = variance + call.attribute("epsilon", 1e-5)
    if (root <= 0).any():
        call.refuse("a variance is negative", "0 or more")
    weight = scale / np.sqrt(root)
    shape = (1, channels, *[1] * (ids.ndim - 2))
    w, b = weight.reshape(shape), (shift - mean * weight).reshape(shape)
    return [Tensor(affine(call.graph, ids, w, b, call.name)), None, None, None, None]
