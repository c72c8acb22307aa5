"""Convolutions, pools and zeros around a tensor, over time and over the positions of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.torch.call import Call
from pylstm.convert.torch.rows import ROW, TIME, OtherAxes, Rows
from pylstm.layers import Conv, Pool

__all__ = ["average_pool", "convolution", "max_pool", "padded", "zeros_around"]

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """What a window is along one dimension."""

    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    padding: Pair = (0, 0)


def _dimensions(rows: Rows, dims: int, where: str) -> tuple[int | None, int | None]:
    """Which of the last dimensions is time and which goes over positions."""
    last = rows.axes[-dims:]
    before = rows.axes[: -dims - 1]
    fits = rows.rank > dims and rows.axes[-dims - 1] == ROW and ROW not in before
    if not fits or set(last) - {TIME, ROW} or last.count(ROW) > 1 or last.count(TIME) > 1:
        wanted = "(batch, channels, time)" if dims == 1 else "(batch, channels, time, bands)"
        raise OtherAxes(f"{where} takes {rows.described}; expected one such as {wanted}")
    time = last.index(TIME) if TIME in last else None
    over = last.index(ROW) if ROW in last else None
    return time, over


def _windows(module: Any, rows: Rows, dims: int, where: str) -> tuple[Window, Window, int | None]:
    """The window in time, the one over positions, and which dimension that is."""
    time, over = _dimensions(rows, dims, where)

    def numbers(name: str, default: Any) -> tuple[Any, ...]:
        value = getattr(module, name, default)
        value = numbers("kernel_size", 1) if value is None else value
        return tuple(value) if isinstance(value, tuple | list) else (value,) * dims

    kernels, dilations = numbers("kernel_size", 1), numbers("dilation", 1)
    strides, paddings = numbers("stride", 1), numbers("padding", 0)
    found = []
    for dim in (time, over):
        if dim is None:
            found.append(Window())
            continue
        beside = (kernels[dim] - 1) * dilations[dim]
        padding = paddings[dim]
        low, high = (padding, padding) if isinstance(padding, int) else (0, 0)
        if getattr(module, "padding", 0) == "same":
            low, high = beside // 2, beside - beside // 2
        around = rows.pads[rows.rank - dims + dim]
        found.append(
            Window(
                kernels[dim],
                strides[dim],
                dilations[dim],
                (low + around[0], high + around[1]),
            )
        )
    return found[0], found[1], over


def convolution(
    net: Any, module: Any, call: Call, rows: Rows, tensors: Mapping[str, NDArray[Any]]
) -> Rows:
    """``nn.Conv1d`` or ``nn.Conv2d``."""
    weight = tensors["weight"]
    dims = weight.ndim - 2
    if module.padding_mode != "zeros":
        raise ValueError(f"{call.where} has padding_mode={module.padding_mode!r}; expected 'zeros'")
    in_time, over_row, over = _windows(module, rows, dims, call.where)
    if rows.columns is None and over is None:
        call.wide(rows, (module.in_channels,))
    if call.cut:
        in_time = _cut(in_time, call.cut, call.where)
    columns = rows.known()
    if columns.shape[0] != module.in_channels:
        raise ValueError(
            f"{call.where} takes {module.in_channels} channels, but there come {columns.shape[0]}"
        )
    rows = replace(rows, padding=())
    if dims == 1 and over is not None:
        weight = weight[:, :, None]
    elif dims == 2 and over == 0:
        weight = weight.transpose(0, 1, 3, 2)
    if weight.ndim == 4 and over_row.kernel == 1:
        weight = weight[..., 0]
    positions = 1
    if over is not None:
        rows = net.in_order(rows, call.name, by_position=True)
        positions = columns.shape[1]
    elif module.groups == 1:
        rows, order = net.order(rows, call.name)
        ordered = np.empty((len(weight), len(order), *weight.shape[2:]), np.float32)
        ordered[:, order] = weight
        weight = ordered
    else:
        rows = net.in_order(rows, call.name)
    weights = {"weight": weight}
    if "bias" in tensors:
        weights["bias"] = tensors["bias"]
    layer = Conv(
        net.width(rows),
        module.out_channels,
        in_time.kernel,
        in_time.stride,
        in_time.padding,
        in_time.dilation,
        module.groups,
        "bias" in tensors,
        weights=weights,
        positions=positions,
        kernel_positions=over_row.kernel,
        stride_positions=over_row.stride,
        dilation_positions=over_row.dilation,
        padding_positions=over_row.padding,
    )
    return _by_channel(net, call, layer, rows, over)


def _cut(window: Window, rest: int, where: str) -> Window:
    """Without the last rows, which the zeros of the padding make."""
    left, right = window.padding
    if window.stride != 1 or rest > right:
        raise ValueError(
            f"{where} makes {rest} rows that are cut off; expected a stride of 1 and at most"
            f" {right}, the rows of zeros that it pads with at the end"
        )
    return replace(window, padding=(left, right - rest))


def _by_channel(net: Any, call: Call, layer: Any, rows: Rows, over: int | None) -> Rows:
    """Adds a layer; its rows go position by position, and PyTorch's channel by channel."""
    channels = layer.n_outputs // layer.output_positions
    if over is None:
        return net.add(call.name, layer, [rows], (channels,))
    found = net.add(call.name, layer, [rows], (layer.output_positions, channels))
    return replace(found, columns=found.known().T)


