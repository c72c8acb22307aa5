"""The types of what goes into an operator of ONNX: those that its schema has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pylstm.convert.onnx.refusals import refuse

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["check_types"]


def check_types(node: NodeProto, dtypes: Sequence[np.dtype[Any] | None], opset: int) -> None:
    """Refuses inputs of types that the operator does not take, or that have to be equal.

    Parameters
    ----------
    node : NodeProto
    dtypes : sequence of dtype or None
        Of each input; None: it is not there, or not known.
    opset : int
        The version of the operators.
    """
    from onnx import defs

    schema = defs.get_schema(node.op_type, opset)
    allowed = {one.type_param_str: one.allowed_type_strs for one in schema.type_constraints}
    bound: dict[str, np.dtype[Any]] = {}
    for place, dtype in enumerate(dtypes):
        if dtype is None:
            continue
        formal = schema.inputs[min(place, len(schema.inputs) - 1)]
        name = formal.type_str
        types = allowed.get(name, [name])
        where = f"input {place}, {node.input[place]!r}, is of {dtype}"
        if _written(dtype) not in types:
            refuse(node, where, " or ".join(sorted(types)))
        same = name in allowed and formal.is_homogeneous
        if same and bound.setdefault(name, dtype) != dtype:
            refuse(node, where, f"{bound[name]}, as another input is")


def _written(dtype: np.dtype[Any]) -> str:
    """A tensor of a type, as schemas write it."""
    names = {"float32": "float", "float64": "double"}
    return f"tensor({names.get(dtype.name, dtype.name)})"
