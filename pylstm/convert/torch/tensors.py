"""Tensors of PyTorch and arrays of NumPy as arrays of float32."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Wanted", "array_of", "is_tensor"]

Wanted = Literal["float32"] | None
"""What other types of numbers are converted to; None: they are refused."""

_FLOATS = ("torch.float64", "torch.float16", "torch.bfloat16")
# A file of few bytes can hold a tensor of any size that repeats one value.
_MANY = 1 << 20
_ASK = "pass dtype='float32'"


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor or an array. PyTorch is not imported to tell."""
    return isinstance(value, np.ndarray) or all(
        hasattr(value, method) for method in ("detach", "is_meta", "is_sparse")
    )


def array_of(value: Any, name: str, where: str, dtype: Wanted = None) -> NDArray[Any]:
    """A tensor or an array as a float32 array.

    Raises
    ------
    TypeError, ValueError
        It is neither, it has no values, or its numbers are of another type, which nobody has asked
        to convert or which need a scale.
    """
    if not is_tensor(value):
        raise TypeError(
            f"{name!r} of {where} is of type {type(value).__name__}; expected a tensor or a NumPy"
            " array"
        )
    if isinstance(value, np.ndarray):
        return _of_numpy(value, name, where, dtype)
    try:
        return _of_torch(value, name, where, dtype)
    except (NotImplementedError, RuntimeError) as error:  # of tensors that are like no others
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{name!r} of {where} is of type {type(value).__name__}, which PyTorch makes no array"
            f" of ({reason}); expected a dense tensor with values"
        ) from error


def _of_torch(value: Any, name: str, where: str, dtype: Wanted) -> NDArray[Any]:
    """A tensor that is float32, or is made so where that was asked for."""
    found = str(value.dtype)
    if kind := _without_values(value):
        raise ValueError(f"{name!r} of {where} is {kind}; expected a dense tensor with values")
    if value.numel() > _MANY and value.numel() * value.element_size() > _bytes_of(value):
        raise ValueError(
            f"{name!r} of {where} has {value.numel()} values in {_bytes_of(value)} bytes of memory,"
            " which it repeats; expected a value for each: save its .contiguous()"
        )
    if getattr(value, "is_quantized", False):
        if dtype is None:
            raise TypeError(
                f"{name!r} of {where} is quantised, {found}; expected torch.float32: convert the"
                f" model before it is quantised, or {_ASK} for the values that its scales say"
            )
        value = value.dequantize()
    elif found != "torch.float32":
        hint = ""
        if found in _FLOATS:
            if dtype is not None:
                value = value.float()
                found = "torch.float32"
            hint = f", convert it (or the whole module) with .float(), or {_ASK}"
        if found != "torch.float32":
            raise TypeError(f"{name!r} of {where} is {found}; expected torch.float32{hint}")
    # A tensor can be the negative of what its memory holds.
    array: NDArray[Any] = value.detach().cpu().resolve_neg().numpy()
    return array


def _without_values(value: Any) -> str:
    """What a tensor is that has no value for each place; nothing for one that has them."""
    if value.is_meta:
        return "on the meta device, without values"
    if getattr(value, "is_nested", False):
        return "nested"
    if hasattr(value, "materialize"):
        return "of a lazy module that has not run yet"
    layout = str(value.layout).removeprefix("torch.")
    return "" if layout == "strided" else layout.replace("_", " ").strip()


def _bytes_of(value: Any) -> int:
    return int(value.untyped_storage().nbytes())


def _of_numpy(value: NDArray[Any], name: str, where: str, dtype: Wanted) -> NDArray[Any]:
    """An array that is float32, or is made so where that was asked for."""
    if value.dtype == np.float32:
        return value
    # Bytes may be quantised: without their scale, a conversion would be wrong.
    is_float = value.dtype.kind == "f" or value.dtype.name == "bfloat16"
    if is_float and dtype is not None:
        with np.errstate(over="ignore"):  # infinities are refused with the name of the tensor
            return value.astype(np.float32)
    wide = value.dtype.kind in "iu" and value.dtype.itemsize > 1
    hint = ", convert it with .astype(np.float32)" if wide or is_float else ""
    hint += f", or {_ASK}" if is_float else ""
    raise TypeError(f"{name!r} of {where} is {value.dtype}; expected float32{hint}")
