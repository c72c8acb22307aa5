"""ONNX operators that see a window: convolutions and pools, over time and inside of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.onnx.norms import reduced
from pylstm.convert.onnx.operators import Call, Tensor, Value, operator
from pylstm.convert.onnx.refusals import OtherAxisError
from pylstm.convert.onnx.rows import ZERO, Ids, Rows, View
from pylstm.layers import Conv, Pool
from pylstm.layers.layer import Layer

__all__: list[str] = []


@dataclass(frozen=True)
class _Axis:
    """What a window does along one axis of a tensor."""

    size: int = 1
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    @property
    def span(self) -> int:
        return (self.kernel - 1) * self.dilation + 1

    @property
    def outputs(self) -> int:
        return (self.size + self.before + self.after - self.span) // self.stride + 1

    @property
    def is_idle(self) -> bool:
        return (self.size, self.kernel, self.before, self.after) == (1, 1, 0, 0)


@dataclass(frozen=True)
class _Window:
    """The axes of a tensor as a layer sees them: time, and the positions of a row."""

    view: View
    n_axes: int
    """How many the kernel has."""
    time: _Axis
    positions: _Axis
    over: int | None
    """Which axis of the kernel goes over positions, and which over time; None: none."""
    in_time: int | None
    rows: Rows
    """What goes in, position by position."""
    number: int
    """Which of these rows is the first that the tensor has."""
    beyond: int = 0
    """Rows behind the end of the sequence that it gives, for a graph that cuts them off."""

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments of a `PositionLayer`, but for dilations."""
        return {
            "kernel_size": self.time.kernel,
            "stride": self.time.stride,
            "padding": (self.time.before, self.time.after),
            "positions": self.positions.size,
            "kernel_positions": self.positions.kernel,
            "stride_positions": self.positions.stride,
            "padding_positions": (self.positions.before, self.positions.after),
        }


def _window(call: Call, ids: Ids, kernel: Sequence[int]) -> _Window:
    """How a kernel meets a tensor (1, channels, axes ...), or one with time on the first axis."""
    ids, past, n_past, n_behind = _without_history(call, ids)
    view = call.graph.table.view(ids)
    n_axes = ids.ndim - 2
    if n_axes not in (1, 2) or len(kernel) != n_axes:
        call.refuse(f"its tensor has shape {ids.shape}", f"{2 + len(kernel)} dimensions")
    if view.axis == 1:
        call.refuse("time goes along the channels, axis 1", "time along another axis")
    if view.axis != 0 and ids.shape[0] != 1:
        call.refuse(f"its tensor has shape {ids.shape}", "a batch of 1")
    in_time = None if view.axis in (None, 0) else view.axis - 2
    if past is not None and view.axis is None and ids.shape[past] == 1:
        in_time = past - 2
    if past is not None and in_time != past - 2:
        call.refuse("a state stands before its rows along another axis than time", "that of time")
    axes = _axes(call, ids.shape[2:], kernel)
    columns = view.ids[None] if view.axis == 0 else view.ids
    if in_time is not None and view.axis is not None:
        columns = np.expand_dims(columns, view.axis)
    wide = [k for k in range(n_axes) if k != in_time and not axes[k].is_idle]
    if len(wide) > 1:
        raise OtherAxisError(
            f"its tensor has shape {ids.shape}; expected one axis of positions at most"
        )
    over = wide[0] if wide else None
    columns = columns.reshape(columns.shape[1], -1).T  # (positions, channels)
    positions = axes[over] if over is not None else _Axis()
    columns, positions = _without_edges(columns, positions)
    rows = call.graph.gathered(columns, call.name)
    numbers = (view.frames - rows.first) // rows.period
    time = axes[in_time] if in_time is not None else _Axis()
    before, after = view.before + time.before + n_past, view.after + time.after + n_behind
    if n_past and (n_past != time.span - 1 or before != n_past or time.stride > 1):
        call.refuse(
            f"{number_of(n_past, 'row')} of a state and pads {(before - n_past, after)} with a"
            f" stride of {time.stride} stand around its rows",
            f"{number_of(time.span - 1, 'row')}, as its kernel sees, no pads before them and a"
            " stride of 1",
        )
    if in_time is None and (before or after):
        call.refuse("zeros stand before or after the rows", "zeros along an axis of the kernel")
    if numbers[0] < 0 or numbers[-1] >= rows.n:
        call.refuse("its rows are not there", "rows of the frames that its inputs have")
    if (before and numbers[0] != 0) or (after and numbers[-1] != rows.n - 1):
        call.refuse("it takes zeros beside a part of the rows", "zeros beside all of them")
    if numbers[0] % time.stride:
        call.refuse(f"its first row is row {numbers[0]}", f"a multiple of its stride {time.stride}")
    # Padding on both sides that is cut off at the end again is causal.
    beyond = max(0, before + after - (time.span - 1))
    if beyond and (time.stride > 1 or beyond > after):
        beyond = 0  # the layer refuses its padding
    time = _Axis(len(numbers), time.kernel, time.stride, time.dilation, before, after - beyond)
    return _Window(view, n_axes, time, positions, over, in_time, rows, int(numbers[0]), beyond)


