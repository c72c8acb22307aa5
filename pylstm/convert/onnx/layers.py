"""The layers that an ONNX graph becomes, and the rows that they take and give."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.onnx.memory import Memory, digest
from pylstm.convert.onnx.pending import PendingValues
from pylstm.convert.onnx.refusals import OtherAxisError
from pylstm.convert.onnx.rows import ZERO, Ids, Rows, RowTable, View, broadcast
from pylstm.layers import Activation, Add, Concat, Dense, Mul, Select
from pylstm.layers.graph import FEATURES, MAX_LAYERS
from pylstm.layers.layer import Layer

__all__ = ["LayerGraph", "TooFewRowsError", "with_columns"]

# Weights of a layer of ones and zeros that brings values into another order, at most.
MOST_MOVED = 1 << 22

# Layers before those are merged that can be one: a model has MAX_LAYERS of them.
MOST_LAYERS = 16 * MAX_LAYERS


class TooFewRowsError(ValueError):
    """A window is longer than the rows that a graph was walked with."""


class LayerGraph:
    """Layers by their names, in order, as `pylstm.Model` takes them, with the rows of each."""

    def __init__(self, n_frames: int, width: int) -> None:
        self.table = RowTable()
        self.features = self.table.add(FEATURES, "rows", n_frames, width)
        self.layers: dict[str, tuple[Any, ...]] = {}
        self.notes: list[str] = []
        self.memory = Memory()
        self.carried: list[tuple[Ids, Ids]] = []
        """Which values of inputs are, after a run, which others: those of recurrent states."""
        self.given: set[str] = set()
        """Names of tensors that the graph gives out, as they are or in another shape."""
        self.pending = PendingValues(self.table, n_frames)
        self._rows = {FEATURES: self.features}
        self._made: dict[Any, Rows] = {}

    def note(self, text: str) -> None:
        """Keeps a sentence for the notes of the conversion, once."""
        if text not in self.notes:
            self.notes.append(text)

    # --- adding layers ----------------------------------------------------------------------------

    def add(self, layer: Layer, inputs: Sequence[Rows], name: str) -> Rows:
        """A layer behind others; `name` is what it should be called."""
        if len(inputs) > 1 and all(rows is self.features for rows in inputs):
            # A model has to know how wide its rows are before it joins them.
            same = Activation(self.features.width, "linear")
            inputs = [self.once("input", lambda: self.add(same, [self.features], "input"))] * len(
                inputs
            )
        if len(inputs) > 1:
            first = max(rows.first for rows in inputs)
            period = inputs[0].period
            last = min(rows.first + rows.period * (rows.n - 1) for rows in inputs)
            n = (last - first) // period + 1
        else:
            first, period = layer.row_times(inputs[0].first, inputs[0].period)
            n = layer.n_rows_out(inputs[0].n)
        if n < 1:
            raise TooFewRowsError(f"no row is left behind a {type(layer).__name__}")
        if len(self.layers) == MOST_LAYERS:
            raise ValueError(
                f"the graph has more than {number_of(MOST_LAYERS, 'layer')} before any are merged;"
                f" expected what becomes {MAX_LAYERS} at most"
            )
        called = self._unused(name)
        width = layer.output_width([rows.width for rows in inputs])
        self.layers[called] = (layer, *(rows.name for rows in inputs))
        self._rows[called] = self.table.add(called, "rows", n, width, first, period)
        return self._rows[called]

    def rows_of(self, name: str) -> Rows:
        """The rows of a layer, or of the features, by its name."""
        return self._rows[name]

    @property
    def fewest_rows(self) -> int:
        """How many rows the layer with the fewest has."""
        return min(rows.n for rows in self._rows.values())

    def once(self, key: Any, make: Callable[[], Rows]) -> Rows:
        """What `make` gives, which is made once for a key."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _unused(self, name: str) -> str:
        last = re.split(r"[/:]", name.strip("/"))[-1]
        plain = re.sub(r"\W+", "_", last, flags=re.ASCII)[:24].strip("_") or "layer"
        plain = f"n{plain}" if plain[0].isdigit() else plain
        found, number = plain, 1
        while found in self.layers or found == FEATURES:
            number += 1
            found = f"{plain}_{number}"
        return found

    # --- bringing rows into an order --------------------------------------------------------------

    def gathered(self, ids: Ids, name: str) -> Rows:
        """Rows of which each has the values of ids (positions, channels) or (channels,), in order.

        The ids are those of one frame; a row of the result stands for each frame.
        """
        ids = ids if ids.ndim == 2 else ids[None]
        if self.table.kinds(ids) - {"rows"}:
            raise ValueError("it takes values of a state that no recurrent operator has changed")
        places, _, columns = self.table.columns(ids)
        key = ("gathered", ids.shape, digest(places, columns))
        return self.once(key, lambda: self._gather(ids, name))

    def _gather(self, ids: Ids, name: str) -> Rows:
        if (ids == ZERO).any():
            raise ValueError("it takes zeros beside values of a row")
        places, _, columns = self.table.columns(ids)
        if len(np.unique(places)) == 1:
            return self._from_one(self.table.owner(int(places.flat[0])), columns, name)
        if (places == places[0]).all():  # each position is made of the same layers: side by side
            cuts = np.flatnonzero(np.diff(places[0])) + 1
            parts = np.split(ids, cuts, axis=1)
            positions = len(ids)
        else:
            flat = places.ravel()
            parts = [
                part[None] for part in np.split(ids.ravel(), np.flatnonzero(np.diff(flat)) + 1)
            ]
            positions = 1
        if len(parts) > 8:
            raise ValueError(f"its values stand in {number_of(len(parts), 'place')}")
        rows = [self.gathered(part, name) for part in parts]
        self._check_periods(rows)
        return self.add(Concat(positions), rows, name)

    def _from_one(self, rows: Rows, columns: NDArray[np.int64], name: str) -> Rows:
        """Some columns of rows."""
        flat, width = columns.ravel(), rows.width
        if len(flat) == width and (flat == np.arange(width)).all():
            return rows
        cut = _evenly(flat)
        if cut is not None:
            positions, channels, start, run = cut
            first, size = start - start % channels, positions * channels
            if positions == 1:
                first = start
            if start - first + run <= channels and first + size <= width:
                if size < width:
                    key = ("cut", rows.base, first, size)
                    part = Select(width, first, first + size)
                    rows = self.once(key, lambda: self.add(part, [rows], name))
                if positions * run == size:
                    return rows
                inner = Select(size, start - first, start - first + run, positions)
                return self.add(inner, [rows], name)
        if len(flat) * width > MOST_MOVED:
            raise OtherAxisError(
                f"it takes values of a row of {width} in an order of their own, {len(flat)} of them"
            )
        weight = np.zeros((len(flat), width), np.float32)
        weight[np.arange(len(flat)), flat] = 1
        self.note(f"Values are brought into another order by a Dense of ones and zeros, {name}.")
        return self.add(
            Dense(width, len(flat), bias=False, weights={"weight": weight}), [rows], name
        )

    def _check_periods(self, rows: Sequence[Rows]) -> None:
        if len({one.period for one in rows}) > 1:
            rates = ", ".join(f"{one.name} for every {one.period}" for one in rows)
            raise ValueError(f"it joins rows of unequal rates: {rates}")

    def whole(self, view: View, columns: Ids, name: str) -> tuple[Rows, Ids]:
        """Rows for the values of ids of one frame, and which of their columns those are.

        Where they are of one layer, they need not be moved: what comes next picks its columns.
        """
        there = columns[columns != ZERO]
        places, _, own = self.table.columns(columns)
        if len(np.unique(places[columns != ZERO])) == 1 and not self.table.kinds(there) - {"rows"}:
            rows = self.table.owner(int(self.table.columns(there)[0].flat[0]))
            return rows, np.where(columns == ZERO, -1, own)
        rows = self.gathered(columns, name)
        return rows, np.arange(columns.size).reshape(columns.shape)

    # --- results ----------------------------------------------------------------------------------

    def placed(self, view: View, rows: Rows, columns: NDArray[np.int64], axis: int | None) -> Ids:
        """A tensor of columns of rows, at the frames of a view, with time along an axis.

        `columns` has the shape of the tensor without the axis; None: there is no time axis.
        """
        if view.before or view.after:
            raise ValueError("it takes rows of zeros before or after those of the stream")
        numbers = (view.frames - rows.first) // rows.period
        if numbers[0] < 0 or numbers[-1] >= rows.n:
            raise ValueError(f"it wants rows that {rows.name} does not have")
        return self.at(rows, numbers, columns, axis)

    def at(
        self, rows: Rows, numbers: NDArray[np.int64], columns: NDArray[np.int64], axis: int | None
    ) -> Ids:
        """A tensor of columns of some rows, by their numbers, with time along an axis."""
        if axis is None:
            if len(numbers) != 1:
                raise ValueError(f"it makes {number_of(len(numbers), 'row')} of one")
            return rows.base + numbers[0] * rows.width + columns
        broadcast((len(numbers), 1), (1, columns.size))
        starts = rows.base + numbers * rows.width
        found = starts.reshape(-1, *[1] * columns.ndim) + columns
        return np.moveaxis(found, 0, axis)

    # --- value by value ---------------------------------------------------------------------------

    def value_by_value(self, ids: Ids, make: Callable[[Rows], Layer], key: Any, name: str) -> Ids:
        """The ids of values that went through a layer that keeps every value in its place."""
        result = ids.copy()
        for rows in self.table.owners(ids):
            if rows.kind == "beyond":
                continue  # nobody may take them
            if rows.kind != "rows":
                raise ValueError(
                    f"it takes the state {rows.name!r}, which a recurrent operator alone may do"
                )
            if (key, rows.base) not in self._made:
                self._made[key, rows.base] = self.add(make(rows), [rows], name)
            own = (ids >= rows.base) & (ids < rows.base + rows.n * rows.width)
            result[own] += self._made[key, rows.base].base - rows.base
        return result

    def activated(self, ids: Ids, function: Any, name: str, **settings: Any) -> Ids:
        """The ids of values that went through a function."""
        if self.pending.concerns(ids) and not settings:
            return self.pending.add(function, ids.shape, ids)
        key = (function, tuple(sorted(settings.items())))
        return self.value_by_value(
            ids, lambda rows: Activation(rows.width, function, **settings), key, name
        )

    def joined(self, kind: type[Add] | type[Mul], a: Ids, b: Ids, name: str) -> Ids:
        """The ids of sums or products of two tensors."""
        shape = broadcast(a.shape, b.shape)
        a, b = (np.array(np.broadcast_to(one, shape)) for one in (a, b))
        if self.pending.concerns(a, b):
            return self.pending.add("mul" if kind is Mul else "add", a.shape, a, b)
        if ((a == ZERO) | (b == ZERO)).any():
            raise ValueError("it takes zeros beside values of a row")
        for one in (a, b):
            if self.table.kinds(one) - {"rows"}:
                raise ValueError("it takes a state, which a recurrent operator alone may do")
        left, right = self.table.owners(a), self.table.owners(b)
        if len(left) == len(right) == 1:
            x, y = left[0], right[0]
            same = (x.n, x.width, x.first, x.period) == (y.n, y.width, y.first, y.period)
            if same and (a - x.base == b - y.base).all():
                pair = ("joined", kind, x.base, y.base)
                new = self.once(pair, lambda: self.add(kind(), [x, y], name))
                return a + (new.base - x.base)
        views = self.table.view(a), self.table.view(b)
        if views[0].axis != views[1].axis or not np.array_equal(views[0].frames, views[1].frames):
            raise ValueError("it joins rows of different frames")
        # The order of the first input's columns, which that may then keep as they are.
        columns = views[0].ids.ravel()
        order = np.argsort(columns, kind="stable")
        rows = [self.gathered(view.ids.ravel()[order], name) for view in views]
        self._check_periods(rows)
        new = self.add(kind(), rows, name)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return self.placed(views[0], new, back.reshape(views[0].ids.shape), views[0].axis)


def _evenly(columns: NDArray[np.int64]) -> tuple[int, int, int, int] | None:
    """Runs of columns, one in each position: how many positions, their channels, the first column
    and the length of a run; None: they stand otherwise."""
    run = int(np.argmax(np.append(np.diff(columns) != 1, True))) + 1
    positions, start = len(columns) // run, int(columns[0])
    channels = run if positions == 1 else int(columns[run]) - start
    if len(columns) % run or channels < run:
        return None
    there = channels * np.arange(positions)[:, None] + start + np.arange(run)
    return (positions, channels, start, run) if (columns == there.ravel()).all() else None


def with_columns(
    weight: NDArray[np.float32], columns: NDArray[np.int64], width: int
) -> NDArray[np.float32]:
    """Weights (outputs, inputs) for rows of which each input is a column; of zeros (-1) none."""
    if len(columns) == width and (columns == np.arange(width)).all():
        return weight
    there = columns >= 0
    spread = np.zeros((len(weight), width), np.float64)
    np.add.at(spread.T, columns[there], weight.T[there])
    return spread.astype(np.float32)
