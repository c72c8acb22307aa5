"""The graph of layers that a PyTorch network becomes, while it grows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.folding import as_one
from pylstm.convert.torch.rows import ROW, Rows
from pylstm.layers import Activation, Add, Affine, Concat, Dense, Layer, Mul, Select
from pylstm.layers.graph import FEATURES, MAX_INPUTS

__all__ = ["Network", "UnknownWidth"]

# The core's limit of a name.
LONGEST_NAME = 31


class UnknownWidth(Exception):
    """A module has said how wide the frames are, which was not known before.

    Parameters
    ----------
    width : int
        Values of a frame.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.width = width


@dataclass(frozen=True)
class Step:
    """A layer and what it takes rows from."""

    layer: Layer
    inputs: tuple[str, ...]
    may_fold: bool = True


class Network:
    """Layers under their names, in order.

    Parameters
    ----------
    kept : iterable of str
        Layers that stay what they are: they do not become part of the one before.
    """

    def __init__(self, kept: Sequence[str] = ()) -> None:
        self.steps: dict[str, Step] = {}
        self._kept = frozenset(kept)

    def add(
        self,
        name: str,
        layer: Layer,
        rows: Sequence[Rows],
        shape: Sequence[int] | None = None,
        axes: Sequence[str] | None = None,
    ) -> Rows:
        """Adds a layer that takes these rows; gives what comes out, along the axes of the first."""
        name = self._free_name(name)
        inputs = tuple(one.node for one in rows)
        self.steps[name] = Step(layer, inputs, name not in self._kept)
        first = rows[0] if axes is None else replace(rows[0], axes=tuple(axes), padding=())
        width = layer.output_width([self.width(one) for one in rows])
        return first.of_node(name, layer.row_times(*rows[0].times), shape or (width,))

    def _free_name(self, name: str) -> str:
        """A name that a layer can have and no other has."""
        plain = re.sub(r"\W+", "_", name, flags=re.ASCII)[:LONGEST_NAME] or "layer"
        if plain[0].isdigit():
            plain = f"_{plain}"[:LONGEST_NAME]
        found, number = plain, 1
        while found in self.steps or found == FEATURES:
            end = f"_{number}"
            found, number = plain[: LONGEST_NAME - len(end)] + end, number + 1
        return found

    def width(self, rows: Rows) -> int:
        """How wide all the rows of the layer are that holds these."""
        if rows.node == FEATURES:
            return self.input_width
        return self._widths()[rows.node]

    input_width: int = 0
    """How wide a frame is; 0 while that is not known."""

    def _widths(self) -> dict[str, int]:
        widths = {FEATURES: self.input_width}
        for name, step in self.steps.items():
            widths[name] = step.layer.output_width([widths[one] for one in step.inputs])
        return widths

    # --- the order of values in a row -------------------------------------------------------------

    def order(self, rows: Rows, name: str) -> tuple[Rows, NDArray[np.intp]]:
        """Rows of one axis that hold each value of their layer once, and in which order.

        What holds only some of the values takes a layer that selects them.
        """
        columns = rows.known().reshape(-1)
        if len(columns) == self.width(rows) and len(set(columns.tolist())) == len(columns):
            return rows, columns
        rows = self.in_order(rows, name)
        return rows, rows.known().reshape(-1)

    def in_order(
        self, rows: Rows, name: str, by_position: bool = False, exactly: bool = False
    ) -> Rows:
        """The same values, now the rows of a layer in their order.

        `by_position`: two axes, the first for the channels and the second for the positions, of a
        row that goes position by position. `exactly`: a layer that this takes has that name.
        """
        columns = rows.known()
        wanted = columns.T.reshape(-1) if by_position else columns.reshape(-1)
        width = self.width(rows)
        inner = columns.T.shape if by_position else columns.shape
        if len(wanted) == width and np.array_equal(wanted, np.arange(width)):
            return rows
        layer: Layer | None = _selection(wanted, width)
        if layer is None:
            # Ones and zeros: sums of one value and of zeros are exact.
            matrix = np.zeros((len(wanted), width), np.float32)
            matrix[np.arange(len(wanted)), wanted] = 1
            layer = Dense(width, len(wanted), bias=False, weights={"weight": matrix})
        found = self.add(name if exactly else f"{name}_columns", layer, [rows], inner)
        if by_position:
            found = replace(found, columns=found.known().T)
        return found

    # --- what needs no layer of PyTorch -----------------------------------------------------------

    def activation(self, rows: Rows, name: str, function: Any, **settings: Any) -> Rows:
        """A function of each value."""
        if rows.columns is None:
            return rows  # it is gone through again when the width is known
        _refuse_padding(rows)
        found = self.add(name, Activation(self.width(rows), function, **settings), [rows])
        return replace(rows, node=found.node)

    def affine(
        self, rows: Rows, name: str, weight: NDArray[Any], bias: NDArray[Any] | None
    ) -> Rows:
        """Each value times a weight, plus a bias; both along the axes of the row, or the last."""
        if rows.columns is None:
            return rows  # as in `activation`
        _refuse_padding(rows)
        columns, width = rows.known(), self.width(rows)
        channels = width
        if columns.ndim == 2 and columns.size == width:
            channels = columns.shape[0]
            if np.array_equal(columns, np.arange(width).reshape(columns.shape)):
                channels = columns.shape[1]
            elif not np.array_equal(columns.T.reshape(-1), np.arange(width)):
                channels = width
        weights = {"weight": _spread(weight, columns, width, 1.0)}
        if bias is not None:
            weights["bias"] = _spread(bias, columns, width, 0.0)
        positions = width // channels
        by = {key: values.reshape(positions, channels) for key, values in weights.items()}
        per: Any = "element"
        if positions > 1 and all((values == values[:1]).all() for values in by.values()):
            per, weights = "channel", {key: values[0] for key, values in by.items()}
        elif positions > 1 and all((values == values[:, :1]).all() for values in by.values()):
            per, weights = "position", {key: values[:, 0] for key, values in by.items()}
        else:
            positions = 1
        layer = Affine(width, per, positions, bias is not None, weights)
        return replace(rows, node=self.add(name, layer, [rows]).node)

    def joined(self, kind: type[Add] | type[Mul], name: str, rows: Sequence[Rows]) -> Rows:
        """Sums or products of rows, value by value."""
        for one in rows:
            _refuse_padding(one)
        shape: tuple[int, ...] | None
        try:
            shape = np.broadcast_shapes(*(one.known().shape for one in rows))
        except ValueError:
            shape = None
        if shape is None or len({one.axes for one in rows}) > 1:
            shown = " and ".join(f"{one.described} of {one.known().shape}" for one in rows)
            raise ValueError(f"the inputs are {shown}; expected the same shapes")
        _refuse_other_times(rows)
        rows = [replace(one, columns=np.broadcast_to(one.known(), shape)) for one in rows]
        first = rows[0]
        same = all(
            np.array_equal(one.known(), first.known()) and self.width(one) == self.width(first)
            for one in rows
        )
        if not same:
            rows = [self.in_order(one, f"{name}_{k}") for k, one in enumerate(rows)]
        found = self.add(name, kind(), rows)
        return replace(rows[0], node=found.node)

    def side_by_side(self, name: str, rows: Sequence[Rows], dim: Any) -> Rows:
        """Rows beside each other along an axis of theirs, as ``torch.cat``."""
        first = rows[0]
        axis = first.axis(dim)
        for one in rows:
            _refuse_padding(one)
        if first.axes[axis] != ROW or len({one.axes for one in rows}) > 1:
            raise ValueError(
                f"the dimension is {dim}; expected one of values, of {first.described}"
            )
        _refuse_other_times(rows)
        place, positions = first.place_in_row(axis), 1
        if first.known().ndim == 2:
            # Channels of each position beside each other, as the core has them.
            positions, before = first.known().shape[1 - place], place == 0
            rows = [self.in_order(one, f"{name}_{k}", before) for k, one in enumerate(rows)]
        parts, offset = [], 0
        for one in rows:
            parts.append(one.known() + offset)
            offset += self.width(one)
        columns = np.concatenate(parts, axis=place)
        if first.known().ndim == 2:
            columns = np.arange(columns.size).reshape(positions, -1)
            columns = columns.T if place == 0 else columns
        found = self.add(name, Concat(positions), rows)
        return replace(first, node=found.node, columns=columns)

    # --- the end ----------------------------------------------------------------------------------

    def finished(self, rows: Rows) -> tuple[dict[str, Step], NDArray[np.intp]]:
        """The steps that lead to these rows, and where each value of them is in a row of the last.

        Scales, shifts and activations are inside of the layer before them, where nothing else takes
        the rows of that one.
        """
        columns = rows.known()
        if columns.ndim < 2 or columns.size < self.width(rows):
            rows = self.in_order(rows, "output")
            columns = np.arange(columns.size)
        needed: dict[str, Step] = {}
        for name in reversed(self.steps):
            if name == rows.node or any(name in step.inputs for step in needed.values()):
                needed[name] = self.steps[name]
        steps = dict(reversed(needed.items()))
        for name in [*steps]:
            step = steps[name]
            before = step.inputs[0]
            users = sum(other.inputs.count(before) for other in steps.values())
            if not step.may_fold or before == FEATURES or users != 1:
                continue
            if isinstance(step.layer, Add | Mul):
                _join_with(steps, before, name)
                continue
            merged = as_one(steps[before].layer, step.layer)
            if merged is not None:
                steps[before] = replace(steps[before], layer=merged)
                _take_out(steps, name, before)
        return steps, columns.reshape(-1)