def _without_history(call: Call, ids: Ids) -> tuple[Ids, int | None, int, int]:
    """A tensor without the rows before it that a state brings; their axis, how many there are, and
    how many zeros stand behind all, which are left out too.

    They are the last rows of the call before, and zeros at the beginning, as causal padding is.
    """
    table = call.graph.table
    if "state" not in table.kinds(ids):
        return ids, None, 0, 0
    for axis in range(2, ids.ndim):
        rows = np.moveaxis(ids, axis, 0)
        brought = [table.kinds(one) == {"state"} for one in rows]
        n = sum(brought)
        if 0 < n < len(rows) and all(brought[:n]) and "state" not in table.kinds(rows[n:]):
            there = np.flatnonzero((rows != ZERO).reshape(len(rows), -1).any(axis=1))
            seen = rows[: there[-1] + 1]
            call.graph.carried.append((rows[:n].ravel(), seen[-n:].ravel()))
            return np.moveaxis(seen[n:], 0, axis), axis, n, len(rows) - len(seen)
    call.refuse("it takes values of a state", "rows, with those of a state before them in time")
    raise AssertionError


def _without_edges(columns: Ids, axis: _Axis) -> tuple[Ids, _Axis]:
    """Zeros at the ends of positions are padding."""
    there = np.flatnonzero((columns != ZERO).any(axis=1))
    first, last = int(there[0]), int(there[-1])
    before, after = axis.before + first, axis.after + len(columns) - 1 - last
    kept = columns[first : last + 1]
    return kept, _Axis(len(kept), axis.kernel, axis.stride, axis.dilation, before, after)


