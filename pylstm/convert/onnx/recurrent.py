"""The recurrent operators of ONNX: LSTM, GRU and RNN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.onnx.layers import with_columns
from pylstm.convert.onnx.operators import Call, Runtime, Tensor, Value, operator
from pylstm.convert.onnx.rows import ZERO, Ids, Rows, View
from pylstm.layers import GRU, LSTM, RNN
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


@dataclass(frozen=True)
class _Cell:
    """The inputs and settings that all three operators have."""

    call: Call
    view: View
    hidden_size: int
    w: Array
    """(gates * hidden_size, inputs), for the rows that go in."""
    r: Array
    b: Array | None
    """(2, gates * hidden_size)."""
    rows: Rows

    def turned(self, values: Array, order: Sequence[int]) -> Array:
        """Rows of weights with the gates in another order."""
        gates = values.reshape(-1, self.hidden_size, *values.shape[1:])
        return np.ascontiguousarray(np.concatenate([gates[k] for k in order]))

    def weights(self, order: Sequence[int]) -> dict[str, Array]:
        """The weights of a layer, with the gates in the order that it has."""
        found = {
            "weight_ih_l0": self.turned(self.w, order),
            "weight_hh_l0": self.turned(self.r, order),
        }
        if self.b is not None:
            found["bias_ih_l0"] = self.turned(self.b[0], order)
            found["bias_hh_l0"] = self.turned(self.b[1], order)
        return found

    @property
    def sizes(self) -> tuple[int, int]:
        """What goes in and what comes out."""
        return self.rows.width, self.hidden_size


def _cell(call: Call, gates: int) -> _Cell:
    """The inputs of a node, checked."""
    direction = call.attributes.get("direction", "forward")
    if direction != "forward":
        call.refuse(f"direction is {direction!r}", "'forward': a stream cannot hear the future")
    w, r = call.weights(1), call.weights(2)
    for place, one in ((1, w), (2, r)):
        if one.ndim != 3 or len(one) != 1:
            call.refuse(f"{call.input_name(place)} has shape {one.shape}", "(1, rows, columns)")
    hidden_size = r.shape[2]
    call.only("hidden_size", hidden_size)
    n_inputs = w.shape[2]
    for place, one, width in ((1, w, n_inputs), (2, r, hidden_size)):
        if one.shape != (1, gates * hidden_size, width):
            wanted = (1, gates * hidden_size, width)
            call.refuse(f"{call.input_name(place)} has shape {one.shape}", f"{wanted}")
    b = call.weights(3) if call.has(3) else None
    if b is not None and b.shape != (1, 2 * gates * hidden_size):
        call.refuse(f"{call.input_name(3)} has shape {b.shape}", f"{(1, 2 * gates * hidden_size)}")
    view, inner = _sequence(call, n_inputs)
    _check_lengths(call, view)
    rows, columns = call.graph.whole(view, inner, call.name)
    numbers = (view.frames - rows.first) // rows.period
    if not np.array_equal(numbers, np.arange(rows.n)):
        call.refuse("it takes a part of the rows of the layer before it", "all of them")
    return _Cell(
        call,
        view,
        hidden_size,
        with_columns(w[0], columns, rows.width),
        r[0],
        None if b is None else b.reshape(2, -1),
        rows,
    )


def _layout(call: Call) -> int:
    layout: int = call.attribute("layout", 0, 1)
    return layout


def _sequence(call: Call, n_inputs: int) -> tuple[View, Ids]:
    """X as rows in time, and the ids of the first."""
    ids, layout = call.ids(), _layout(call)
    if ids.ndim != 3 or ids.shape[2] != n_inputs:
        call.refuse(
            f"{call.input_name(0)} has shape {ids.shape}",
            f"three dimensions, the last of {n_inputs}",
        )
    view = call.graph.table.view(ids)
    time, batch = (1, 0) if layout else (0, 1)
    if ids.shape[batch] != 1:
        call.refuse(f"its batch is {ids.shape[batch]}, axis {batch}", "1: a stream is one sequence")
    if view.axis is None and ids.shape[time] != 1:
        call.refuse(f"it goes over {ids.shape[time]} places of one row", "rows in time")
    if view.axis is None and call.graph.features.n != 1:
        call.refuse("it takes one row of many", "all rows in time")
    if view.axis not in (None, time):
        call.refuse(f"time goes along axis {view.axis}", f"axis {time}, as layout {layout} says")
    if view.before or view.after:
        call.refuse("it takes rows of zeros beside those of the stream", "rows alone")
    return view, view.ids.ravel()


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


def _begins(call: Call, place: int, name: str, hidden_size: int) -> Ids | None:
    """The state that an input brings; None: zeros."""
    if not call.has(place):
        return None
    value = call.inputs[place]
    shape = (1, 1, hidden_size)
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
    if call.graph.table.kinds(ids) != {"state"} or (ids == ZERO).any():
        call.refuse(f"{name} comes from a layer", "zeros, or an input of the graph")
    return ids.ravel()


def _results(cell: _Cell, layer: Recurrent) -> tuple[Rows, Ids, Ids]:
    """The rows of the layer, Y and Y_h."""
    call, layout = cell.call, _layout(cell.call)
    new = call.graph.add(layer, [cell.rows], call.name)
    steps = new.ids()
    last = steps[-1].reshape(1, 1, -1)
    every = steps[None, :, None] if layout else steps[:, None, None]
    return new, every, last


def _carry(call: Call, begin: Ids | None, end: Ids, name: str) -> None:
    """What an input brought is what an output has to take away; a step without that forgets."""
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
    hidden_size = cell.hidden_size
    order = [0, 3, 1] if coupled else [0, 2, 3, 1]  # of ONNX's i, o, f, c
    weights = cell.weights(order)
    if peepholes is not None:
        if peepholes.shape != (1, 3 * hidden_size):
            call.refuse(
                f"{call.input_name(7)} has shape {peepholes.shape}", f"{(1, 3 * hidden_size)}"
            )
        i, o, f = peepholes.reshape(3, -1)
        weights |= {"peephole_i_l0": i, "peephole_o_l0": o}
        if not coupled:
            weights["peephole_f_l0"] = f
    layer = LSTM(
        *cell.sizes,
        bias=cell.b is not None,
        weights=weights,
        peepholes=peepholes is not None,
        coupled=coupled,
        gate_clip=clip,
        gate_slope=_slope_of_gates(call, found),
    )
    begins = [
        _begins(call, 5, "initial_h", hidden_size),
        _begins(call, 6, "initial_c", hidden_size),
    ]
    new, every, last = _results(cell, layer)
    memory = call.graph.table.add(f"{new.name}, c", "memory", 1, hidden_size)
    _carry(call, begins[0], last, "initial_h")
    _carry(call, begins[1], memory.ids(), "initial_c")
    return [Tensor(every), Tensor(last), Tensor(memory.ids().reshape(1, 1, -1))]


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
        *cell.sizes,
        bias=cell.b is not None,
        weights=cell.weights([1, 0, 2]),  # of ONNX's z, r, h
        reset_after=bool(call.attribute("linear_before_reset", 0, 1)),
        candidate="relu" if found[1] == "relu" else "tanh",
        gate_slope=_slope_of_gates(call, found),
    )
    begin = _begins(call, 5, "initial_h", cell.hidden_size)
    _, every, last = _results(cell, layer)
    _carry(call, begin, last, "initial_h")
    return [Tensor(every), Tensor(last)]


@operator("RNN", *_ATTRIBUTES)
def _rnn(call: Call) -> list[Value]:
    cell = _cell(call, 1)
    _no_clip(call)
    found = _activations(call, ["Tanh"], ["Relu"])
    layer = RNN(
        *cell.sizes,
        nonlinearity="relu" if found == ["relu"] else "tanh",
        bias=cell.b is not None,
        weights=cell.weights([0]),
    )
    begin = _begins(call, 5, "initial_h", cell.hidden_size)
    _, every, last = _results(cell, layer)
    _carry(call, begin, last, "initial_h")
    return [Tensor(every), Tensor(last)]
