"""ONNX files to pylstm layers."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pylstm.arguments import listing, number_of, shown
from pylstm.convert.conversion import Conversion
from pylstm.convert.onnx.file import kernel_reach, largest_count, opset_of, read_onnx
from pylstm.convert.onnx.inputs import Inputs, inputs_of
from pylstm.convert.onnx.layers import LayerGraph, TooFewRowsError
from pylstm.convert.onnx.merging import merged
from pylstm.convert.onnx.operators import Deferred, Runtime, Tensor, Value
from pylstm.convert.onnx.own_file import OwnFile, own_file
from pylstm.convert.onnx.refusals import OtherAxisError
from pylstm.convert.onnx.rows import MOST_VALUES, ZERO, Rows, View
from pylstm.convert.onnx.runnable import runnable
from pylstm.convert.onnx.source import OnnxSource
from pylstm.convert.onnx.states import matched_states
from pylstm.convert.onnx.walk import walk
from pylstm.decisions.settings import settings_from_text
from pylstm.layers import Activation, Concat
from pylstm.layers.graph import graph_of
from pylstm.model import Model

__all__ = ["from_onnx"]

# How many frames a graph is walked with that takes any number: what depends on it differs.
LENGTHS = (7, 10)
# Rows that its windows see, at most; the core has no longer ones.
MOST_REACH = 1 << 14
# It is walked with more where strides leave few, up to so many times and so many values.
MOST_SCALE = 1 << 8
# And with one more than its largest constant, up to this: it may be an end of rows.
MOST_COUNT = 1 << 14


class _Found(NamedTuple):
    """What a graph becomes with time along one axis."""

    axis: int | None
    shape: tuple[int, ...]
    layers: dict[str, tuple[Any, ...]]
    states: dict[str, str]
    outputs: tuple[tuple[str, int | None, int], ...]
    notes: list[str]
    fewest_rows: int
    length: int | None = None


def from_onnx(
    source: str | os.PathLike[str] | bytes,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    constants: Mapping[str, ArrayLike] | None = None,
    input: str | None = None,
    output: str | None = None,
) -> Conversion:
    """Turns an ONNX graph into layers with the same weights.

    The graph has an input of rows: a tensor with time along one of its axes, or one row for each
    call. Other inputs of float32 are states; each has to come back as an output. They begin as
    zeros, and are hidden inside of a stream then. All else is computed once, with the shapes known,
    by ``onnx.reference``: conditions of ``If``, shapes and what follows from them.

    Of a file that `to_onnx` wrote and nobody changed come the layers that it was written from.

    Parameters
    ----------
    source : str, path or bytes
        The file, or what stands in it. Nothing else is opened, and nothing of it is run.
    shapes : mapping of str to tuple of int, optional
        Of inputs whose shapes the file does not fix. None stands at the axis of the rows along
        which time goes: ``{"x": (1, None, 40)}``. Without a None a call of the graph takes one row.
        By default time goes along the axis that the file leaves open and with which the graph can
        be expressed; the others that it leaves open have 1.
    constants : mapping of str to array, optional
        Inputs that stay what they are, such as ``{"sr": 16000}``.
    input : str, optional
        The input of rows; by default the first one of float32.
    output : str, optional
        The output whose rows come out; by default all that are no states, side by side.

    Returns
    -------
    Conversion
        `layers` is a mapping for `pylstm.Model`. A row has the values of the input of one frame, in
        the order of its axes. `run_source` runs the file by ONNX Runtime.

    Raises
    ------
    ValueError
        The file is not valid, has data in other files, or something in it cannot be expressed: the
        message names node, operator and attribute. Or along which axis time goes is not clear.
    TypeError
        An argument is of another type.
    ImportError
        The package ``onnx`` is not installed.
    OSError
        The file cannot be read.
    """
    model = read_onnx(source)
    own = own_file(model)
    if own is not None and not (shapes or constants or input or output):
        return _as_written(model, own)
    inputs = inputs_of(model, shapes or {}, constants or {}, input)
    outputs = [one.name for one in model.graph.output]
    if output is not None and output not in outputs:
        raise ValueError(f"output is {shown(output)}; expected {listing(outputs)}")
    found, first_error = [], None
    for axis, shape in inputs.candidates():
        try:
            found.append(_expressed(model, inputs, axis, shape, output))
        except ValueError as error:
            error.with_traceback(None).__context__ = None  # they hold the tensors of the graph
            first_error = first_error or error
    if not found:
        assert first_error is not None
        if isinstance(first_error, OtherAxisError) and inputs.main_shape is None:
            way = f"shapes={{{inputs.main.name!r}: ...}}"
            raise ValueError(f"{first_error}; {way} says along which axis time goes")
        raise ValueError(str(first_error))
    one = _only(found, inputs)
    if all(layer.obstacle is None for layer, *_ in one.layers.values()):
        Model(None, one.layers)  # refuses what is beyond the limits of a stream
    return Conversion(one.layers, _source(model, inputs, one), tuple(one.notes))


def _as_written(model: Any, own: OwnFile) -> Conversion:
    """What a file of `to_onnx` was written from."""
    about = {one.key: one.value for one in model.metadata_props}
    told = _labels_and_decision(about, own)
    notes: tuple[str, ...] = ()
    if about.get("features", "null") != "null":
        notes = ("The features of the model are not in the file: frames come from outside.",)
    if own.is_late:
        notes += (
            "The file has no rows of the end of a sequence, as flush gives them: not compared.",
        )
        return Conversion(own.layers, None, notes, **told)
    if find_spec("onnxruntime") is None:
        return Conversion(own.layers, notes=notes, **told)
    frames, rows = model.graph.input[0].name, model.graph.output[0].name
    states = {name: (f"{name}.next", zeros) for name, zeros in own.states.items()}
    source = OnnxSource(
        model.SerializeToString(),
        frames,
        (1, own.n_features),
        0,
        None,
        states,
        {},
        {},
        ((rows, 0, 0),),
    )
    return Conversion(own.layers, source, notes, **told)


def _labels_and_decision(about: Mapping[str, str], own: OwnFile) -> dict[str, Any]:
    """What the metadata says, if a model can have it."""
    try:
        labels = json.loads(about["labels"])
        texts = json.loads(about["decision"])
        decision = settings_from_text(labels, texts) if texts else None
        Model(None, own.layers, labels, decision=decision)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return {}
    return {"labels": labels, "decision": decision}


def _only(found: list[_Found], inputs: Inputs) -> _Found:
    """The one way to express a graph, or a refusal to guess."""
    if len(found) > 1:
        found = [one for one in found if one.axis != 0] or found
    for other in found[1:]:
        if other.layers != found[0].layers:
            name = inputs.main.name
            ways = [
                tuple(None if k == one.axis else n for k, n in enumerate(one.shape))
                for one in found
            ]
            listed = " or ".join(f"shapes={{{name!r}: {way}}}" for way in ways)
            raise ValueError(
                f"input {name!r} does not say along which axis time goes; expected {listed}, with"
                " None along time, and without it for one row in each call"
            )
    return found[0]


def _expressed(
    model: Any, inputs: Inputs, axis: int | None, shape: tuple[int, ...], output: str | None
) -> _Found:
    if axis is None:
        return _walked(model, inputs, None, shape, output, 1)
    if inputs.is_fixed:
        length = shape[axis]
        found = _walked(model, inputs, axis, shape, output, length)
        return found._replace(length=length)
    reach, scale = min(kernel_reach(model), MOST_REACH), 1
    while True:
        try:
            several = [
                _walked(model, inputs, axis, shape, output, scale * (length + reach))
                for length in LENGTHS
            ]
        except TooFewRowsError:
            several = []
        if several and (scale > MOST_SCALE or min(one.fewest_rows for one in several) > 2):
            break
        scale *= 4
    first, *others = several
    # A part of the rows, up to the 100th, shows where there are more than that.
    most = min(MOST_COUNT, MOST_VALUES // max(1, int(np.prod(shape))) - 1)
    count = largest_count(model, most)
    if count >= scale * (LENGTHS[0] + reach):
        others.append(_walked(model, inputs, axis, shape, output, count + 1))
    if any((first.layers, first.outputs) != (one.layers, one.outputs) for one in others):
        raise ValueError(
            f"the layers depend on how many frames a call of the graph has; expected a graph that"
            f" does the same for each, or shapes={{{inputs.main.name!r}: ...}} with another axis of"
            " time"
        )
    return first


def _walked(
    model: Any,
    inputs: Inputs,
    axis: int | None,
    shape: tuple[int, ...],
    output: str | None,
    n_frames: int,
) -> _Found:
    rest = [n for k, n in enumerate(shape) if k != axis]
    if n_frames * math.prod(rest) > MOST_VALUES:
        raise ValueError(
            f"the windows of the graph may see {number_of(n_frames, 'row')}; expected shorter ones,"
            " or smaller strides"
        )
    layers = LayerGraph(n_frames, math.prod(rest))
    ids = layers.features.ids().reshape(n_frames, *rest)
    values: dict[str, Value] = dict(inputs.constants)
    values[inputs.main.name] = Tensor(
        ids.reshape(shape) if axis is None else np.moveaxis(ids, 0, axis)
    )
    states = {
        name: layers.table.add(name, "state", 1, int(np.prod(own)))
        for name, own in inputs.states.items()
    }
    for name, rows in states.items():
        values[name] = Tensor(rows.ids().reshape(inputs.states[name]))
    values |= {name: Runtime(name) for name in inputs.runtime}
    given = walk(model.graph, values, layers, opset_of(model))
    carried = matched_states(layers, states, inputs.states, given)
    views = _results(layers, given, set(carried.values()), output)
    all_rows: list[Rows] = []
    for name, view in views.items():
        all_rows.append(layers.gathered(view.ids.ravel(), name))
        numbers = (view.frames - all_rows[-1].first) // all_rows[-1].period
        whole = view.axis is None and numbers[-1] == all_rows[-1].n - 1
        if not whole and not np.array_equal(numbers, np.arange(all_rows[-1].n)):
            raise ValueError(
                f"output {name!r} has a part of its rows; expected all, or the last one alone"
            )
    last = all_rows[0]
    if len(all_rows) > 1:
        layers.note(f"The outputs {listing(views)} stand side by side in a row.")
        last = layers.add(Concat(), all_rows, "outputs")
    if last is layers.features:
        last = layers.add(Activation(last.width, "linear"), [last], "output")
    graph = merged(layers.layers, last.name)
    graph_of(graph, layers.features.width)
    first = max(rows.first for rows in all_rows)
    axes = tuple(
        (name, view.axis, (first - rows.first) // rows.period)
        for (name, view), rows in zip(views.items(), all_rows, strict=True)
    )
    return _Found(axis, shape, graph, carried, axes, layers.notes, layers.fewest_rows)


def _results(
    layers: LayerGraph, given: Mapping[str, Value], states: set[str], chosen: str | None
) -> dict[str, View]:
    """The outputs that have rows, as rows in time."""
    views: dict[str, View] = {}
    at_end: dict[str, View] = {}
    for name, found in given.items():
        try:
            value = found.whole() if isinstance(found, Deferred) else found
        except ValueError as error:
            raise ValueError(f"output {name!r}: {error}; expected rows in time") from None
        if name in states or (chosen is not None and name != chosen):
            continue
        if isinstance(value, np.ndarray) and chosen is None:
            layers.note(f"The output {name} is a constant and is left out.")
            continue
        if not isinstance(value, Tensor):
            raise ValueError(f"output {name!r} is no tensor of rows; expected another: output=...")
        kinds = layers.table.kinds(value.ids)
        if "pending" in kinds:
            raise ValueError(
                f"output {name!r} comes from a state by operators that are no cell; expected those"
                " of an LSTM or a GRU, or the operator LSTM, GRU or RNN"
            )
        if "beyond" in kinds:
            raise ValueError(
                f"output {name!r} has rows behind the end of the sequence, of padding there;"
                " expected these cut off, as y[:, :, :-4] does"
            )
        if kinds != {"rows"}:
            kept = "is left out" if "end" in kinds else "a stream remembers it"
            layers.note(f"The output {name} is a state at the end; {kept}.")
            continue
        try:
            view = layers.table.view(value.ids)
        except ValueError as error:
            raise ValueError(f"output {name!r}: {error}; expected rows in time") from None
        if view.before or view.after or (view.ids == ZERO).any():
            raise ValueError(f"output {name!r} has zeros beside rows; expected rows alone")
        here = at_end if view.axis is None and layers.features.n > 1 else views
        here[name] = view
    if views:
        for name in at_end:
            layers.note(f"The output {name} is the last row alone, and is left out.")
        return views
    if not at_end:
        raise ValueError(
            f"the graph has no output of rows; expected one beside {listing(given)}"
            if chosen is None
            else f"output {chosen!r} is a state; expected an output of rows"
        )
    if any(layer.obstacle is not None for layer, *_ in layers.layers.values()):
        raise ValueError(
            f"output {next(iter(at_end))!r} is the last row of layers in both directions;"
            " expected all rows"
        )
    layers.note("The graph gives its last row alone; a stream gives one for each.")
    return at_end


def _source(model: Any, inputs: Inputs, one: _Found) -> OnnxSource | None:
    if find_spec("onnxruntime") is None:
        return None
    return OnnxSource(
        runnable(model, inputs).SerializeToString(),
        inputs.main.name,
        one.shape,
        one.axis,
        one.length,
        {
            name: (one.states.get(name), np.zeros(shape, np.float32))
            for name, shape in inputs.states.items()
        },
        inputs.constants,
        inputs.runtime,
        one.outputs,
    )