def _axes(call: Call, sizes: Sequence[int], kernel: Sequence[int]) -> list[_Axis]:
    n = len(kernel)
    strides = _counts(call, "strides", [1] * n, 1)
    dilations = _counts(call, "dilations", [1] * n, 1)
    pads = _counts(call, "pads", [0] * (2 * n), 0)
    mode = call.attribute("auto_pad", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    found = []
    for k in range(n):
        before, after = pads[k], pads[n + k]
        if mode == "VALID":
            before = after = 0
        elif mode != "NOTSET":
            span = (kernel[k] - 1) * dilations[k] + 1
            wanted = max(0, (-(-sizes[k] // strides[k]) - 1) * strides[k] + span - sizes[k])
            if strides[k] > 1:
                call.graph.note(
                    f"The padding of {call.name} is that for a length of {sizes[k]}: {mode} changes"
                    " with the length."
                )
            small = wanted // 2
            before, after = (
                (small, wanted - small) if mode == "SAME_UPPER" else (wanted - small, small)
            )
        found.append(_Axis(sizes[k], kernel[k], strides[k], dilations[k], before, after))
    return found


def _counts(call: Call, name: str, usual: list[int], least: int) -> list[int]:
    value = list(call.attribute(name, usual))
    if len(value) != len(usual) or min(value) < least:
        call.refuse(
            f"{name} is {value}", f"{number_of(len(usual), 'whole number')} from {least} on"
        )
    return value


def _placed(call: Call, window: _Window, layer: Layer, channels: int) -> Ids:
    """The tensor that a layer gives."""
    new = call.graph.add(layer, [window.rows], call.name)
    view, q = window.view, window.positions.outputs
    columns = np.arange(q * channels).reshape(q, channels).T
    kept = [k for k in range(window.n_axes) if k != window.in_time or view.axis is None]
    shape = [q if k == window.over else 1 for k in kept]
    columns = columns.reshape(channels, *shape)
    if view.axis != 0:
        columns = columns[None]
    if window.in_time is None:
        numbers = window.number + np.arange(len(view.frames))
    else:
        numbers = window.number // window.time.stride + np.arange(window.time.outputs)
    found = call.graph.at(new, numbers, columns, view.axis)
    if not window.beyond:
        return found
    name = f"{new.name}, behind the end"
    rest = call.graph.table.add(name, "beyond", window.beyond, new.width)
    if view.axis is not None:
        more = call.graph.at(rest, np.arange(window.beyond), columns, view.axis)
        return np.concatenate([found, more], view.axis)
    assert window.in_time is not None
    each = [call.graph.at(rest, np.array([k]), columns, None) for k in range(window.beyond)]
    return np.concatenate([found, *each], window.in_time + 2)


# --- convolutions ---------------------------------------------------------------------------------


@operator("Conv", "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
def _conv(call: Call) -> Value:
    ids, weight = call.ids(), call.weights(1)
    groups = call.attribute("group", 1)
    if weight.ndim != ids.ndim or groups < 1 or weight.shape[1] * groups != ids.shape[1]:
        call.refuse(
            f"{call.input_name(1)} has shape {weight.shape} and group is {groups}",
            f"weights for a tensor {ids.shape}",
        )
    kernel = list(weight.shape[2:])
    call.only("kernel_shape", kernel)
    window = _window(call, ids, kernel)
    weights = {"weight": _arranged(weight, window)}
    if call.has(2):
        weights["bias"] = call.weights(2)
        if weights["bias"].shape != (len(weight),):
            shape = weights["bias"].shape
            call.refuse(f"{call.input_name(2)} has shape {shape}", f"{(len(weight),)}")
    layer = Conv(
        window.rows.width,
        len(weight),
        groups=groups,
        bias=call.has(2),
        dilation=window.time.dilation,
        dilation_positions=window.positions.dilation,
        weights=weights,
        **window.settings,
    )
    return Tensor(_placed(call, window, layer, len(weight)))


def _arranged(weight: NDArray[np.float32], window: _Window) -> NDArray[np.float32]:
    """Weights (outputs, channels, time, positions), as the layer has them."""
    last = [k + 2 for k in (window.in_time, window.over) if k is not None]
    idle = [k for k in range(2, weight.ndim) if k not in last]
    moved = weight.transpose(0, 1, *idle, *last).reshape(
        *weight.shape[:2], window.time.kernel, window.positions.kernel
    )
    return np.ascontiguousarray(moved if window.positions.kernel > 1 else moved[..., 0])


# --- pools ----------------------------------------------------------------------------------------

_POOL = ("auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides")


def _pool(call: Call, mode: Any, counted: bool) -> Tensor:
    ids = call.ids()
    kernel = list(call.attribute("kernel_shape", []))
    call.only("ceil_mode", 0)
    if set(call.attribute("dilations", [1])) != {1}:
        call.refuse(f"dilations is {call.attribute('dilations', [1])}", "1 along each axis")
    if not kernel or min(kernel) < 1:
        call.refuse(f"kernel_shape is {kernel}", "whole numbers from 1 on")
    if (ids == ZERO).any():
        call.refuse("it takes zeros beside values of rows", "pads as an attribute of it")
    window = _window(call, ids, kernel)
    if (window.time.before or window.time.after) and not (mode == "mean" and counted):
        call.refuse(
            f"pads is {call.attribute('pads', [])} along time",
            "no padding, or a mean with count_include_pad 1",
        )
    layer = Pool(window.rows.width, mode, count_include_pad=counted, **window.settings)
    return Tensor(_placed(call, window, layer, ids.shape[1]))


@operator("MaxPool", *_POOL, "storage_order")
def _max_pool(call: Call) -> list[Value]:
    return [_pool(call, "max", False), None]


@operator("AveragePool", *_POOL, "count_include_pad")
def _average_pool(call: Call) -> Value:
    return _pool(call, "mean", bool(call.attribute("count_include_pad", 0)))


@operator("GlobalAveragePool")
def _global_average(call: Call) -> Value:
    return _over_all(call, "mean")


@operator("GlobalMaxPool")
def _global_max(call: Call) -> Value:
    return _over_all(call, "max")


def _over_all(call: Call, mode: Any) -> Value:
    ids = call.ids()
    return Tensor(reduced(call.graph, ids, range(2, ids.ndim), mode, call.name))
