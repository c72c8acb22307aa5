"""The recurrent operators of ONNX: LSTM, GRU and RNN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.onnx.layers import with_columns
from pylstm.convert.onnx.operators import Call, Runtime, Tensor, Value, operator
from pylstm.convert.onnx.rows import ZERO, Ids, Rows, View
from pylstm.layers import GRU, LSTM, RNN, Select
from pylstm.layers.recurrent import LARGEST_LIMIT, SMALLEST_LIMIT, Recurrent

__all__: list[str] = []

Array = NDArray[np.float32]

_ATTRIBUTES = (
    "activation_alpha",
    "activation_beta",
    "activations",
    "clip",
    "direction",
    "hidden_size",
    "layout",
)
# Activations that have an alpha or a beta, in small letters, as ONNX Runtime compares them.
_WITH_NUMBERS = ("affine", "elu", "hardsigmoid", "leakyrelu", "scaledtanh", "thresholdedrelu")
# What HardSigmoid has where a node does not say.
_HARD_ALPHA, _HARD_BETA = 0.2, 0.5


_SUFFIXES: dict[str, dict[str, int | None]] = {
    "forward": {"": 0},
    "bidirectional": {"": 0, "_reverse": 1},
    "reverse": {"": None, "_reverse": 0},
}
"""For each direction: how the weights of a layer end, and which of ONNX's they are; None: zeros."""


@dataclass(frozen=True)
class _Cell:
    """The inputs and settings that all three operators have."""

    call: Call
    view: View
    hidden_size: int
    direction: str
    w: Array
    """(directions, gates * hidden_size, inputs), for the rows that go in."""
    r: Array
    b: Array | None
    """(directions, 2, gates * hidden_size)."""
    rows: Rows
    behind: int
    """Zeros behind the rows, for which the operator gives zeros."""

    @property
    def is_forward(self) -> bool:
        """Whether a stream can run it."""
        return self.direction == "forward"

    def turned(self, values: Array, order: Sequence[int]) -> Array:
        """Rows of weights with the gates in another order."""
        gates = values.reshape(-1, self.hidden_size, *values.shape[1:])
        return np.ascontiguousarray(np.concatenate([gates[k] for k in order]))

    def weights(self, order: Sequence[int]) -> dict[str, Array]:
        """The weights of a layer, with the gates in the order that it has."""
        found: dict[str, Array] = {}
        for name, values in (("weight_ih", self.w), ("weight_hh", self.r)):
            found |= self.each(name, [self.turned(one, order) for one in values])
        if self.b is not None:
            for place, name in enumerate(("bias_ih", "bias_hh")):
                found |= self.each(name, [self.turned(one[place], order) for one in self.b])
        return found

    def each(self, name: str, values: Sequence[Array]) -> dict[str, Array]:
        """Weights of each direction, under the names that a layer has for them."""
        return {
            f"{name}_l0{suffix}": np.zeros_like(values[0]) if place is None else values[place]
            for suffix, place in _SUFFIXES[self.direction].items()
        }

    @property
    def settings(self) -> dict[str, Any]:
        """Those that every layer has: what goes in and what comes out, biases, directions."""
        return {
            "input_size": self.rows.width,
            "hidden_size": self.hidden_size,
            "bias": self.b is not None,
            "bidirectional": not self.is_forward,
        }