def _take_out(steps: dict[str, Step], name: str, instead: str) -> None:
    """Removes a step; what took its rows takes those of another."""
    del steps[name]
    for other, user in steps.items():
        inputs = tuple(instead if one == name else one for one in user.inputs)
        steps[other] = replace(user, inputs=inputs)


def _join_with(steps: dict[str, Step], before: str, name: str) -> None:
    """Makes one join of two, where the first of them knows all inputs."""
    step, first = steps[name], steps[before]
    order = [FEATURES, *steps]
    inputs = (*first.inputs, *step.inputs[1:])
    known = all(order.index(one) < order.index(before) for one in inputs)
    if type(first.layer) is type(step.layer) and known and len(inputs) <= MAX_INPUTS:
        steps[before] = replace(first, inputs=inputs)
        _take_out(steps, name, before)


def _selection(wanted: NDArray[np.intp], width: int) -> Select | None:
    """The layer that gives these values of a row, or None."""
    gaps = np.flatnonzero(np.diff(wanted) != 1)
    kept = int(gaps[0]) + 1 if len(gaps) else len(wanted)
    positions, rest = divmod(len(wanted), kept or 1)
    if not kept or rest or width % positions:
        return None
    channels, start = width // positions, int(wanted[0])
    if start + kept > channels:
        return None
    parts = np.arange(positions)[:, None] * channels + np.arange(start, start + kept)
    same = np.array_equal(parts.reshape(-1), wanted)
    return Select(width, start, start + kept, positions) if same else None


def _refuse_padding(rows: Rows) -> None:
    rows.with_columns(rows.columns, rows.axes)


def _refuse_other_times(rows: Sequence[Rows]) -> None:
    """Rows are joined by the frames that they stand for: these have to be those of PyTorch."""
    times = sorted({one.times for one in rows})
    if len(times) > 1:
        (first, step), (second, other) = times[:2]
        raise ValueError(
            f"the rows of one input stand for frames {first}, {first + step}, ... and those of"
            f" another for {second}, {second + other}, ...; expected the same: the paddings of the"
            " layers in between differ"
        )


def _spread(values: Any, columns: NDArray[np.intp], width: int, rest: float) -> NDArray[Any]:
    """One number for each value of a layer's rows, from numbers along the axes of a tensor."""
    spread = np.full(width, rest, np.float32)
    spread[columns] = np.broadcast_to(np.asarray(values, np.float32), columns.shape)
    return spread
