"""The layers of RTNeural's JSON, type by type.

What they compute is what RTNeural computes, by its sources of 2025: a frame goes in, a row comes
out, and convolutions see zeros before the first frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import listing, number_of
from pylstm.convert.folding import batch_norm
from pylstm.convert.json_document import Entry, array_of
from pylstm.layers import GRU, LSTM, Activation, Conv, Dense, Layer

__all__ = ["Row", "layers_from"]

Array = NDArray[np.float64]

ACTIVATIONS = ("", "tanh", "relu", "sigmoid", "softmax", "elu")


class Row(NamedTuple):
    """What a row is: positions (RTNeural: features) of channels (filters) each."""

    positions: int
    channels: int

    @property
    def width(self) -> int:
        """Values of the row."""
        return self.positions * self.channels


def layers_from(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    """The layers that an entry of ``layers`` is, and what rows come out of them.

    Parameters
    ----------
    entry : Entry
        All its keys are taken.
    row : Row
        What goes in.

    Raises
    ------
    TypeError, ValueError
        Something in it is missing, unknown, or of another shape than expected.
    """
    kind = entry.take("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        hint = ""
        if kind == "unknown":
            hint = (
                "; RTNeural's exporter says so of layers that it does not have, and leaves them out"
            )
        raise entry.refuse("type", kind, listing(_TYPES, len(_TYPES)) + hint)
    entry.where += f" ({kind})"
    entry.take_or("name", None)
    shape = entry.take("shape")
    layers, after = _TYPES[kind](entry, row)
    _check_shape(entry, shape, after)
    entry.finish("; remove it if it says nothing about what the layer computes")
    return layers, after


def _check_shape(entry: Entry, shape: Any, row: Row) -> None:
    """Whether ``shape`` says what comes out: (batch, time, width), or positions and channels."""
    if not isinstance(shape, list | tuple) or len(shape) not in (2, 3, 4):
        raise entry.refuse("shape", shape, "a list such as [None, None, 8]")
    last = tuple(shape[-2:]) if len(shape) == 4 else (shape[-1],)
    expected = tuple(row) if len(shape) == 4 else (row.width,)
    if last != expected or any(isinstance(size, bool) for size in last):
        raise entry.refuse(
            "shape",
            shape,
            f"{' and '.join(map(str, expected))} at its end, as weights and inputs have it",
        )


def _weights(entry: Entry, *counts: int) -> list[Array]:
    """The arrays of ``weights``, as many as one of the counts."""
    given = entry.take("weights")
    if not isinstance(given, list | tuple) or len(given) not in counts:
        n = number_of(len(given), "array") if isinstance(given, list | tuple) else "no list"
        expected = " or ".join(map(str, counts))
        raise ValueError(f"'weights' of {entry.where} has {n}; expected {expected}")
    return [array_of(one, f"weights[{k}] of {entry.where}") for k, one in enumerate(given)]


def _shaped(entry: Entry, arrays: list[Array], *shapes: tuple[int, ...]) -> list[NDArray[Any]]:
    """The arrays as float32, if they have these shapes."""
    for k, (array, shape) in enumerate(zip(arrays, shapes, strict=False)):
        if array.shape != shape:
            raise ValueError(
                f"weights[{k}] of {entry.where} has shape {array.shape}; expected {shape}"
            )
    return [array.astype(np.float32) for array in arrays]


def _activation(entry: Entry, row: Row) -> list[Layer]:
    """The layer that ``activation`` is: none where it is empty."""
    name = entry.one_of("activation", ACTIVATIONS, "")
    if name == "softmax" and row.positions > 1:
        raise entry.refuse(
            "activation", name, "another one: Keras runs it over filters, RTNeural over everything"
        )
    if not name:
        return []
    return [Activation(row.width, name)]


def _no_activation(entry: Entry, *names: str) -> None:
    """Refuses an activation that RTNeural would not run."""
    entry.one_of("activation", ("", *names), "")


def _width(entry: Entry, arrays: list[Array]) -> int:
    """The last dimension of the first array."""
    if arrays[0].ndim == 0 or not arrays[0].size:
        raise ValueError(f"weights[0] of {entry.where} is empty; expected numbers")
    return arrays[0].shape[-1]


def _dense(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    arrays = _weights(entry, 1, 2)
    after = Row(1, _width(entry, arrays))
    kernel, *bias = _shaped(entry, arrays, (row.width, after.width), (after.width,))
    weights = {"weight": kernel.T} | ({"bias": bias[0]} if bias else {})
    layer = Dense(row.width, after.width, bias=bool(bias), weights=_ordered(weights))
    return [layer, *_activation(entry, after)], after


def _conv1d(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    kernel_size, dilation = entry.size("kernel_size", most=128), entry.size("dilation", most=4096)
    groups = entry.size("groups", 1)
    if row.width % groups:
        raise entry.refuse("groups", groups, f"a divisor of the inputs, {row.width}")
    arrays = _weights(entry, 2)
    after = Row(1, _width(entry, arrays))
    kernel, bias = _shaped(
        entry, arrays, (kernel_size, row.width // groups, after.width), (after.width,)
    )
    layer = Conv(
        row.width,
        after.width,
        kernel_size,
        padding="causal",
        dilation=dilation,
        groups=groups,
        weights=_ordered({"weight": kernel.transpose(2, 1, 0), "bias": bias}),
    )
    return [layer, *_activation(entry, after)], after


def _conv2d(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    kernel_size = entry.size("kernel_size_time", most=128)
    kernel_positions = entry.size("kernel_size_feature")
    dilation, stride = entry.size("dilation", most=4096), entry.size("strides")
    row = _positions(entry, row)
    filters = entry.size("num_filters_out")
    padding = entry.one_of("padding", ("valid", "same"))
    beside = 0
    if padding == "same":  # as in TensorFlow: the odd one stands behind
        beside = max(kernel_positions - (row.positions % stride or stride), 0)
    elif kernel_positions > row.positions:
        raise entry.refuse("kernel_size_feature", kernel_positions, f"at most {row.positions}")
    kernel, bias = _shaped(
        entry,
        _weights(entry, 2),
        (kernel_size, kernel_positions, row.channels, filters),
        (filters,),
    )
    weight = kernel.transpose(3, 2, 0, 1)
    layer = Conv(
        row.width,
        filters,
        kernel_size,
        padding="causal",
        dilation=dilation,
        positions=row.positions,
        kernel_positions=kernel_positions,
        stride_positions=stride,
        padding_positions=(beside // 2, beside - beside // 2),
        weights=_ordered(
            {"weight": weight if kernel_positions > 1 else weight[..., 0], "bias": bias}
        ),
    )
    after = Row(layer.output_positions, filters)
    return [layer, *_activation(entry, after)], after


def _positions(entry: Entry, row: Row) -> Row:
    """What an entry says of the rows that go in."""
    filters, features = entry.size("num_filters_in"), entry.size("num_features_in")
    found = Row(features, filters)
    if found.width != row.width or (row.positions > 1 and found != row):
        raise entry.refuse(
            "num_features_in",
            features,
            f"{row.positions}, with num_filters_in {row.channels}, which is what comes in",
        )
    return found


def _gru(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    _no_activation(entry, "tanh")
    arrays = _weights(entry, 3)
    n, shapes = _recurrent_shapes(entry, arrays, row, 3)
    if arrays[2].shape == (3 * n,):
        raise ValueError(
            f"weights[2] of {entry.where} has shape {arrays[2].shape}; expected {(2, 3 * n)}: train"
            " the GRU with reset_after=True, RTNeural has no other"
        )
    kernel, recurrent, bias = _shaped(entry, arrays, *shapes, (2, 3 * n))
    order = np.r_[n : 2 * n, :n, 2 * n : 3 * n]  # Keras: z, r, h; PyTorch: r, z, n
    weights = {
        "weight_ih_l0": kernel.T[order],
        "weight_hh_l0": recurrent.T[order],
        "bias_ih_l0": bias[0, order],
        "bias_hh_l0": bias[1, order],
    }
    return [GRU(row.width, n, weights=_ordered(weights))], Row(1, n)


def _lstm(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    _no_activation(entry, "tanh")
    arrays = _weights(entry, 3)
    n, shapes = _recurrent_shapes(entry, arrays, row, 4)
    kernel, recurrent, bias = _shaped(entry, arrays, *shapes, (4 * n,))
    weights = {
        "weight_ih_l0": kernel.T,
        "weight_hh_l0": recurrent.T,
        "bias_ih_l0": bias,
        "bias_hh_l0": np.zeros_like(bias),
    }
    return [LSTM(row.width, n, weights=_ordered(weights))], Row(1, n)


def _recurrent_shapes(
    entry: Entry, arrays: list[Array], row: Row, gates: int
) -> tuple[int, tuple[tuple[int, int], tuple[int, int]]]:
    """The units of a recurrent layer, and the shapes of its two matrices."""
    columns = _width(entry, arrays)
    if columns % gates:
        raise ValueError(
            f"weights[0] of {entry.where} has {number_of(columns, 'column')}; expected a multiple"
            f" of {gates}, the gates"
        )
    return columns // gates, ((row.width, columns), (columns // gates, columns))


def _prelu(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    _no_activation(entry)
    arrays = _weights(entry, 1)
    slopes = _width(entry, arrays)
    if slopes not in (1, row.width):
        raise ValueError(
            f"weights[0] of {entry.where} has shape {arrays[0].shape}; expected {(1, 1)} or"
            f" {(1, row.width)}: share the slopes over time, with shared_axes=[1]"
        )
    (alpha,) = _shaped(entry, arrays, (1, slopes))
    layer = Activation(
        row.width, "prelu", num_parameters=slopes, weights=_ordered({"weight": alpha[0]})
    )
    return [layer], row


def _batchnorm(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    return _norm(entry, row, row.width), row


def _batchnorm2d(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    row = _positions(entry, row)
    return _norm(entry, row, row.channels), row


def _norm(entry: Entry, row: Row, n: int) -> list[Layer]:
    _no_activation(entry)
    eps = entry.number("epsilon", 0.0)
    arrays = _shaped(entry, _weights(entry, 2, 4), *[(n,)] * 4)
    scale, shift = arrays[:-2] or (None, None)
    return [batch_norm(entry.where, arrays[-2], arrays[-1], scale, shift, eps, row.width)]


def _activation_alone(entry: Entry, row: Row) -> tuple[list[Layer], Row]:
    if entry.take("weights") not in ([], ()):
        raise ValueError(f"'weights' of {entry.where} has something in it; expected an empty list")
    return _activation(entry, row), row


def _ordered(weights: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """In C order."""
    return {name: np.ascontiguousarray(array) for name, array in weights.items()}


_TYPES: dict[str, Callable[[Entry, Row], tuple[list[Layer], Row]]] = {
    "dense": _dense,
    "time-distributed-dense": _dense,
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "gru": _gru,
    "lstm": _lstm,
    "prelu": _prelu,
    "batchnorm": _batchnorm,
    "batchnorm2d": _batchnorm2d,
    "activation": _activation_alone,
}
