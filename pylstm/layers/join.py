"""The base class of layers that take the rows of several others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.layers.layer import MAX_DIMENSION, Layer
from pylstm.layers.settings import Setting
from pylstm.layers.weights import Shape

__all__ = ["MAX_INPUTS", "Join"]

Array = NDArray[np.float32]

# The limit of the core.
MAX_INPUTS = 8


class Join(Layer):
    """A layer that makes one row of a row of each of its inputs, and has no weights.

    How wide its rows are follows from the inputs that it has in a model: it has no ``input_size``.
    """

    streams = True
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType({})

    def __init__(
        self, *, weights: Mapping[str, Any] | None = None, seed: int | None = None
    ) -> None:
        self._take(weights, 1, seed)

    @property
    def n_outputs(self) -> int:
        """A join alone has none: see `output_width`."""
        raise TypeError(
            f"{type(self).__name__} has no width of its own; expected"
            " output_width(input_widths), with the widths of its inputs"
        )

    @property
    def shapes(self) -> dict[str, Shape]:
        """There are no weights."""
        return {}

    def output_width(self, input_widths: Sequence[int]) -> int:
        """Width of the rows that come out: see `Layer.output_width`."""
        widths = list(input_widths)
        if not 2 <= len(widths) <= MAX_INPUTS:
            raise ValueError(
                f"{type(self).__name__} has {number_of(len(widths), 'input')};"
                f" expected 2 to {MAX_INPUTS}"
            )
        width = self.joined_width(widths)
        if width > MAX_DIMENSION:
            raise ValueError(
                f"the width of {type(self).__name__} is {width}; expected at most {MAX_DIMENSION}"
            )
        return width

    @property
    def sets_rows_side_by_side(self) -> bool:
        """Whether the rows of its inputs come out as they are, one behind the other."""
        return False

    def joined_width(self, input_widths: list[int]) -> int:
        """Width of the rows that come out of inputs of which there are not too few or too many.

        Raises
        ------
        ValueError
            They are of widths that cannot be joined.
        """
        raise NotImplementedError

    def join(self, xs: Sequence[Array]) -> Array:
        """The outputs for rows of each input, each (rows, width of the input)."""
        raise NotImplementedError

    def join_backward(self, xs: Sequence[Array], dy: Array) -> list[Array]:
        """The gradients of xs, from that of the outputs; they may share memory with it."""
        raise NotImplementedError


class SameWidthJoin(Join):
    """A join of rows of one width, value by value."""

    def joined_width(self, input_widths: list[int]) -> int:
        """Width of the rows that come out: that of every input."""
        if len(set(input_widths)) > 1:
            raise ValueError(
                f"the widths of what {type(self).__name__} joins are {input_widths};"
                " expected the same"
            )
        return input_widths[0]
