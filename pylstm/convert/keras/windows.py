"""Convolutions and pools of Keras, over time and positions."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.json_document import Entry
from pylstm.convert.keras.file import LayerTensors
from pylstm.convert.keras.options import KerasRow, sizes_of
from pylstm.layers import Conv, Layer, Pool

__all__ = ["convolution", "pool", "zero_padding"]


def convolution(
    class_name: str, entry: Entry, tensors: LayerTensors, row: KerasRow, *, inside: bool = False
) -> tuple[list[Layer], KerasRow]:
    """The convolutions that a Conv, DepthwiseConv or SeparableConv is, of one or two dimensions.

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
    window = _window(entry, row, n, inside)
    kernel, bias = window.kernel, entry.one_of("use_bias", (True, False))
    separable = class_name.startswith("Separable")
    groups, filters, given = 1, 0, dict[str, tuple[int, ...]]()
    if separable or class_name.startswith("Depthwise"):
        groups, multiplier = row.channels, entry.size("depth_multiplier")
        entry.one_of("groups", [1], 1)  # of Keras 2, where it does nothing here
        filters = groups * multiplier
        given["depthwise_kernel" if separable else "kernel"] = (*kernel, groups, multiplier)
    else:
        filters, groups = entry.size("filters"), entry.size("groups", 1)
        if row.channels % groups:
            raise entry.refuse("groups", groups, f"a divisor of the channels, {row.channels}")
        given["kernel"] = (*kernel, row.channels // groups, filters)
    outputs = entry.size("filters") if separable else filters
    if separable:
        given["pointwise_kernel"] = (*[1] * n, filters, outputs)
    if bias:
        given["bias"] = (outputs,)
    weights = tensors.take(entry.where, "", given)
    first = weights["depthwise_kernel" if separable else "kernel"]
    own_bias = None if separable else weights.get("bias")
    layer = window.convolution(row, first.reshape(*kernel, -1, filters), own_bias, groups)
    sizes = () if len(row.sizes) == 1 else (layer.output_positions,)
    if not separable:
        return [layer], KerasRow((*sizes, filters))
    between = KerasRow((*sizes, filters))
    over = _Window((1,) * n, (1, 1, 1), (1, 1, 1), (0, 0), (0, 0))
    pointwise = over.convolution(between, weights["pointwise_kernel"], weights.get("bias"), 1)
    return [layer, pointwise], KerasRow((*sizes, outputs))


Axis = tuple[int, int, int]
"""Kernel, stride and dilation."""


class _Window(NamedTuple):
    """What a convolution sees."""

    kernel: tuple[int, ...]
    """As Keras has it: of each dimension."""
    time: Axis
    over: Axis
    """Over positions."""
    padding: tuple[int, int]
    """Rows of zeros in time."""
    beside: tuple[int, int]
    """Zeros over positions."""

    def convolution(
        self, row: KerasRow, kernel: NDArray[Any], bias: NDArray[Any] | None, groups: int
    ) -> Conv:
        """A convolution with these weights: kernel (..., channels of a group, filters)."""
        filters = kernel.shape[-1]
        weight = kernel.reshape(self.time[0], self.over[0], row.channels // groups, filters)
        weight = weight.transpose(3, 2, 0, 1)
        weights = {"weight": weight if self.over[0] > 1 else weight[..., 0]}
        if bias is not None:
            weights["bias"] = bias
        return Conv(
            row.width,
            filters,
            *self.time[:2],
            self.padding,
            self.time[2],
            groups,
            bias is not None,
            weights={name: np.ascontiguousarray(array) for name, array in weights.items()},
            positions=row.positions,
            kernel_positions=self.over[0],
            stride_positions=self.over[1],
            dilation_positions=self.over[2],
            padding_positions=self.beside,
        )


def _window(entry: Entry, row: KerasRow, n: int, inside: bool) -> _Window:
    kernel, stride, dilation = (
        sizes_of(entry, key, n) for key in ("kernel_size", "strides", "dilation_rate")
    )
    time, over = _by_axis(n, inside, kernel, stride, dilation)
    return _Window(kernel, time, over, *_padding(entry, row, time, over, inside, n))


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


def zero_padding(class_name: str, entry: Entry, row: KerasRow) -> KerasRow:
    """The row that a ZeroPadding gives, for the convolution that follows."""
    n = 2 if class_name.endswith("2D") else 1
    _check_dimensions(entry, row, n, False)
    padding = entry.take("padding")
    pairs = [padding] if n == 1 else padding
    fits = isinstance(pairs, list | tuple) and len(pairs) == n
    if not fits or not all(
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and all(type(one) is int and 0 <= one <= 4096 for one in pair)
        for pair in pairs
    ):
        raise entry.refuse("padding", padding, "two whole numbers for each dimension")
    time, over = [tuple(pair) for pair in (*pairs, (0, 0))][:2]
    return row._replace(zeros=(time, over))


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
    if row.padded and (padding != "valid" or inside):
        raise entry.refuse("padding", padding, "'valid' behind a ZeroPadding")
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
    if reach_over >= row.positions + sum(row.zeros[1]) and not (padding == "causal" and inside):
        raise entry.refuse("kernel_size", over[0], f"at most {row.positions} positions")
    if padding == "causal":
        return ((0, 0), (reach_over, 0)) if inside else ((reach, 0), (0, 0))
    if sum(row.zeros[0]) > reach or max(row.zeros[1]) > reach_over:
        raise ValueError(
            f"{entry.where} takes zeros of {row.zeros}; expected at most {reach} rows and"
            f" {reach_over} on either side of the positions, so that no window sees zeros alone"
        )
    return row.zeros
