"""PyTorch's functions and the methods of its tensors as layers that take the rows of a network."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.torch.call import Call
from pylstm.convert.torch.composed_functions import COMPOSED
from pylstm.convert.torch.rows import ROW, Length, Rows
from pylstm.convert.torch.states import GivenState, LastState, Zeros
from pylstm.convert.torch.views import VIEWS, chunk
from pylstm.layers import Add, Mul

__all__ = ["FUNCTIONS", "IN_PLACE", "OF_STATES"]


def _plain(function: str) -> Callable[..., Any]:
    """An activation without numbers."""

    def run(call: Call, input: Rows, inplace: bool = False) -> Rows:
        return call.activation(input, function, shown=function)

    return run


def _same(call: Call, input: Any, **settings: Any) -> Any:
    """The same numbers."""
    return input


def _dropout(
    call: Call, input: Rows, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Rows:
    """Nothing, if it is for training alone."""
    if training and p:
        raise ValueError(
            f"{call.where} drops values at inference as well; expected training=self.training"
        )
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


# --- sums, products, joins ------------------------------------------------------------------------


def _along_row(call: Call, rows: Rows, values: Any) -> NDArray[Any]:
    """A number or a tensor of the network, along the axes of the row."""
    array = np.asarray(_number(call, values), np.float32)
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
        return _scaled(call, input, None, np.multiply(_number(call, other), factor))
    if isinstance(other, Rows):
        return _scaled(call, other, factor, input)
    return _number(call, input) + _number(call, other) * factor


def _number(call: Call, value: Any) -> Any:
    """A number or a tensor of the network, and no length of a signal."""
    if isinstance(value, int | float | np.ndarray | np.number):
        return value
    raise ValueError(
        f"{call.where} computes with how long a signal is; expected numbers that are known before"
    )


def _mul(call: Call, input: Any, other: Any) -> Any:
    if isinstance(input, Rows) and isinstance(other, Rows):
        return call.network.joined(Mul, call.name, [input, other])
    if isinstance(input, Rows):
        return _scaled(call, input, other, None)
    if isinstance(other, Rows):
        return _scaled(call, other, input, None)
    if isinstance(input, Length) and isinstance(other, Length):
        return Length(input.axis + other.axis)
    return _number(call, input) * _number(call, other)


def _div(call: Call, input: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    if not isinstance(input, Rows) or isinstance(other, Rows) or rounding_mode is not None:
        if isinstance(input, Rows) or isinstance(other, Rows):
            raise ValueError(f"{call.where} divides by rows; expected a number or a tensor")
        return _number(call, input) / _number(call, other)
    return _scaled(call, input, 1 / np.asarray(other, np.float64), None)


def _neg(call: Call, input: Rows) -> Rows:
    return _scaled(call, input, -1.0, None)


def _cat(call: Call, tensors: Any, dim: Any = 0) -> Any:
    if all(isinstance(one, LastState) for one in tensors):
        return tuple(tensors)
    _only_rows(call, tensors)
    return call.network.side_by_side(call.name, list(tensors), dim)


def _stack(call: Call, tensors: Any, dim: Any = 0) -> Any:
    if all(isinstance(one, LastState | GivenState) for one in tensors):
        return tuple(tensors)
    _only_rows(call, tensors)
    return call.network.side_by_side(call.name, [one.unsqueeze(dim) for one in tensors], dim)


def _repeated(call: Call, input: Any, *sizes: Any, **named: Any) -> Any:
    """A number or a tensor of the network for each sequence."""
    if isinstance(input, np.ndarray | Zeros):
        return input
    raise ValueError(f"{call.where} repeats rows; expected each value once")


def _only_rows(call: Call, tensors: Any) -> None:
    if not all(isinstance(one, Rows) for one in tensors):
        raise ValueError(f"{call.where} sets something beside rows; expected rows alone")


def _glu(call: Call, input: Rows, dim: Any = -1) -> Rows:
    one, gate = chunk(call, input, 2, dim)
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
        **COMPOSED,
        **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "alpha_dropout"), _dropout),
        **dict.fromkeys(("contiguous", "clone", "detach", "float", "long", "int"), _same),
        **VIEWS,
        **dict.fromkeys(("add", "iadd"), _add),
        **dict.fromkeys(("sub", "isub", "subtract"), _sub),
        **dict.fromkeys(("mul", "imul", "multiply"), _mul),
        **dict.fromkeys(("div", "truediv", "itruediv", "divide"), _div),
        **dict.fromkeys(("neg", "negative"), _neg),
        **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
        "stack": _stack,
        **dict.fromkeys(("expand", "repeat"), _repeated),
        "glu": _glu,
        "floordiv": _of_numbers(operator.floordiv),
    }
)
"""What is done for each function, by its name in PyTorch or in `operator`."""

# What changes its first argument, by its name in `operator`.
IN_PLACE = ("iadd", "isub", "imul", "itruediv")

# What may be done with states: it leaves their values as they are.
OF_STATES = (
    *("getitem", "select", "squeeze", "stack", "cat", "concat", "concatenate"),
    *("to", "contiguous", "clone", "detach", "float"),
)
