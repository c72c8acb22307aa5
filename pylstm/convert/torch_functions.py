"""PyTorch's functions and the methods of its tensors as layers that take the rows of a network."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.torch_call import Call
from pylstm.convert.torch_convolutions import padded
from pylstm.convert.torch_rows import BATCH, ROW, TIME, Rows
from pylstm.layers import Add, Mul

__all__ = ["FUNCTIONS", "IN_PLACE", "LAST_STATE", "LastState", "PartOfTime", "cut_rows"]


class LastState:
    """What a recurrent module gives beside its outputs: the state after the last frame."""


LAST_STATE = LastState()


def _plain(function: str) -> Callable[..., Any]:
    """An activation without numbers."""

    def run(call: Call, input: Rows, inplace: bool = False) -> Rows:
        return call.activation(input, function, shown=function)

    return run


def _same(call: Call, input: Rows, *args: Any, **settings: Any) -> Rows:
    """Does nothing at inference."""
    return input


def _softmax(function: str) -> Callable[..., Any]:
    def run(
        call: Call, input: Rows, dim: Any = None, _stacklevel: int = 3, dtype: Any = None
    ) -> Rows:
        if dtype is not None:
            raise ValueError(f"{call.where} has dtype={dtype}; expected None")
        return call.activation(input, function, shown=f"a {function}", dim=dim)

    return run


def _gelu(call: Call, input: Rows, approximate: str = "none") -> Rows:
    function = "gelu" if approximate == "none" else "gelu_tanh"
    return call.activation(input, function, shown="gelu")


def _leaky_relu(
    call: Call, input: Rows, negative_slope: float = 0.01, inplace: bool = False
) -> Rows:
    return call.activation(input, "leaky_relu", shown="leaky_relu", alpha=float(negative_slope))


def _elu(call: Call, input: Rows, alpha: float = 1.0, inplace: bool = False) -> Rows:
    return call.activation(input, "elu", shown="elu", alpha=float(alpha))


def _hardtanh(
    call: Call, input: Rows, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Rows:
    return call.activation(
        input, "clipped_relu", shown="hardtanh", low=float(min_val), high=float(max_val)
    )


def _relu6(call: Call, input: Rows, inplace: bool = False) -> Rows:
    return _hardtanh(call, input, 0.0, 6.0)


def _clamp(call: Call, input: Rows, min: Any = None, max: Any = None) -> Rows:
    if min == 0 and max is None:
        return call.activation(input, "relu", shown="clamp")
    if not isinstance(min, int | float) or not isinstance(max, int | float):
        raise ValueError(f"{call.where} has min={min}, max={max}; expected two numbers")
    return _hardtanh(call, input, min, max)


# --- arrangement ----------------------------------------------------------------------------------


def _numbers(first: Any, rest: Sequence[Any]) -> Sequence[Any]:
    """Dimensions, given one by one or together."""
    together = isinstance(first, tuple | list) and not rest
    return tuple(first) if together else (first, *rest)


def _permute(call: Call, input: Rows, *dims: Any, **named: Any) -> Rows:
    given = named.get("dims", dims)
    return input.permute(_numbers(given[0], given[1:]))


def _transpose(call: Call, input: Rows, dim0: Any, dim1: Any) -> Rows:
    return input.transpose(dim0, dim1)


def _movedim(call: Call, input: Rows, source: Any, destination: Any) -> Rows:
    return input.movedim(source, destination)


def _unsqueeze(call: Call, input: Rows, dim: Any) -> Rows:
    return input.unsqueeze(dim)


def _squeeze(call: Call, input: Rows, dim: Any = None) -> Rows:
    return input.squeeze(dim)


def _flatten(call: Call, input: Rows, start_dim: Any = 0, end_dim: Any = -1) -> Rows:
    return input.flatten(start_dim, end_dim)


def _unflatten(call: Call, input: Rows, dim: Any, sizes: Any) -> Rows:
    return input.unflatten(dim, sizes)


def _reshape(call: Call, input: Rows, *shape: Any, **named: Any) -> Rows:
    given = named.get("shape", shape)
    return input.reshape(_numbers(given[0], given[1:]))


def _size(call: Call, input: Rows, dim: Any = None) -> Any:
    sizes = input.sizes()
    return sizes if dim is None else sizes[input.axis(dim)]


def _getattr(call: Call, input: Rows, name: str) -> Any:
    found = {"shape": input.sizes(), "ndim": input.rank}
    if name == "T" and input.rank == 2:
        return input.transpose(0, 1)
    if name == "mT":
        return input.transpose(-2, -1)
    if name not in found:
        raise ValueError(f"{call.where} takes the attribute {name!r}; expected 'shape'")
    return found[name]


def _dim(call: Call, input: Rows) -> int:
    return input.rank


def _getitem(call: Call, input: Any, index: Any) -> Any:
    if isinstance(input, tuple | list):
        return input[index]
    rows: Rows = input
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        here = sum(part is not None for part in parts) - 1
        parts[place : place + 1] = [slice(None)] * (rows.rank - here)
    axis = 0
    for part in parts:
        if part is None:
            rows = rows.unsqueeze(axis)
        elif axis >= rows.rank:
            raise ValueError(
                f"{call.where} takes parts of {number_of(len(parts), 'dimension')} of {rows.described};"
                f" expected at most {rows.rank}"
            )
        elif part == slice(None):
            pass
        elif rows.axes[axis] == ROW and isinstance(part, int | slice):
            rows = rows.narrowed(axis, part)
            if isinstance(part, int):
                continue
        elif rows.axes[axis] == TIME and 0 < _cut_of(part) == call.cut:
            pass  # the convolution before has made fewer
        else:
            raise _other_part(call, rows.axes[axis], part)
        axis += 1
    return rows


class PartOfTime(ValueError):
    """A part of time, or of the batch, is taken."""


def _other_part(call: Call, axis: str, part: Any) -> PartOfTime:
    if axis == TIME and part == -1:
        return PartOfTime(
            f"{call.where} takes the last frame alone; expected a row for each frame, of which the"
            " last is the same: leave it out, as a stream gives rows while it hears"
        )
    kind = {TIME: "time", BATCH: "the batch"}.get(axis, "values")
    return PartOfTime(f"{call.where} takes {part!r} of {kind}; expected all of it")


def _cut_of(part: Any) -> int:
    """How many of the last rows a slice leaves out; 0: it does something else."""
    if isinstance(part, slice) and part.start in (None, 0) and part.step in (None, 1):
        return -part.stop if isinstance(part.stop, int) and part.stop < 0 else 0
    return 0


def cut_rows(index: Any, axis: int, rank: int) -> int:
    """How many of the last rows an index leaves out of a tensor whose time is this axis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        parts[place : place + 1] = [slice(None)] * (rank + 1 - len(parts))
    if len(parts) <= axis or any(part != slice(None) for part in parts[:axis]):
        return 0
    return _cut_of(parts[axis])