def _cell(call: Call, gates: int) -> _Cell:
    """The inputs of a node, checked."""
    direction = call.attribute("direction", "forward", "reverse", "bidirectional")
    n_directions = 1 + (direction == "bidirectional")
    if direction != "forward" and call.graph.features.n == 1:
        call.refuse(
            f"direction is {direction!r}, and a call has one row",
            "'forward', or whole sequences: a stream cannot hear the future",
        )
    w, r = call.weights(1), call.weights(2)
    for place, one in ((1, w), (2, r)):
        if one.ndim != 3 or len(one) != n_directions:
            wanted = f"({n_directions}, rows, columns)"
            call.refuse(f"{call.input_name(place)} has shape {one.shape}", wanted)
    hidden_size = r.shape[2]
    call.only("hidden_size", hidden_size)
    n_inputs = w.shape[2]
    for place, one, width in ((1, w, n_inputs), (2, r, hidden_size)):
        if one.shape != (n_directions, gates * hidden_size, width):
            wanted = f"{(n_directions, gates * hidden_size, width)}"
            call.refuse(f"{call.input_name(place)} has shape {one.shape}", wanted)
    b = call.weights(3) if call.has(3) else None
    if b is not None and b.shape != (n_directions, 2 * gates * hidden_size):
        wanted = f"{(n_directions, 2 * gates * hidden_size)}"
        call.refuse(f"{call.input_name(3)} has shape {b.shape}", wanted)
    view, inner, behind = _sequence(call, n_inputs)
    _check_lengths(call, view)
    rows, columns = call.graph.whole(view, inner, call.name)
    numbers = (view.frames - rows.first) // rows.period
    if not np.array_equal(numbers, np.arange(rows.n)):
        call.refuse("it takes a part of the rows of the layer before it", "all of them")
    return _Cell(
        call,
        view,
        hidden_size,
        direction,
        np.stack([with_columns(one, columns, rows.width) for one in w]),
        r,
        None if b is None else b.reshape(n_directions, 2, -1),
        rows,
        behind,
    )


def _layout(call: Call) -> int:
    layout: int = call.attribute("layout", 0, 1)
    return layout


def _sequence(call: Call, n_inputs: int) -> tuple[View, Ids, int]:
    """X as rows in time, the ids of the first, and how many zeros stand behind the rows."""
    ids, layout = call.ids(), _layout(call)
    if ids.ndim != 3 or ids.shape[2] != n_inputs:
        call.refuse(
            f"{call.input_name(0)} has shape {ids.shape}",
            f"three dimensions, the last of {n_inputs}",
        )
    time, batch = (1, 0) if layout else (0, 1)
    ids, behind = _without_zeros_behind(call, ids, time)
    view = call.graph.table.view(ids)
    if ids.shape[batch] != 1:
        call.refuse(f"its batch is {ids.shape[batch]}, axis {batch}", "1: a stream is one sequence")
    if view.axis is None and ids.shape[time] != 1:
        call.refuse(f"it goes over {ids.shape[time]} places of one row", "rows in time")
    if view.axis is None and call.graph.features.n != 1:
        call.refuse("it takes one row of many", "all rows in time")
    if view.axis not in (None, time):
        call.refuse(f"time goes along axis {view.axis}", f"axis {time}, as layout {layout} says")
    if view.before or view.after:
        wanted = "rows alone, or zeros behind them that sequence_lens leaves out"
        call.refuse("it takes rows of zeros beside those of the stream", wanted)
    return view, view.ids.ravel(), behind


def _without_zeros_behind(call: Call, ids: Ids, time: int) -> tuple[Ids, int]:
    """X without the zeros behind its rows that ``sequence_lens`` leaves out, and how many."""
    value = call.inputs[4] if call.has(4) else None
    there = np.flatnonzero((np.moveaxis(ids, time, 0) != ZERO).reshape(ids.shape[time], -1).any(1))
    n = int(there[-1]) + 1 if len(there) else 0
    if not isinstance(value, np.ndarray) or value.tolist() != [n]:
        return ids, 0
    return np.take(ids, np.arange(n), time), ids.shape[time] - n


def _check_lengths(call: Call, view: View) -> None:
    """``sequence_lens``: a stream is as long as it is."""
    value = call.inputs[4] if call.has(4) else None
    if value is None:
        return
    if isinstance(value, Runtime):
        call.graph.note(
            f"{value.name} has the lengths of sequences: a stream is as long as what is pushed."
        )
        return
    lengths = call.constant(4)
    if lengths.tolist() != [len(view.frames)]:
        call.refuse(
            f"sequence_lens is {lengths.tolist()} for {number_of(len(view.frames), 'row')}",
            "the length of the whole sequence, or none",
        )