def max_pool(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    """``nn.MaxPool1d`` or ``nn.MaxPool2d``."""
    if module.return_indices:
        raise ValueError(f"{call.where} has return_indices=True; expected False")
    return _pool(net, module, call, rows, "max")


def average_pool(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    """``nn.AvgPool1d`` or ``nn.AvgPool2d``."""
    if getattr(module, "divisor_override", None) is not None:
        raise ValueError(
            f"{call.where} has divisor_override={module.divisor_override}; expected None"
        )
    return _pool(net, module, call, rows, "mean")


def _pool(net: Any, module: Any, call: Call, rows: Rows, mode: Any) -> Rows:
    dims = 2 if type(module).__name__.endswith("2d") else 1
    if module.ceil_mode:
        raise ValueError(f"{call.where} has ceil_mode=True; expected False")
    if rows.is_padded:
        raise ValueError(f"{call.where} takes zeros around a tensor; expected none")
    in_time, over_row, over = _windows(module, rows, dims, call.where)
    if (in_time.dilation, over_row.dilation) != (1, 1):
        raise ValueError(f"{call.where} has dilation={module.dilation}; expected 1")
    counts = mode == "mean" and module.count_include_pad
    if in_time.padding != (0, 0) and not counts:
        raise ValueError(
            f"{call.where} pads time with what does not count; expected padding=0 in time"
        )
    columns = rows.known()
    settings: dict[str, Any] = {"count_include_pad": counts} if mode == "mean" else {}
    kept = None
    if over is None:
        kept = columns
    else:
        rows = net.in_order(rows, call.name, by_position=True)
        settings["positions"] = columns.shape[1]
    layer = Pool(
        net.width(rows),
        mode,
        in_time.kernel,
        in_time.stride,
        in_time.padding,
        kernel_positions=over_row.kernel,
        stride_positions=over_row.stride,
        padding_positions=over_row.padding,
        **settings,
    )
    if kept is None:
        return _by_channel(net, call, layer, rows, over)
    return replace(net.add(call.name, layer, [rows]), columns=kept)


def zeros_around(net: Any, module: Any, call: Call, rows: Rows) -> Rows:
    """``nn.ZeroPad1d`` and its kin."""
    return padded(call.where, rows, module.padding, "constant", getattr(module, "value", 0))


def padded(where: str, rows: Rows, pad: Any, mode: Any = "constant", value: Any = None) -> Rows:
    """As ``torch.nn.functional.pad`` with zeros: what the next convolution is to see."""
    if mode != "constant" or value not in (None, 0):
        raise ValueError(f"{where} pads with mode={mode!r}, value={value}; expected zeros")
    numbers = list(pad)
    if not all(isinstance(one, int) for one in numbers) or len(numbers) % 2:
        raise ValueError(f"{where} pads with {numbers}; expected pairs of whole numbers")
    pads = list(rows.pads)
    for k in range(0, len(numbers), 2):
        axis = rows.rank - 1 - k // 2
        if axis < 0:
            raise OtherAxes(
                f"{where} pads {number_of(len(numbers) // 2, 'dimension')}; expected at most"
                f" {rows.rank}, of {rows.described}"
            )
        low, high = numbers[k : k + 2]
        if (low or high) and (low < 0 or high < 0 or rows.axes[axis] not in (TIME, ROW)):
            raise ValueError(
                f"{where} pads with {(low, high)}; expected zeros around time or around values"
            )
        pads[axis] = (pads[axis][0] + low, pads[axis][1] + high)
    return replace(rows, padding=tuple(pads))