def _narrow(call: Call, input: Rows, dim: Any, start: Any, length: Any) -> Rows:
    axis = input.axis(dim)
    if input.axes[axis] != ROW:
        raise _other_part(call, input.axes[axis], slice(start, start + length))
    return input.narrowed(axis, slice(start, start + length))


def _split(call: Call, input: Rows, split_size_or_sections: Any, dim: Any = 0) -> Any:
    axis = input.axis(dim)
    if input.axes[axis] != ROW:
        raise _other_part(call, input.axes[axis], "parts")
    total = input.known().shape[input.place_in_row(axis)]
    sizes = split_size_or_sections
    if isinstance(sizes, int):
        sizes = [min(sizes, total - k) for k in range(0, total, sizes)]
    found, start = [], 0
    for size in sizes:
        found.append(input.narrowed(axis, slice(start, start + size)))
        start += size
    return tuple(found)


def _chunk(call: Call, input: Rows, chunks: int, dim: Any = 0) -> Any:
    axis = input.axis(dim)
    if input.axes[axis] != ROW:
        raise _other_part(call, input.axes[axis], "parts")
    total = input.known().shape[input.place_in_row(axis)]
    return _split(call, input, -(-total // chunks), dim)


def _pad(call: Call, input: Rows, pad: Any, mode: Any = "constant", value: Any = None) -> Rows:
    return padded(call.where, input, pad, mode, value)


# --- sums, products, joins ------------------------------------------------------------------------


def _along_row(call: Call, rows: Rows, values: Any) -> NDArray[Any]:
    """A number or a tensor of the network, along the axes of the row."""
    array = np.asarray(values, np.float32)
    if array.ndim > rows.rank:
        raise ValueError(f"{call.where} has a tensor of shape {array.shape}; expected less")
    shape = (1,) * (rows.rank - array.ndim) + array.shape
    array = array.reshape(shape)
    for axis, size in enumerate(shape):
        if rows.axes[axis] != ROW and size != 1:
            raise ValueError(
                f"{call.where} has a tensor of shape {array.shape}; expected the same for each"
                " frame and sequence"
            )
    return array.reshape([size for axis, size in enumerate(shape) if rows.axes[axis] == ROW])


def _scaled(call: Call, rows: Rows, weight: Any, bias: Any) -> Rows:
    """Rows times a weight, plus a bias; None: there is none."""
    by = _along_row(call, rows, 1.0 if weight is None else weight)
    shift = None if bias is None else _along_row(call, rows, bias)
    return call.network.affine(rows, call.name, by, shift)


def _add(call: Call, input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return _sum(call, input, other, alpha)


def _sub(call: Call, input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return _sum(call, input, other, -alpha)


def _sum(call: Call, input: Any, other: Any, factor: Any) -> Any:
    if isinstance(input, Rows) and isinstance(other, Rows):
        if factor != 1:
            other = call.network.affine(
                other, f"{call.name}_scaled", np.array(factor, np.float32), None
            )
        return call.network.joined(Add, call.name, [input, other])
    if isinstance(input, Rows):
        return _scaled(call, input, None, np.multiply(other, factor))
    if isinstance(other, Rows):
        return _scaled(call, other, factor, input)
    return input + other * factor


def _mul(call: Call, input: Any, other: Any) -> Any:
    if isinstance(input, Rows) and isinstance(other, Rows):
        return call.network.joined(Mul, call.name, [input, other])
    if isinstance(input, Rows):
        return _scaled(call, input, other, None)
    if isinstance(other, Rows):
        return _scaled(call, other, input, None)
    return input * other


def _div(call: Call, input: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    if not isinstance(input, Rows) or isinstance(other, Rows) or rounding_mode is not None:
        if isinstance(input, Rows) or isinstance(other, Rows):
            raise ValueError(f"{call.where} divides by rows; expected a number or a tensor")
        return input / other
    return _scaled(call, input, 1 / np.asarray(other, np.float64), None)


def _neg(call: Call, input: Rows) -> Rows:
    return _scaled(call, input, -1.0, None)


def _cat(call: Call, tensors: Any, dim: Any = 0) -> Rows:
    if not all(isinstance(one, Rows) for one in tensors):
        raise ValueError(f"{call.where} sets something beside rows; expected rows alone")
    return call.network.side_by_side(call.name, list(tensors), dim)


def _glu(call: Call, input: Rows, dim: Any = -1) -> Rows:
    one, gate = _chunk(call, input, 2, dim)
    rows = call.network.in_order(gate, f"{call.name}_gate")
    opened = call.network.activation(rows, f"{call.name}_sigmoid", "sigmoid")
    return call.network.joined(Mul, call.name, [one, opened])


def _of_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of sizes, which are numbers."""

    def run(call: Call, *args: Any) -> Any:
        if any(not isinstance(one, int) for one in args):
            raise ValueError(f"{call.where} is {function.__name__} of a tensor; expected numbers")
        return function(*args)

    return run


FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{
            name: _plain(name)
            for name in ("relu", "sigmoid", "tanh", "silu", "softsign", "square", "sqrt")
        },
        "hardsigmoid": _plain("hard_sigmoid"),
        "softmax": _softmax("softmax"),
        "log_softmax": _softmax("log_softmax"),
        "gelu": _gelu,
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "hardtanh": _hardtanh,
        "relu6": _relu6,
        **dict.fromkeys(("clamp", "clip"), _clamp),
        **dict.fromkeys(
            ("dropout", "dropout1d", "dropout2d", "alpha_dropout", "contiguous", "clone", "detach"),
            _same,
        ),
        "permute": _permute,
        **dict.fromkeys(("transpose", "swapaxes", "swapdims"), _transpose),
        **dict.fromkeys(("movedim", "moveaxis"), _movedim),
        "unsqueeze": _unsqueeze,
        "squeeze": _squeeze,
        "flatten": _flatten,
        "unflatten": _unflatten,
        **dict.fromkeys(("reshape", "view"), _reshape),
        "size": _size,
        "getattr": _getattr,
        "dim": _dim,
        "getitem": _getitem,
        "narrow": _narrow,
        "split": _split,
        "chunk": _chunk,
        "pad": _pad,
        **dict.fromkeys(("add", "iadd"), _add),
        **dict.fromkeys(("sub", "isub", "subtract"), _sub),
        **dict.fromkeys(("mul", "imul", "multiply"), _mul),
        **dict.fromkeys(("div", "truediv", "itruediv", "divide"), _div),
        **dict.fromkeys(("neg", "negative"), _neg),
        **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
        "glu": _glu,
        "floordiv": _of_numbers(operator.floordiv),
    }
)
"""What is done for each function, by its name in PyTorch or in `operator`."""

# What changes its first argument, by its name in `operator`.
IN_PLACE = ("iadd", "isub", "imul", "itruediv")
