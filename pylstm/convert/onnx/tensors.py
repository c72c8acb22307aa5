"""The tensors that stand in an ONNX file, as arrays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of

if TYPE_CHECKING:
    from onnx import TensorProto

__all__ = ["dtype_of", "values_of"]

# Numbers of ONNX's types that NumPy has itself.
_TYPES: dict[int, str] = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}


def dtype_of(number: int, owner: str) -> np.dtype[Any]:
    """The dtype that ONNX numbers so.

    Raises
    ------
    ValueError
        It is none of the usual numbers; `owner` says whose it is.
    """
    if number not in _TYPES:
        from onnx import TensorProto

        names = {value: name for name, value in TensorProto.DataType.items()}
        kind = names.get(number, str(number))
        raise ValueError(f"{owner} is of the type {kind}; expected float32, or another of NumPy's")
    return np.dtype(_TYPES[number])


def values_of(tensor: TensorProto) -> NDArray[Any]:
    """The values of a tensor.

    Raises
    ------
    ValueError
        Its type is none of NumPy's, or it has other values than its shape says.
    """
    from onnx import numpy_helper

    owner = f"tensor {tensor.name!r}"
    dtype_of(tensor.data_type, owner)
    shape = tuple(tensor.dims)
    size = math.prod(shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"{owner} has shape {shape}; expected no negative numbers")
    try:
        found: NDArray[Any] = numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{owner} has shape {shape}: {error}; expected {number_of(size, 'value')}"
        ) from None
    if found.shape != shape:
        raise ValueError(f"{owner} has shape {found.shape}; expected {shape}, as it says")
    return found
