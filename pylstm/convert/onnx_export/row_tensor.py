"""Rows inside of an exported graph: the tensor, and when a stream has them."""

from __future__ import annotations

from typing import NamedTuple

from pylstm.layers.layer import Layer
from pylstm.layers.window_layer import WindowLayer

__all__ = ["RowTensor", "arrival"]


class RowTensor(NamedTuple):
    """The rows of a layer, (n, width), as a tensor.

    Row j stands for frame ``first + j * period`` and is there once frame ``arrives + j * period``
    is.
    """

    name: str
    width: int
    first: int = 0
    period: int = 1
    arrives: int = 0

    @property
    def comes_with_each_frame(self) -> bool:
        """Whether a chunk has as many rows as frames."""
        return self.period == 1 and self.arrives == 0


def arrival(layer: Layer, given: RowTensor) -> int:
    """The frame with which the first row of a layer is there, from the rows that it takes.

    Examples
    --------
    >>> from pylstm.layers import Stack
    >>> arrival(Stack(3, left=2, right=1), RowTensor("x", 3, period=2))
    2
    """
    if not isinstance(layer, WindowLayer):
        return given.arrives
    return given.arrives + given.period * (layer.window - 1 - layer.padding[0])