def _activations(call: Call, usual: Sequence[str], *others: Sequence[str]) -> list[str]:
    """The activations in small letters: as usual, or as one of the others."""
    given = call.attribute("activations", list(usual))
    found = [name.lower() for name in given]
    if call.attributes.get("direction") == "bidirectional" and found[: len(usual)] * 2 == found:
        found = found[: len(usual)]
    if found not in [[name.lower() for name in one] for one in (usual, *others)]:
        for name in ("activation_alpha", "activation_beta"):
            if set(found) & set(_WITH_NUMBERS) and name in call.attributes:
                call.refuse(
                    f"activations is {given} with {name} {call.attributes[name]}",
                    " or ".join(str(list(one)) for one in (usual, *others)),
                )
        call.refuse(
            f"activations is {given}", " or ".join(str(list(one)) for one in (usual, *others))
        )
    for name in ("activation_alpha", "activation_beta"):
        if call.attributes.get(name) and found[0] != "hardsigmoid":
            call.refuse(f"{name} is {call.attributes[name]}", f"none, with {given}")
    return found


def _slope_of_gates(call: Call, activations: Sequence[str]) -> float:
    """The slope of gates that are hard sigmoids; 0: they are sigmoids."""
    if activations[0] != "hardsigmoid":
        return 0.0
    numbers = []
    for name, usual in (("activation_alpha", _HARD_ALPHA), ("activation_beta", _HARD_BETA)):
        values = call.attribute(name, []) or [usual]
        if len(values) > 1:
            call.refuse(f"{name} is {values}", "one number: HardSigmoid alone takes one")
        numbers.append(float(str(np.float32(values[0]))))  # 0.2, where float32 holds 0.20000000298
    slope, offset = numbers
    if not SMALLEST_LIMIT <= slope <= LARGEST_LIMIT:
        call.refuse(f"activation_alpha is [{slope:g}]", "a slope above 0")
    if offset != _HARD_BETA:
        call.refuse(f"activation_beta is [{offset:g}]", "[0.5]: the sum 0 opens a gate by half")
    return slope


def _no_clip(call: Call) -> None:
    if "clip" in call.attributes:
        call.refuse(
            f"clip is {call.attributes['clip']:g}", f"none: no {call.node.op_type} here has it"
        )


def _begins(cell: _Cell, place: int, name: str) -> Ids | None:
    """The state that an input brings; None: zeros."""
    call = cell.call
    if not call.has(place):
        return None
    value = call.inputs[place]
    shape = (len(cell.w), 1, cell.hidden_size)
    if _layout(call):
        shape = (1, len(cell.w), cell.hidden_size)
    if isinstance(value, np.ndarray):
        if value.shape != shape:
            call.refuse(f"{name} has shape {value.shape}", f"{shape}")
        if (value != 0).any():
            call.refuse(f"{name} is a constant that is not 0", "zeros, or an input of the graph")
        return None
    ids = call.ids(place)
    if ids.shape != shape:
        call.refuse(f"{name} has shape {ids.shape}", f"{shape}")
    if (ids == ZERO).all():
        return None
    if not cell.is_forward:
        call.refuse(f"{name} comes from outside for direction {cell.direction!r}", "zeros")
    if call.graph.table.kinds(ids) != {"state"} or (ids == ZERO).any():
        call.refuse(f"{name} comes from a layer", "zeros, or an input of the graph")
    return ids.ravel()


def _results(cell: _Cell, layer: Recurrent) -> tuple[Rows, Ids, Ids]:
    """The rows of the layer, Y and Y_h."""
    call, layout, size = cell.call, _layout(cell.call), cell.hidden_size
    new = call.graph.add(layer, [cell.rows], call.name)
    if cell.direction == "reverse":
        new = call.graph.add(Select(2 * size, size, 2 * size), [new], call.name)
    steps = new.ids().reshape(new.n, -1, size)  # (T, directions, hidden_size)
    last = steps[-1].reshape(1, -1, size)
    steps = np.concatenate([steps, np.full((cell.behind, *steps.shape[1:]), ZERO)])
    every = steps[None] if layout else steps[:, :, None]
    if cell.is_forward:
        return new, every, last
    call.graph.note(f"{call.name} runs over whole sequences (forward), no stream can run it.")
    return new, every, _end(cell, new.name, "h")


