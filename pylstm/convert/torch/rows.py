"""A tensor of a PyTorch network as rows of a layer: which of its axes are time, and which values
of a row stand where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BATCH", "ROW", "TIME", "Length", "MissingWidth", "OtherAxes", "Rows"]

BATCH, TIME, ROW = "B", "T", "F"
"""What an axis is: of sequences, of time, or of values of a row."""


class OtherAxes(ValueError):
    """The axes of a tensor are not those that a step takes."""


class MissingWidth(ValueError):
    """How wide a frame is has to be said: no module does."""


@dataclass(frozen=True)
class Length:
    """How long an axis is, of sequences, of time or of both together: the signal says it."""

    axis: str


@dataclass(frozen=True)
class Rows:
    """A tensor in the course of a forward pass.

    Attributes
    ----------
    node : str
        The layer whose rows it holds.
    axes : tuple of str
        What each axis is; "BT" is one of sequences and time together.
    columns : array, optional
        Of each value along the axes of the row, in their order, its place in the layer's rows. None
        while nobody has said how wide rows are.
    times : (int, int)
        The frame that the first row stands for, and frames from one row to the next.
    padding : tuple of (int, int)
        Zeros before and after each axis that the next convolution is to see.
    last : bool
        Whether it is the row of the last frame alone; none of its axes is time then.
    """

    node: str
    axes: tuple[str, ...]
    columns: NDArray[np.intp] | None
    times: tuple[int, int] = (0, 1)
    padding: tuple[tuple[int, int], ...] = ()
    last: bool = False

    @property
    def rank(self) -> int:
        """How many axes there are."""
        return len(self.axes)

    @property
    def row_axes(self) -> tuple[int, ...]:
        """Which axes are of the row."""
        return tuple(k for k, axis in enumerate(self.axes) if axis == ROW)

    @property
    def is_padded(self) -> bool:
        """Whether there are zeros around it."""
        return any(pair != (0, 0) for pair in self.padding)

    @property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """Zeros before and after each axis."""
        return self.padding or ((0, 0),) * self.rank

    def sizes(self) -> tuple[int | Length, ...]:
        """What ``tensor.shape`` gives."""
        if self.columns is None:
            return tuple(map(Length, self.axes))
        lengths = iter(self.columns.shape)
        return tuple(next(lengths) if axis == ROW else Length(axis) for axis in self.axes)

    def axis(self, dim: Any) -> int:
        """An axis as PyTorch counts it, from the end if it is negative."""
        if isinstance(dim, bool) or not isinstance(dim, int) or not -self.rank <= dim < self.rank:
            raise OtherAxes(
                f"a dimension is {dim!r}; expected {-self.rank} to {self.rank - 1}, of"
                f" {self.described}"
            )
        return dim % self.rank

    @property
    def described(self) -> str:
        """Its axes in words."""
        words = {BATCH: "batch", TIME: "time", ROW: "values"}
        names = (" times ".join(words[letter] for letter in axis) for axis in self.axes)
        return f"a tensor ({', '.join(names)})"

    def place_in_row(self, axis: int) -> int:
        """Which of the row's axes an axis is."""
        return self.axes[:axis].count(ROW)

    def with_columns(self, columns: NDArray[np.intp] | None, axes: Sequence[str]) -> Rows:
        """The same values in another arrangement, without zeros around them."""
        if self.is_padded:
            raise ValueError(
                "zeros around a tensor; expected a convolution as the next step, which takes them"
            )
        return replace(self, axes=tuple(axes), columns=columns, padding=())

    # --- PyTorch's ways to arrange a tensor -------------------------------------------------------

    def permute(self, dims: Sequence[Any]) -> Rows:
        """As ``tensor.permute``."""
        order = [self.axis(dim) for dim in dims]
        if sorted(order) != list(range(self.rank)):
            raise ValueError(f"dimensions are {tuple(dims)}; expected each of {self.rank} once")
        columns = self.columns
        if columns is not None:
            columns = columns.transpose(
                [self.place_in_row(k) for k in order if self.axes[k] == ROW]
            )
        pads = self.pads
        return replace(
            self,
            axes=tuple(self.axes[k] for k in order),
            columns=columns,
            padding=tuple(pads[k] for k in order),
        )

    def transpose(self, one: Any, other: Any) -> Rows:
        """As ``tensor.transpose``."""
        order = list(range(self.rank))
        first, second = self.axis(one), self.axis(other)
        order[first], order[second] = second, first
        return self.permute(order)

    def movedim(self, source: Any, destination: Any) -> Rows:
        """As ``torch.movedim`` of one axis."""
        order = list(range(self.rank))
        order.insert(self.axis(destination), order.pop(self.axis(source)))
        return self.permute(order)

    def unsqueeze(self, dim: Any) -> Rows:
        """As ``tensor.unsqueeze``."""
        wider = replace(self, axes=(*self.axes, ROW), padding=())
        axis = wider.axis(dim)
        axes = (*self.axes[:axis], ROW, *self.axes[axis:])
        columns = self.columns
        if columns is not None:
            columns = np.expand_dims(columns, self.place_in_row(axis))
        return self.with_columns(columns, axes)

    def squeeze(self, dim: Any = None) -> Rows:
        """As ``tensor.squeeze``; without a dimension it would depend on the signal."""
        if dim is None:
            raise ValueError(
                "the dimension to squeeze is None; expected a number: without one, a signal of one"
                " frame would lose its time"
            )
        axis = self.axis(dim)
        columns = self.known()
        if self.axes[axis] != ROW:
            raise OtherAxes(
                f"the dimension to squeeze is {dim}; expected one of values, of {self.described}"
            )
        place = self.place_in_row(axis)
        if columns.shape[place] != 1:  # PyTorch leaves it as it is
            return self
        return self.with_columns(
            columns.squeeze(place), (*self.axes[:axis], *self.axes[axis + 1 :])
        )

    def flatten(self, start: Any = 0, end: Any = -1) -> Rows:
        """As ``tensor.flatten``."""
        first, last = self.axis(start), self.axis(end)
        if {*self.axes[first : last + 1]} != {ROW}:
            if first == last:
                return self
            raise OtherAxes(
                f"dimensions {start} to {end} are flattened; expected dimensions of values alone,"
                f" of {self.described}"
            )
        columns, place = self.known(), self.place_in_row(first)
        shape = columns.shape
        inner = shape[place : place + last + 1 - first]
        flat = columns.reshape(*shape[:place], math.prod(inner), *shape[place + len(inner) :])
        return self.with_columns(flat, (*self.axes[:first], ROW, *self.axes[last + 1 :]))

    def unflatten(self, dim: Any, sizes: Sequence[Any]) -> Rows:
        """As ``tensor.unflatten``."""
        axis = self.axis(dim)
        if self.axes[axis] != ROW:
            raise OtherAxes(
                f"the dimension to unflatten is {dim}; expected one of values, of {self.described}"
            )
        target: list[Any] = [*self.sizes()]
        self.known()
        target[axis : axis + 1] = sizes
        return self.reshape(target)

    def reshape(self, target: Sequence[Any]) -> Rows:
        """As ``tensor.reshape``, where sequences and time stay what they are."""
        columns = self.known()
        tokens = [k for k, size in enumerate(target) if size == -1]
        kinds = (BATCH, TIME, BATCH + TIME, TIME + BATCH)
        choices: list[Any] = [-1, *map(Length, kinds)] if tokens else [None]
        for choice in choices:
            sizes = [*target]
            for k in tokens[:1]:
                sizes[k] = choice
            found = self._regrouped(columns, sizes)
            if found is not None:
                return found
        shown = tuple(size if isinstance(size, int) else "?" for size in target)
        raise OtherAxes(
            f"the new shape is {shown}; expected one that keeps sequences and time as they are and"
            f" groups the values of a row anew, of {self.described} with rows of {columns.shape}"
        )

    def _regrouped(self, columns: NDArray[np.intp], target: Sequence[Any]) -> Rows | None:
        """The row's axes between those of sequences and time in a new grouping, or None."""
        lengths = [size.axis for size in target if isinstance(size, Length)]
        sizes_now = _lengths_like(self.sizes(), lengths)
        if sizes_now is None:
            return None
        own, new = _segments(sizes_now), _segments(target)
        shape: list[int] = []
        axes: list[str] = []
        for k, (before, after) in enumerate(zip(own, new, strict=True)):
            total = math.prod(before)
            known = math.prod(size for size in after if size != -1)
            if known < 1 or total % known or (-1 not in after and known != total):
                return None
            sizes = [total // known if size == -1 else size for size in after]
            shape += sizes
            axes += [ROW] * len(sizes)
            axes += lengths[k : k + 1]
        return self.with_columns(columns.reshape(shape), axes)

    def narrowed(self, axis: int, part: Any) -> Rows:
        """Some of the values along an axis of the row: a slice, or one of them."""
        columns = self.known()
        place = self.place_in_row(axis)
        index: list[Any] = [slice(None)] * columns.ndim
        index[place] = part
        kept = [axis] if isinstance(part, slice) else []
        axes = [one for k, one in enumerate(self.axes) if k != axis or k in kept]
        return self.with_columns(columns[tuple(index)], axes)

    def last_frame(self, keeps_axis: bool = False) -> Rows:
        """The row of the last frame; `keeps_axis`: along an axis of one value instead of time."""
        axis = self.axes.index(TIME)
        rows = self.with_columns(self.columns, (*self.axes[:axis], *self.axes[axis + 1 :]))
        rows = replace(rows, last=True)
        return rows.unsqueeze(axis) if keeps_axis else rows

    def known(self) -> NDArray[np.intp]:
        """The columns, which have to be known by now."""
        if self.columns is None:
            raise MissingWidth(
                "input_size is None; expected how many values a frame has, which no module says"
                " before this"
            )
        return self.columns

    def of_node(self, node: str, times: tuple[int, int], shape: Sequence[int]) -> Rows:
        """The rows of another layer along the same axes, position by position if there are two."""
        width = math.prod(shape)
        return replace(
            self,
            node=node,
            columns=np.arange(width).reshape(tuple(shape)),
            times=times,
            padding=(),
        )


def _lengths_like(sizes: Sequence[Any], wanted: Sequence[str]) -> list[Any] | None:
    """The same sizes with sequences and time together or apart as wanted; None: they cannot be."""
    apart: list[Any] = []
    for size in sizes:
        apart += map(Length, size.axis) if isinstance(size, Length) else [size]
    found: list[Any] = []
    letters = iter(wanted)
    while apart:
        size = apart.pop(0)
        if isinstance(size, Length):
            together = next(letters, "")
            beside = [Length(letter) for letter in together[1:]]
            if together[:1] != size.axis or apart[: len(beside)] != beside:
                return None
            del apart[: len(beside)]
            size = Length(together)
        found.append(size)
    return None if next(letters, None) else found


def _segments(sizes: Sequence[Any]) -> list[list[int]]:
    """The sizes between those of sequences and time."""
    segments: list[list[int]] = [[]]
    for size in sizes:
        if isinstance(size, Length):
            segments.append([])
        else:
            segments[-1].append(size)
    return segments
