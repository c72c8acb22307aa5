"""ONNX operators that move values and change none of them: they act on ids as on numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pylstm.convert.onnx.constants import evaluate
from pylstm.convert.onnx.operators import Call, Deferred, Runtime, Tensor, Value, operator
from pylstm.convert.onnx.rows import ZERO

__all__: list[str] = []

# Which inputs are data; None: all of them.
_DATA: dict[str, tuple[int, ...] | None] = {"Concat": None, "Where": (1, 2)}

# They change the shape alone; an Expand of a size of 1 repeats values, which it also does later.
_SHAPES = ("Reshape", "Squeeze", "Unsqueeze", "Expand")

_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Concat": ("axis",),
    "DepthToSpace": ("blocksize", "mode"),
    "Expand": (),
    "Flatten": ("axis",),
    "Gather": ("axis",),
    "GatherElements": ("axis",),
    "GatherND": ("batch_dims",),
    "Reshape": ("allowzero",),
    "Slice": ("starts", "ends", "axes"),
    "SpaceToDepth": ("blocksize",),
    "Split": ("axis", "split", "num_outputs"),
    "Squeeze": ("axes",),
    "Tile": (),
    "Transpose": ("perm",),
    "Unsqueeze": ("axes",),
    "Where": (),
}


def _move(call: Call) -> list[Value]:
    counted = "num_outputs" in call.attributes
    if call.node.op_type == "Split" and call.opset >= 18 and call.has(1) == counted:
        call.refuse("it says in two ways, or in none, how it splits", "split or num_outputs")
    first = call.inputs[0]
    if isinstance(first, Deferred) and call.node.op_type in _SHAPES:
        return [_reshaped(call, first)]
    if call.node.op_type == "Slice":
        _check_ends(call)
    data = _DATA.get(call.node.op_type, (0,))
    arrays: list[Any] = []
    for place, value in enumerate(call.inputs):
        if value is None:
            arrays.append(None)
        elif data is None or place in data:
            known = isinstance(value, np.ndarray)
            arrays.append(_zeros(call, place) if known else call.ids(place))
        else:
            arrays.append(call.constant(place))
    return [Tensor(found.astype(np.int64)) for found in evaluate(call.node, arrays, call.opset)]


# From here on an end is none: what exporters write for "to the last one".
_NO_END = (1 << 31) - 1


def _check_ends(call: Call) -> None:
    """Refuses a part of the rows that is all of these, and would not be of longer sequences."""
    ids = call.ids()
    if call.has(1):
        starts, ends = call.constant(1).tolist(), call.constant(2).tolist()
        axes = call.constant(3).tolist() if call.has(3) else range(len(starts))
    else:
        starts, ends = call.attribute("starts", []), call.attribute("ends", [])
        axes = call.attribute("axes", range(len(starts)))
    frames = call.graph.table.frames(ids)
    for start, end, axis in zip(starts, ends, axes, strict=False):
        far = [one for one in (start, end) if abs(one) < _NO_END]
        is_axis = -ids.ndim <= axis < ids.ndim
        beyond = is_axis and max(map(abs, far), default=0) > ids.shape[axis]
        if beyond and (np.diff(frames, axis=axis) != 0).any():
            call.refuse(f"it takes rows {start} to {end}", "all of them, however many come")


def _reshaped(call: Call, part: Deferred) -> Value:
    """A part of a norm with other axes of size 1; else it has to be rows."""
    rest = [call.constant(k) if call.has(k) else None for k in range(1, len(call.inputs))]

    def moved(values: Any) -> Any:
        return evaluate(call.node, [values, *rest], call.opset)[0]

    shape = moved(np.empty(part.shape, np.int8)).shape
    if [n for n in shape if n > 1] != [n for n in part.shape if n > 1]:
        return Tensor(moved(call.ids()).astype(np.int64))
    facts = dict(part.facts)
    if "rows" in facts:  # a mean can be rows of its own
        rows = facts["rows"]
        facts["rows"] = lambda: moved(rows()).astype(np.int64)
    return replace(part, shape=shape, facts=facts)


def _zeros(call: Call, place: int) -> Any:
    """A constant among data: zeros, as a state at the beginning or padding is."""
    value = call.constant(place)
    if (value != 0).any():
        call.refuse(f"{call.input_name(place)} is a constant that is not 0", "values of rows, or 0")
    return np.full(value.shape, ZERO, np.int64)


for _name, _known in _ATTRIBUTES.items():
    operator(_name, *_known)(_move)


@operator("Identity")
def _identity(call: Call) -> Value:
    return call.inputs[0]


@operator("Cast", "to", "saturate", "round_mode")
def _cast(call: Call) -> Value:
    if isinstance(call.inputs[0], Runtime):
        return call.inputs[0]
    if call.attribute("to", None) != 1:
        call.refuse(f"to is {call.attribute('to', None)}", "1, which is float32")
    return Tensor(call.ids())


@operator("CastLike", "saturate", "round_mode")
def _cast_like(call: Call) -> Value:
    if isinstance(call.inputs[1], np.ndarray) and call.inputs[1].dtype != np.float32:
        call.refuse(f"{call.input_name(1)} is of {call.inputs[1].dtype}", "float32")
    return Tensor(call.ids())


@operator("Dropout", "ratio", "seed")
def _dropout(call: Call) -> list[Value]:
    """At inference it changes nothing."""
    if call.has(1) and call.constant(1).ndim:
        call.refuse(f"{call.input_name(1)} has shape {call.constant(1).shape}", "one number, ()")
    if call.has(2) and bool(call.constant(2).any()):
        call.refuse("training_mode is true", "false: export the model after model.eval()")
    call.graph.note("Dropout changes nothing at inference and is left out.")
    return [Tensor(call.ids()), None]


@operator("Pad", "mode", "pads", "value")
def _pad(call: Call) -> Value:
    mode = call.attribute("mode", "constant", "reflect", "edge")
    if mode == "constant":
        value = call.constant(2) if call.has(2) else np.float32(call.attribute("value", 0.0))
        if np.any(value != 0):
            call.refuse(f"the value of the padding is {float(np.max(value))}", "0")
    arrays = [
        call.ids(0),
        *(call.constant(k) if call.has(k) else None for k in range(1, len(call.inputs))),
    ]
    if len(arrays) > 2 and arrays[2] is not None:
        arrays[2] = np.array(ZERO, np.int64)
    found = evaluate(call.node, arrays, call.opset)[0]
    return Tensor(found.astype(np.int64))


@operator("Shape", "start", "end")
def _shape(call: Call) -> Value:
    shape = _shape_of(call)
    start, end = call.attribute("start", 0), call.attribute("end", None)
    return np.array(shape[slice(start, end)], np.int64)


@operator("Size")
def _size(call: Call) -> Value:
    return np.array(int(np.prod(_shape_of(call))), np.int64)


def _shape_of(call: Call) -> tuple[int, ...]:
    value = call.inputs[0]
    if isinstance(value, Deferred):
        return value.shape
    return call.ids().shape