def _end(cell: _Cell, name: str, part: str) -> Ids:
    """States after the run that are no rows: (directions, 1, hidden_size), or batch first."""
    kind, n = "memory" if cell.is_forward else "end", len(cell.w)
    ids = cell.call.graph.table.add(f"{name}, {part}", kind, 1, n * cell.hidden_size).ids()
    return ids.reshape((1, n, -1) if _layout(cell.call) else (n, 1, -1))


def _carry(cell: _Cell, begin: Ids | None, end: Ids, name: str) -> None:
    """What an input brought is what an output has to take away; a step without that forgets."""
    call = cell.call
    if begin is not None:
        call.graph.carried.append((begin, end.ravel()))
    elif call.graph.features.n == 1:
        call.refuse(
            f"{name} is 0 in each call, which has one row",
            "a state as input and output, or time along an axis, which None in shapes says",
        )


@operator("LSTM", *_ATTRIBUTES, "input_forget")
def _lstm(call: Call) -> list[Value]:
    cell = _cell(call, 4)
    found = _activations(call, ["Sigmoid", "Tanh", "Tanh"], ["HardSigmoid", "Tanh", "Tanh"])
    coupled = bool(call.attribute("input_forget", 0, 1))
    clip = _clip(call)
    peepholes = call.weights(7) if call.has(7) else None
    order = [0, 3, 1] if coupled else [0, 2, 3, 1]  # of ONNX's i, o, f, c
    weights = cell.weights(order)
    if peepholes is not None:
        wanted = (len(cell.w), 3 * cell.hidden_size)
        if peepholes.shape != wanted:
            call.refuse(f"{call.input_name(7)} has shape {peepholes.shape}", f"{wanted}")
        parts = peepholes.reshape(len(cell.w), 3, -1)
        for place, gate in enumerate("iof"):
            if gate != "f" or not coupled:
                weights |= cell.each(f"peephole_{gate}", list(parts[:, place]))
    layer = LSTM(
        weights=weights,
        peepholes=peepholes is not None,
        coupled=coupled,
        gate_clip=clip,
        gate_slope=_slope_of_gates(call, found),
        **cell.settings,
    )
    begins = [_begins(cell, 5, "initial_h"), _begins(cell, 6, "initial_c")]
    new, every, last = _results(cell, layer)
    memory = _end(cell, new.name, "c")
    _carry(cell, begins[0], last, "initial_h")
    _carry(cell, begins[1], memory, "initial_c")
    return [Tensor(every), Tensor(last), Tensor(memory)]


def _clip(call: Call) -> float:
    clip = float(call.attribute("clip", 0.0))
    if "clip" in call.attributes and not clip > 0:
        call.refuse(f"clip is {clip:g}", "a number above 0, or no clip")
    return clip


@operator("GRU", *_ATTRIBUTES, "linear_before_reset")
def _gru(call: Call) -> list[Value]:
    cell = _cell(call, 3)
    _no_clip(call)
    pairs = (
        [gate, candidate] for gate in ("Sigmoid", "HardSigmoid") for candidate in ("Tanh", "Relu")
    )
    found = _activations(call, *pairs)
    layer = GRU(
        weights=cell.weights([1, 0, 2]),  # of ONNX's z, r, h
        reset_after=bool(call.attribute("linear_before_reset", 0, 1)),
        candidate="relu" if found[1] == "relu" else "tanh",
        gate_slope=_slope_of_gates(call, found),
        **cell.settings,
    )
    begin = _begins(cell, 5, "initial_h")
    _, every, last = _results(cell, layer)
    _carry(cell, begin, last, "initial_h")
    return [Tensor(every), Tensor(last)]


@operator("RNN", *_ATTRIBUTES)
def _rnn(call: Call) -> list[Value]:
    cell = _cell(call, 1)
    _no_clip(call)
    found = _activations(call, ["Tanh"], ["Relu"])
    layer = RNN(
        nonlinearity="relu" if found == ["relu"] else "tanh",
        weights=cell.weights([0]),
        **cell.settings,
    )
    begin = _begins(cell, 5, "initial_h")
    _, every, last = _results(cell, layer)
    _carry(cell, begin, last, "initial_h")
    return [Tensor(every), Tensor(last)]
