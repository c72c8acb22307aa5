"""PyTorch's norms as layers that take the rows of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.torch.call import Call
from pylstm.convert.torch.rows import ROW, OtherAxes, Rows
from pylstm.layers import LayerNorm

__all__ = ["batch_norm", "layer_norm"]


def batch_norm(
    net: Any, module: Any, call: Call, rows: Rows, tensors: Mapping[str, NDArray[Any]]
) -> Rows:
    """``nn.BatchNorm1d`` or ``nn.BatchNorm2d``, with the statistics that training has left."""
    if module.running_mean is None:
        raise ValueError(
            f"{call.where} has track_running_stats=False; expected a mean and a variance of its"
            " own, because those of a batch are not there while a stream runs"
        )
    if rows.rank < 2 or rows.axes[1] != ROW:
        raise OtherAxes(
            f"{call.where} takes {rows.described}; expected one whose second dimension is of values"
        )
    wide = {name: values.astype(np.float64) for name, values in tensors.items()}
    shape = list(rows.columns.shape) if rows.columns is not None else []
    if len(rows.row_axes) == 1:
        call.wide(rows, (module.num_features,))
    elif shape and shape[rows.place_in_row(1)] != module.num_features:
        raise ValueError(
            f"{call.where} takes {number_of(module.num_features, 'channel')}, but there come"
            f" {shape[rows.place_in_row(1)]}"
        )
    with np.errstate(invalid="ignore", divide="ignore"):  # what is not finite is refused by name
        weight = 1 / np.sqrt(wide["running_var"] + module.eps)
    if module.affine:
        weight = weight * wide["weight"]
    bias = -wide["running_mean"] * weight
    if module.affine:
        bias = bias + wide["bias"]
    behind = rows.known().ndim - 1 - rows.place_in_row(1)
    return net.affine(
        rows, call.name, weight.reshape(-1, *[1] * behind), bias.reshape(-1, *[1] * behind)
    )


def layer_norm(
    net: Any, module: Any, call: Call, rows: Rows, tensors: Mapping[str, NDArray[Any]]
) -> Rows:
    """``nn.LayerNorm``."""
    shape = tuple(module.normalized_shape)
    if rows.axes[-len(shape) :] != (ROW,) * len(shape):
        raise OtherAxes(
            f"{call.where} normalises {number_of(len(shape), 'dimension')} of {rows.described};"
            " expected dimensions of values"
        )
    if len(rows.row_axes) == len(shape):
        call.wide(rows, shape)
    if tensors and "bias" not in tensors:
        tensors = {**tensors, "bias": np.zeros_like(tensors["weight"])}
    columns = rows.known()
    if columns.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{call.where} normalises {shape}, but there come {columns.shape[-len(shape) :]}"
        )
    positions = 1
    if columns.ndim > len(shape):
        rows = net.in_order(rows, call.name)
        positions = int(np.prod(columns.shape[: -len(shape)]))
        weights = {name: values.reshape(-1) for name, values in tensors.items()}
    else:
        rows, order = net.order(rows, call.name)
        weights = {}
        for name, values in tensors.items():
            weights[name] = np.empty(len(order), np.float32)
            weights[name][order] = values.reshape(-1)
    width = net.width(rows)
    layer = LayerNorm(width, module.eps, bool(tensors), positions, weights or None)
    return replace(rows, node=net.add(call.name, layer, [rows], columns.shape).node)
