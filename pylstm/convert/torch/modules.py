"""PyTorch's modules as layers that take the rows of a network."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.torch.call import Call
from pylstm.convert.torch.composed_functions import hard_swish, selu
from pylstm.convert.torch.convolutions import average_pool, convolution, max_pool, zeros_around
from pylstm.convert.torch.embedding import Symbols, embedded
from pylstm.convert.torch.norms import batch_norm, layer_norm
from pylstm.convert.torch.parametrisations import computed_weights, refuse_other_computations
from pylstm.convert.torch.rows import BATCH, ROW, TIME, OtherAxes, Rows
from pylstm.convert.torch.state_dict import QUANTISED, layer_from_tensors
from pylstm.convert.torch.tensors import Wanted

if TYPE_CHECKING:
    from torch import nn

__all__ = ["applied", "is_known", "kind_of", "refusal", "tensors_of", "unwrapped"]

# What wrappers hold the module in that they run.
_INSIDE = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "AveragedModel": "module",
}


def unwrapped(module: nn.Module) -> nn.Module:
    """What torch.compile, DataParallel and the like have been given."""
    while (inside := _INSIDE.get(type(module).__name__)) and type(module).__module__.startswith(
        "torch."
    ):
        module = getattr(module, inside)
    return module


def tensors_of(module: nn.Module, where: str, dtype: Wanted) -> dict[str, NDArray[Any]]:
    """The weights of one module, as it uses them.

    Raises
    ------
    TypeError, ValueError
        They are of another type than float32, or something unknown has a hand in them.
    """
    if _is_quantised(module):
        return _dequantised(module, where, dtype)
    refuse_other_computations(module, where)
    state = dict(module.state_dict())
    state.pop("num_batches_tracked", None)  # of a batch norm: it is no part of what it gives
    return computed_weights(state, where, dtype)


def _is_quantised(module: nn.Module) -> bool:
    # torch.ao is quantisation: quantised modules, and those that learn to be.
    return type(module).__module__.startswith("torch.ao.")


def _dequantised(module: nn.Module, where: str, dtype: Wanted) -> dict[str, NDArray[Any]]:
    """The weights of a dynamically quantised LSTM, GRU or Linear, as their scales say."""
    kind = type(module)
    shown = f"{where} is a quantised {kind.__name__} ({kind.__module__})"
    if not kind.__module__.startswith("torch.ao.nn.quantized.dynamic") or kind.__name__ not in (
        "LSTM",
        "GRU",
        "Linear",
    ):
        raise ValueError(f"{shown}; {QUANTISED}")
    if dtype is None:
        raise ValueError(
            f"{shown}; {QUANTISED}, or pass dtype='float32' for the weights that its scales say"
        )
    import torch

    found: dict[str, Any] = {}
    if kind.__name__ == "Linear":
        quantised: Any = module
        found = {"weight": quantised.weight(), "bias": quantised.bias()}
    else:
        recurrent: Any = module
        if recurrent.dtype != torch.qint8:
            raise ValueError(f"{shown} of {recurrent.dtype}; {QUANTISED}")
        parts = recurrent._weight_bias()
        found = {**parts["weight"], **parts["bias"]}
    present = {name: value for name, value in found.items() if value is not None}
    return computed_weights(present, where, dtype)


@functools.cache
def _kinds() -> Mapping[Any, Callable[..., Rows]]:
    """What is done for each module of PyTorch."""
    from torch import nn
    from torch.ao.nn.quantized import dynamic

    same = dict.fromkeys(
        (
            nn.Identity,
            nn.Dropout,
            nn.Dropout1d,
            nn.Dropout2d,
            nn.AlphaDropout,
            nn.FeatureAlphaDropout,
        ),
        _same,
    )
    return {
        **dict.fromkeys((nn.LSTM, nn.GRU, nn.RNN, dynamic.LSTM, dynamic.GRU), _recurrent),
        **dict.fromkeys((nn.LSTMCell, nn.GRUCell, nn.RNNCell), _cell),
        nn.Embedding: _embedding,
        nn.Linear: _linear,
        dynamic.Linear: _linear,
        **dict.fromkeys((nn.Conv1d, nn.Conv2d), _convolution),
        **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), _batch_norm),
        nn.LayerNorm: _layer_norm,
        nn.PReLU: _prelu,
        nn.SELU: lambda net, module, call, rows: selu(call, rows),
        nn.Hardswish: lambda net, module, call, rows: hard_swish(call, rows),
        **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d), max_pool),
        **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d), average_pool),
        **dict.fromkeys(
            (nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d), zeros_around
        ),
        nn.Flatten: lambda net, module, call, rows: rows.flatten(module.start_dim, module.end_dim),
        nn.Unflatten: lambda net, module, call, rows: rows.unflatten(
            module.dim, module.unflattened_size
        ),
        **same,
        **{kind: _activation for kind in _activations()},
    }


@functools.cache
def _activations() -> Mapping[Any, Callable[[Any], tuple[str, dict[str, Any]]]]:
    """The function that each module is, with its numbers."""
    from torch import nn

    return {
        nn.Sigmoid: lambda m: ("sigmoid", {}),
        nn.Tanh: lambda m: ("tanh", {}),
        nn.ReLU: lambda m: ("relu", {}),
        nn.ReLU6: lambda m: ("clipped_relu", {"low": 0.0, "high": 6.0}),
        nn.Hardtanh: lambda m: (
            "clipped_relu",
            {"low": float(m.min_val), "high": float(m.max_val)},
        ),
        nn.LeakyReLU: lambda m: ("leaky_relu", {"alpha": float(m.negative_slope)}),
        nn.ELU: lambda m: ("elu", {"alpha": float(m.alpha)}),
        nn.GELU: lambda m: ("gelu" if m.approximate == "none" else "gelu_tanh", {}),
        nn.SiLU: lambda m: ("silu", {}),
        nn.Softsign: lambda m: ("softsign", {}),
        nn.Hardsigmoid: lambda m: ("hard_sigmoid", {}),
        nn.Softmax: lambda m: ("softmax", {"dim": m.dim}),
        nn.LogSoftmax: lambda m: ("log_softmax", {"dim": m.dim}),
    }


def kind_of(module: Any) -> Any:
    """Which of PyTorch's modules it is, or None.

    A subclass may compute something else; only what runs PyTorch's own forward is known.
    """
    kinds: tuple[Any, ...] = type(module).__mro__
    for kind in kinds:
        if kind in _kinds():
            same = type(module).forward is kind.forward
            own = getattr(kind, "_conv_forward", None)
            same = same and getattr(type(module), "_conv_forward", None) is own
            return kind if same else None
    return None


def is_known(module: nn.Module) -> bool:
    """Whether `applied` can do something with it."""
    return kind_of(module) is not None


def applied(module: nn.Module, call: Call, rows: Any) -> Rows:
    """What the module makes of rows.

    Raises
    ------
    TypeError, ValueError
        It cannot be expressed.
    """
    kind = kind_of(module)
    if kind is None:
        raise ValueError(refusal(module, call.where))
    if isinstance(rows, Symbols) and kind.__name__ not in ("Embedding", "Identity"):
        raise ValueError(
            f"{call.where} takes the numbers of symbols; expected nn.Embedding, or one_hot=False"
        )
    return _kinds()[kind](call.network, module, call, rows)


def refusal(module: nn.Module, where: str) -> str:
    """Why a module is none of those that are known."""
    name = type(module).__name__
    if _is_quantised(module):
        return f"{where} is a quantised {name} ({type(module).__module__}); {QUANTISED}"
    return (
        f"{where} is of type {name}; expected nn.LSTM, nn.GRU, nn.RNN, a cell of these, nn.Linear,"
        " nn.Conv1d, nn.Conv2d, a norm, an activation, or nn.Sequential; for a model of your own,"
        " pass its parts one by one, or its state_dict() with a prefix"
    )


# --- one module each ------------------------------------------------------------------------------


def _same(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    """Does nothing at inference."""
    return rows


def _recurrent(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    nonlinearity: Any = getattr(module, "nonlinearity", "linear")
    tensors = tensors_of(module, call.where, call.dtype)
    layer = layer_from_tensors(tensors, "", nonlinearity, call.where)
    if rows.columns is None:
        call.wide(rows, (layer.input_size,))
    if call.by_frame:
        return _of_one_frame(net, module, call, rows)
    along = (BATCH, TIME, ROW) if module.batch_first else (TIME, BATCH, ROW)
    # A chain that nobody has written as a forward pass says nothing about sequences.
    fits = {along, (TIME, ROW), along[1::-1] + (ROW,)} if call.in_sequence else {along, (TIME, ROW)}
    one = _batch_of_one(rows, module.batch_first)
    if one is not None:
        return _recurrent(net, module, call, rows.squeeze(one)).unsqueeze(one)
    if rows.axes not in fits:
        wanted = "batch_first=True" if module.batch_first else "batch_first=False"
        raise OtherAxes(
            f"{call.where} with {wanted} takes {rows.described}; expected"
            f" {replace(rows, axes=along).described}"
        )
    call.wide(rows, (layer.input_size,))
    return net.add(call.name, *_ordered(net, call, layer, rows))


def _batch_of_one(rows: Rows, batch_first: bool) -> int | None:
    """The axis that stands where sequences do, and has one value."""
    axis = 0 if batch_first else 1
    if rows.rank != 3 or rows.axes[axis] != ROW or rows.axes[1 - axis] != TIME:
        return None
    return axis if rows.columns is not None and rows.columns.shape[0] == 1 else None


def _of_one_frame(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    """A recurrent module whose call has one frame, along an axis of one value."""
    axis = 1 if module.batch_first and rows.rank == 3 else 0
    shape = rows.known().shape
    alone = rows.axes[axis] == ROW and len(shape) == 2 and shape[rows.place_in_row(axis)] == 1
    if not alone:
        raise OtherAxes(
            f"{call.where} takes {rows.described} in a call of one frame; expected one value along"
            " the axis of its time, as x.unsqueeze(1) has with batch_first=True"
        )
    return _cell(net, module, call, rows.squeeze(axis)).unsqueeze(axis)


def _cell(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    if TIME in "".join(rows.axes) and not call.in_sequence:
        raise OtherAxes(
            f"{call.where} is of type {type(module).__name__}, one step of a loop; expected"
            f" nn.{type(module).__name__.removesuffix('Cell')}, which has the loop inside, a"
            " forward pass of one frame a call with its state as argument and result, or the cell"
            " by itself: from_torch(cell)"
        )
    nonlinearity: Any = getattr(module, "nonlinearity", "linear")
    tensors = tensors_of(module, call.where, call.dtype)
    layer = layer_from_tensors(tensors, "", nonlinearity, call.where)
    call.wide(rows, (layer.input_size,))
    return net.add(call.name, *_ordered(net, call, layer, rows))


def _ordered(net: Any, call: Call, layer: Any, rows: Rows) -> tuple[Any, list[Rows]]:
    """A recurrent layer for rows whose values stand in another order, and these."""
    rows, order = net.order(rows, call.name)
    weights = {
        name: _by_column(array, order) if name.startswith("weight_ih_l0") else array
        for name, array in layer.weights.items()
    }
    return layer.with_weights(weights), [rows]


def _linear(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    layer: Any = layer_from_tensors(
        tensors_of(module, call.where, call.dtype), "", "linear", call.where
    )
    if rows.axes[-1] != ROW:
        raise OtherAxes(
            f"{call.where} takes {rows.described}; expected one whose last dimension is of values"
        )
    call.wide(rows, (layer.input_size,))
    if len(rows.row_axes) == 1:
        rows, order = net.order(rows, call.name)
        weights = {**layer.weights, "weight": _by_column(layer.weights["weight"], order)}
        return net.add(call.name, layer.with_weights(weights), [rows])
    # The same for each of the other axes: a convolution that sees one position.
    shape = rows.known().shape
    positions = int(np.prod(shape[:-1]))
    from pylstm.layers import Conv

    weights = {**layer.weights, "weight": layer.weights["weight"][:, :, None]}
    same = Conv(
        layer.input_size * positions,
        layer.output_size,
        bias=layer.bias,
        positions=positions,
        weights=weights,
    )
    return net.add(
        call.name, same, [net.in_order(rows, call.name)], (*shape[:-1], layer.output_size)
    )


def _by_column(weight: NDArray[Any], order: NDArray[np.intp]) -> NDArray[Any]:
    """A matrix for rows whose values stand in another order."""
    found = np.empty_like(weight)
    found[:, order] = weight
    return found


def _convolution(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    return convolution(net, module, call, rows, tensors_of(module, call.where, call.dtype))


def _batch_norm(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    return batch_norm(net, module, call, rows, tensors_of(module, call.where, call.dtype))


def _layer_norm(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    return layer_norm(net, module, call, rows, tensors_of(module, call.where, call.dtype))


def _embedding(net: Any, module: Any, call: Call, symbols: Any) -> Rows:
    return embedded(net, module, call, symbols, tensors_of(module, call.where, call.dtype))


def _prelu(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    if rows.columns is None:
        return rows
    slopes = tensors_of(module, call.where, call.dtype)["weight"]
    if len(slopes) == 1:
        return net.activation(rows, call.name, "prelu", weights={"weight": slopes})
    if rows.rank < 2 or rows.axes[1] != ROW:
        raise OtherAxes(
            f"{call.where} has {number_of(len(slopes), 'slope')} and takes {rows.described};"
            " expected one whose second dimension is of values"
        )
    columns, place = rows.known(), rows.place_in_row(1)
    if columns.shape[place] != len(slopes):
        raise ValueError(
            f"{call.where} has {number_of(len(slopes), 'slope')}, but there come"
            f" {number_of(columns.shape[place], 'channel')}"
        )
    width = net.width(rows)
    spread = np.ones(width, np.float32)
    behind = [1] * (columns.ndim - 1 - place)
    spread[columns] = np.broadcast_to(slopes.reshape(-1, *behind), columns.shape)
    return net.activation(
        rows, call.name, "prelu", num_parameters=width, weights={"weight": spread}
    )


def _activation(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    function, settings = _activations()[kind_of(module)](module)
    return call.activation(rows, function, shown=f"a {type(module).__name__}", **settings)
