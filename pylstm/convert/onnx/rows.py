"""Where the values of the tensors of an ONNX graph stand in the rows of a stream.

Every row of the features and of a layer has an id for each of its values. A tensor is an array of
ids: moving data (Reshape, Transpose, Slice, Concat, Pad ...) moves ids, whatever the shapes mean.
What computes looks for the axis along which time goes, and for the columns of a row on the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of

__all__ = ["MOST_VALUES", "ZERO", "Ids", "RowTable", "Rows", "View", "broadcast"]

Ids = NDArray[np.int64]

MOST_VALUES = 1 << 24
"""Values of a tensor, at most."""

ZERO = 0
"""The id of a value that is 0, as padding and states at the beginning are."""


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that tensors have together.

    Raises
    ------
    ValueError
        They do not fit, or it has too many values.
    """
    shape = np.broadcast_shapes(*shapes)
    if math.prod(shape) > MOST_VALUES:
        raise ValueError(f"its result has shape {shape}; expected {MOST_VALUES} values at most")
    return shape


@dataclass(frozen=True)
class Rows:
    """The rows of the features, of a layer, or the values of a state.

    Attributes
    ----------
    name : str
        Of the features, the layer, or the input or cell that the state is of.
    kind : {"rows", "state", "memory", "end", "pending", "beyond"}
        rows; what an input of the graph brings from the run before; the memory of an LSTM; a state
        of another direction; what is made of a state; rows behind the end, which nobody may take.
    base : int
        The id of the first value of the first row.
    n, width : int
        How many rows, and how wide they are.
    first, period : int
        The frame of the features that the first row stands for, and how far the next one is.
    """

    name: str
    kind: str
    base: int
    n: int
    width: int
    first: int = 0
    period: int = 1

    def ids(self) -> Ids:
        """The ids of all values: (n, width)."""
        return self.base + np.arange(self.n * self.width, dtype=np.int64).reshape(
            self.n, self.width
        )


class View(NamedTuple):
    """A tensor as rows in time."""

    axis: int | None
    """Along which time goes; None: all values belong to one frame."""
    frames: NDArray[np.int64]
    """The frame of each row, of those that are not padding."""
    before: int
    """Rows of zeros before the first, and after the last."""
    after: int
    ids: Ids
    """Those of the first row: the shape of the tensor without the time axis."""


class RowTable:
    """All rows that ids stand for."""

    def __init__(self) -> None:
        self._all: list[Rows] = []
        # Of each rows their base, width, first and period; longer than there are rows.
        self._numbers = np.zeros((4, 16), np.int64)

    def add(
        self, name: str, kind: str, n: int, width: int, first: int = 0, period: int = 1
    ) -> Rows:
        """New rows, with ids of their own."""
        if n * width > MOST_VALUES:
            raise ValueError(
                f"{name} has {number_of(n, 'row')} of {number_of(width, 'value')}; expected"
                f" {MOST_VALUES} values at most"
            )
        last = self._all[-1] if self._all else None
        base = 1 if last is None else last.base + last.n * last.width
        rows = Rows(name, kind, base, n, width, first, period)
        if len(self._all) == self._numbers.shape[1]:
            self._numbers = np.concatenate([self._numbers, self._numbers], axis=1)
        self._numbers[:, len(self._all)] = base, width, first, period
        self._all.append(rows)
        return rows

    def owners(self, ids: Ids) -> list[Rows]:
        """Whose values are among the ids, in the order in which they were made."""
        counts = np.bincount(self._places(ids[ids != ZERO]))
        return [self._all[place] for place in np.flatnonzero(counts)]

    def kinds(self, ids: Ids) -> set[str]:
        """What the values are: see `Rows`."""
        return {rows.kind for rows in self.owners(ids)}

    def _places(self, ids: Ids) -> NDArray[np.int64]:
        bases = self._numbers[0, : len(self._all)]
        return np.searchsorted(bases, ids, side="right").astype(np.int64) - 1

    def columns(self, ids: Ids) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Of each id its owner (place in the order of `owner`), its row and its column."""
        places = self._places(ids)
        bases, widths = self._numbers[:2, : len(self._all)][:, places]
        return places, (ids - bases) // widths, (ids - bases) % widths

    def owner(self, place: int) -> Rows:
        """The rows at a place of `columns`."""
        return self._all[place]

    def frames(self, ids: Ids) -> NDArray[np.int64]:
        """The frame of the features that each value stands for; of zeros -1."""
        places, rows, _ = self.columns(ids)
        firsts, periods = self._numbers[2:, : len(self._all)][:, places]
        return np.where(ids == ZERO, -1, firsts + periods * rows)

    def view(self, ids: Ids) -> View:
        """A tensor as rows in time.

        Raises
        ------
        ValueError
            Its values do not belong to one frame after the other, along one axis.
        """
        frames, zero = self.frames(ids), np.asarray(ids == ZERO, np.bool_)
        if zero.all():
            raise ValueError("it has zeros alone")
        varying = [
            axis
            for axis in range(ids.ndim)
            if (_highest(frames, zero, axis) != _lowest(frames, zero, axis)).any()
        ]
        if not varying:
            return View(None, np.unique(frames[~zero]), 0, 0, ids)
        if len(varying) > 1:
            raise ValueError(f"time goes along the axes {varying}")
        axis = varying[0]
        moved, at = np.moveaxis(ids, axis, 0), np.moveaxis(frames, axis, 0)
        none = np.moveaxis(zero, axis, 0)
        padding: Any = none.reshape(len(none), -1).all(axis=1)
        there = np.flatnonzero(~padding)
        inner = slice(there[0], there[-1] + 1)
        if padding[inner].any():
            raise ValueError("it has zeros between rows")
        moved, at, none = moved[inner], at[inner], none[inner]
        places, _, columns = self.columns(moved)
        if (none != none[0]).any() or ((columns != columns[0]) & ~none).any():
            raise ValueError("its columns change over time")
        if ((places != places[0]) & ~none).any():
            raise ValueError("its rows come from different layers over time")
        each = at.reshape(len(at), -1).max(axis=1)
        if ((at != each.reshape(-1, *[1] * (at.ndim - 1))) & ~none).any():
            raise ValueError("its columns are of different frames")
        steps = np.unique(np.diff(each))
        if len(steps) > 1 or (len(steps) and steps[0] <= 0):
            raise ValueError("its rows are not in the order of time")
        owners = self.owners(moved)
        if len(steps) and {rows.period for rows in owners} != {int(steps[0])}:
            raise ValueError(f"it has every {steps[0]}th frame of rows that come more often")
        return View(axis, each, int(there[0]), int(len(padding) - 1 - there[-1]), moved[0])


def _highest(frames: NDArray[np.int64], zero: NDArray[Any], axis: int) -> NDArray[np.int64]:
    return np.where(zero, np.iinfo(np.int64).min, frames).max(axis=axis)


def _lowest(frames: NDArray[np.int64], zero: NDArray[Any], axis: int) -> NDArray[np.int64]:
    low: NDArray[np.int64] = np.where(zero, np.iinfo(np.int64).max, frames).min(axis=axis)
    # An axis of zeros alone does not vary.
    return np.where(zero.all(axis=axis), np.iinfo(np.int64).min, low)
