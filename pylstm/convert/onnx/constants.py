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

LARGEST = 1 << 27
"""Values that a folded tensor has at most."""

# Operators whose result can be far larger than what they take.
_GROWING = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1, "Pad": 1, "Range": None}
_NEVER: tuple[str, ...] = (
    "Loop",
    "Scan",
    "If",
    "SequenceMap",
    "RandomNormal",
    "RandomUniform",
    "Multinomial",
)
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
    if node.op_type not in _GROWING:
        return
    place, size = _GROWING[node.op_type], 1.0
    numbers = [
        np.asarray(one, np.float64) for one in inputs if one is not None and one.dtype != object
    ]
    if node.op_type == "Range" and len(numbers) == 3:
        start, limit, delta = (float(one.ravel()[0]) for one in numbers)
        size = (limit - start) / delta if delta else math.inf
    elif node.op_type == "Pad":
        pads = attributes_of(node).get("pads", inputs[1] if len(inputs) > 1 else ())
        around = np.abs(np.asarray(pads, np.float64))
        if around.size == 2 * numbers[0].ndim:
            size = float(np.prod(numbers[0].shape + around.reshape(2, -1).sum(axis=0)))
        else:
            size = numbers[0].size * float(np.prod(1 + around))
    elif place is not None and len(inputs) > place and inputs[place] is not None:
        size = float(np.prod(np.abs(np.asarray(inputs[place], np.float64))))
        size *= inputs[0].size if node.op_type == "Tile" and inputs[0] is not None else 1
    if not size <= LARGEST:
        refuse(node, f"the size of what it gives is about {size:.0e}", f"at most {LARGEST}")
