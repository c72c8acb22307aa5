"""Operators of an ONNX graph whose inputs are all known: folded by ONNX's own reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx.refusals import refuse
from pylstm.convert.onnx.tensors import values_of

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["LARGEST", "attributes_of", "evaluate"]

LARGEST = 1 << 25
"""Values that a folded tensor has at most."""

# Operators of which an input says how large the result is.
_SIZES = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1, "OneHot": 1}
_SIZES |= {"HannWindow": 0, "HammingWindow": 0, "BlackmanWindow": 0}
_NEVER: tuple[str, ...] = (
    "Loop",
    "Scan",
    "If",
    "SequenceMap",
    "RandomNormal",
    "RandomUniform",
    "Multinomial",
)
# And those whose attributes make a result far larger than what they take.
_NEVER += ("Einsum", "Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "MaxUnpool")
_NEVER += ("Col2Im", "DFT", "STFT", "MelWeightMatrix", "GridSample", "AffineGrid", "CenterCropPad")
_NEVER += ("RandomNormalLike", "RandomUniformLike", "Bernoulli", "Optional", "Resize", "Upsample")


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """The attributes of a node as values of Python; tensors as arrays, strings as text."""
    from onnx import TensorProto, helper

    found = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, TensorProto):
            value = values_of(value)
        elif isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        elif isinstance(value, list) and value and isinstance(value[0], bytes):
            value = [one.decode("utf-8", "replace") for one in value]
        found[attribute.name] = value
    return found


def evaluate(
    node: NodeProto, inputs: Sequence[NDArray[Any] | None], opset: int
) -> list[NDArray[Any]]:
    """What a node gives for arrays.

    Raises
    ------
    ValueError
        The operator is none that gives the same each time, or its result is too large or none.
    """
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    if node.op_type in _NEVER:
        refuse(node, "its inputs are constants", "an operator that gives the same each time")
    _refuse_growth(node, inputs)
    own = {name: value for name, value in zip(node.input, inputs, strict=True) if name}
    graph = helper.make_graph(
        [node],
        "one_node",
        [helper.make_empty_tensor_value_info(name) for name in own],
        [helper.make_empty_tensor_value_info(name) for name in node.output if name],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        with np.errstate(all="ignore"):
            found = ReferenceEvaluator(model).run(None, own)
    except Exception as error:  # what its operators raise has no common class
        refuse(node, f"it fails: {error}", "inputs that fit together")
    given = iter(found)
    results = [np.asarray(next(given)) if name else np.empty(0) for name in node.output]
    for result in results:
        if result.dtype == object:
            refuse(node, "it gives no tensor", "numbers")
    return results


def _refuse_growth(node: NodeProto, inputs: Sequence[NDArray[Any] | None]) -> None:
    """Refuses what would take the memory of the machine, before it does."""
    arrays = [one for one in inputs if one is not None and one.dtype != object]
    size = _size(node, arrays) if arrays else 0
    if not size <= LARGEST:
        refuse(node, f"the size of what it gives is about {size:.0e}", f"at most {LARGEST}")


def _size(node: NodeProto, arrays: Sequence[NDArray[Any]]) -> float:
    """How many values a node gives, at most and about."""
    kind, first = node.op_type, arrays[0]
    if kind in _SIZES and len(arrays) > _SIZES[kind]:
        size = float(np.prod(np.abs(arrays[_SIZES[kind]].astype(np.float64))))
        return size * first.size if kind in ("Tile", "OneHot") else max(size, first.size)
    if kind == "Range" and len(arrays) == 3:
        start, limit, delta = (float(one.ravel()[0]) for one in arrays)
        return (limit - start) / delta if delta else math.inf
    if kind == "Pad":
        pads = attributes_of(node).get("pads", arrays[1] if len(arrays) > 1 else ())
        around = np.abs(np.asarray(pads, np.float64))
        if around.size == 2 * first.ndim:
            return float(np.prod(first.shape + around.reshape(2, -1).sum(axis=0)))
        return first.size * float(np.prod(1 + around))
    if kind == "Gather" and len(arrays) > 1 and first.ndim:
        axis = attributes_of(node).get("axis", 0)
        along = first.shape[axis] if -first.ndim <= axis < first.ndim else 1
        return first.size / max(1, along) * arrays[1].size
    if kind == "GatherND" and len(arrays) > 1:
        return float(first.size) * arrays[1].size
    if kind in ("MatMul", "Gemm") and len(arrays) > 1:
        return float(first.size) * arrays[1].size / max(1, first.shape[-1] if first.ndim else 1)
    try:
        return float(math.prod(np.broadcast_shapes(*(one.shape for one in arrays))))
    except ValueError:
        return 0.0
