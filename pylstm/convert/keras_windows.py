"""Convolutions and pools of Keras, over time and positions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pylstm.convert.json_document import Entry
from pylstm.convert.keras_file import LayerTensors
from pylstm.convert.keras_options import KerasRow, sizes_of
from pylstm.layers import Conv, Layer, Pool

__all__ = ["convolution", "pool"]


def convolution(
    class_name: str, entry: Entry, tensors: LayerTensors, row: KerasRow, *, inside: bool = False
) -> tuple[list[Layer], KerasRow]:
    """The convolution that a Conv1D, Conv2D, DepthwiseConv1D or DepthwiseConv2D is.

    Parameters
    ----------
    class_name : str
        Which of them.
    entry, tensors, row
        Its options, its weights and what goes in.
    inside : bool
        Whether it is in a TimeDistributed: then it runs over the positions of each frame alone.

    Returns
    -------
    list of Layer, KerasRow
        Without the activation.
    """
    n = 2 if class_name.endswith("2D") else 1
    _check_dimensions(entry, row, n, inside)
    kernel, stride, dilation = (
        sizes_of(entry, key, n) for key in ("kernel_size", "strides", "dilation_rate")
    )
    bias = entry.one_of("use_bias", (True, False))
    if class_name.startswith("Depthwise"):
        groups, multiplier = row.channels, entry.size("depth_multiplier")
        filters = groups * multiplier
        entry.take_or("groups", None)  # of the class above, always 1
        entry.take_or("filters", None)
        given: dict[str, tuple[int, ...]] = {"kernel": (*kernel, groups, multiplier)}
    else:
        filters, groups = entry.size("filters"), entry.size("groups", 1)
        if row.channels % groups:
            raise entry.refuse("groups", groups, f"a divisor of the channels, {row.channels}")
        given = {"kernel": (*kernel, row.channels // groups, filters)}
    if bias:
        given["bias"] = (filters,)
    arrays = tensors.take(entry.where, "", given)
    time, over = _by_axis(n, inside, kernel, stride, dilation)
    padding, beside = _padding(entry, row, time, over, inside, n)
    weight = arrays["kernel"]
    if class_name.startswith("Depthwise"):
        weight = weight.reshape(*kernel, 1, filters)
    weight = np.moveaxis(weight.reshape(time[0], over[0], -1, filters), (3, 2), (0, 1))
    weights = {"weight": np.ascontiguousarray(weight if over[0] > 1 else weight[..., 0])}
    if bias:
        weights["bias"] = arrays["bias"]
    layer = Conv(
        row.width,
        filters,
        time[0],
        time[1],
        padding,
        time[2],
        groups,
        bias,
        weights=weights,
        positions=row.positions,
        kernel_positions=over[0],
        stride_positions=over[1],
        dilation_positions=over[2],
        padding_positions=beside,
    )
    sizes = (filters,) if len(row.sizes) == 1 else (layer.output_positions, filters)
    return [layer], KerasRow(sizes)


def pool(class_name: str, entry: Entry, row: KerasRow) -> tuple[list[Layer], KerasRow]:
    """The pool that a MaxPooling or AveragePooling is, in one or two dimensions."""
    n = 2 if class_name.endswith("2D") else 1
    _check_dimensions(entry, row, n, False)
    kernel = sizes_of(entry, "pool_size", n)
    stride = sizes_of(entry, "strides", n)
    padding = entry.one_of("padding", ("valid", "same"))
    if padding == "same" and (kernel != (1,) * n):
        raise entry.refuse("padding", padding, "'valid'")
    time, over = _by_axis(n, False, kernel, stride, (1,) * n)
    layer = Pool(
        row.width,
        "max" if class_name.startswith("Max") else "mean",
        time[0],
        time[1],
        positions=row.positions,
        kernel_positions=over[0],
        stride_positions=over[1],
    )
    sizes = row.sizes if n == 1 else (layer.output_positions, row.channels)
    return [layer], KerasRow(sizes)


def _check_dimensions(entry: Entry, row: KerasRow, n: int, inside: bool) -> None:
    """Whether there is time, and positions for a kernel over them."""
    order = entry.take_or("data_format", "channels_last")
    if order not in (None, "channels_last"):
        raise entry.refuse("data_format", order, "'channels_last': batch, time, ..., channels")
    if inside and n == 2:
        raise ValueError(f"{entry.where} is in a TimeDistributed; expected at most one dimension")
    wanted = 2 if n == 2 or inside else 1
    if not row.timed or len(row.sizes) != wanted:
        names = "batch, time, positions and channels" if wanted == 2 else "batch, time and channels"
        raise ValueError(f"{entry.where} takes {row.rank} dimensions; expected {names}")


Axis = tuple[int, int, int]
"""Kernel, stride and dilation."""


def _by_axis(n: int, inside: bool, kernel: Any, stride: Any, dilation: Any) -> tuple[Axis, Axis]:
    """Kernel, stride and dilation in time, and over positions."""
    axes = list(zip(kernel, stride, dilation, strict=True))
    if n == 2:
        return axes[0], axes[1]
    return ((1, 1, 1), axes[0]) if inside else (axes[0], (1, 1, 1))


def _padding(
    entry: Entry, row: KerasRow, time: Axis, over: Axis, inside: bool, n: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows of zeros in time, and zeros over positions."""
    names = ("valid", "same", "causal") if n == 1 else ("valid", "same")
    padding = entry.one_of("padding", names)
    kernel, stride, reach = time[0], time[1], (time[0] - 1) * time[2]
    reach_over = (over[0] - 1) * over[2]
    if padding == "same":
        if stride > 1 and kernel > 1:
            raise entry.refuse(
                "padding",
                padding,
                "'causal' or 'valid' with strides: zeros would depend on the end",
            )
        rows = math.ceil(row.positions / over[1])
        total = max((rows - 1) * over[1] + reach_over + 1 - row.positions, 0)
        return (reach // 2, reach - reach // 2), (total // 2, total - total // 2)
    if reach_over >= row.positions and not (padding == "causal" and inside):
        raise entry.refuse("kernel_size", over[0], f"at most {row.positions} positions")
    if padding == "causal":
        return ((0, 0), (reach_over, 0)) if inside else ((reach, 0), (0, 0))
    return (0, 0), (0, 0)
