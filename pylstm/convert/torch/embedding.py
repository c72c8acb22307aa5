"""Embeddings of PyTorch: the table of a symbol's row, as a layer that takes rows with one 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.torch.call import Call
from pylstm.convert.torch.network import UnknownWidth
from pylstm.convert.torch.rows import ROW, Rows
from pylstm.layers import Dense
from pylstm.layers.graph import FEATURES

__all__ = ["ONE_HOT", "Symbols", "embedded", "table"]

ONE_HOT = (
    "one_hot=True, for a Dense on frames that are 1 at the number of the symbol and 0 elsewhere"
)
"""What an embedding can become."""


@dataclass(frozen=True)
class Symbols:
    """Numbers of symbols, one a frame, as an input of PyTorch; here they are frames with one 1.

    Attributes
    ----------
    axes : tuple of str
        What each axis is.
    """

    axes: tuple[str, ...]


def table(tensors: Mapping[str, NDArray[Any]], name: str, where: str) -> Dense:
    """The layer of an embedding's weight, a row for each symbol."""
    weight = tensors[name]
    if weight.ndim != 2:
        raise ValueError(f"{name!r} of {where} has shape {weight.shape}; expected two dimensions")
    symbols, width = weight.shape
    own = {"weight": np.ascontiguousarray(weight.T)}
    return Dense(symbols, width, bias=False, weights=own)


def embedded(
    net: Any, module: Any, call: Call, symbols: Any, tensors: Mapping[str, NDArray[Any]]
) -> Rows:
    """``nn.Embedding``.

    Raises
    ------
    ValueError
        It does not take the input itself, or changes what it looks up.
    """
    if not isinstance(symbols, Symbols):
        raise ValueError(
            f"{call.where} looks up the numbers of symbols; expected these as the input itself, and"
            f" {ONE_HOT}"
        )
    if module.max_norm is not None:
        raise ValueError(
            f"{call.where} has max_norm={module.max_norm}; expected None: it changes its rows when"
            " they are looked up"
        )
    layer = table(tensors, "weight", call.where)
    if net.input_width not in (0, layer.input_size):
        raise ValueError(f"input_size is {net.input_width}; expected {layer.input_size}")
    if not net.input_width:
        raise UnknownWidth(layer.input_size)
    frames = Rows(FEATURES, (*symbols.axes, ROW), np.arange(layer.input_size))
    return net.add(call.name, layer, [frames])
