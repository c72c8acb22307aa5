"""The graph of a Keras model, from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from pylstm.arguments import listing, number_of, shown
from pylstm.convert.json_document import Entry
from pylstm.convert.keras.file import snake_case
from pylstm.convert.keras.layers import JOINS, OPERATORS, check_origin

__all__ = ["KerasCall", "calls_of"]


_MODULES = (
    *("keras", "keras.models", "keras.src.models.functional"),
    # Keras 2, and Keras 2 as a package of its own
    *("keras.engine.functional", "keras.src.engine.functional", "tf_keras.src.engine.functional"),
)


class KerasCall(NamedTuple):
    """A layer of a model, and what it is called with."""

    name: str
    class_name: str
    config: Any
    """Its options."""
    group: str
    """Its name in weights files."""
    inputs: tuple[str, ...]
    """Names of layers; empty for an InputLayer."""


def calls_of(config: Mapping[str, Any]) -> tuple[list[KerasCall], Any]:
    """The layers of a Sequential or functional model, each after those that it takes rows from.

    Returns
    -------
    list of KerasCall
        The last one gives the outputs.
    shape
        Of the input, as the configuration has it: (batch, time, ...).

    Raises
    ------
    TypeError, ValueError
        The configuration is of another kind of model, a layer is none of Keras's or is called
        twice, there are several inputs or outputs, or layers take rows from each other in a circle.
    """
    model = Entry("the model", config)
    class_name = model.one_of("class_name", ("Sequential", "Functional", "Model"))
    model.one_of("module", _MODULES, "keras")
    registered = model.take_or("registered_name", None)
    if registered not in (None, class_name):
        raise model.refuse("registered_name", registered, "None: a model of Keras itself")
    build = model.take_or("build_config", None)
    model.take_or("compile_config", None)  # how it was trained
    config = model.take("config")
    if class_name == "Sequential" and isinstance(config, list):
        config = {"layers": config}  # of Keras before 2.2.3
    inner = Entry("the model", config)
    model.finish()
    for key in ("name", "trainable", "dtype"):
        inner.take_or(key, None)
    if class_name == "Sequential":
        return _sequential(inner, build)
    return _functional(inner)


def _entries(inner: Entry) -> list[Entry]:
    layers = inner.take("layers")
    if not isinstance(layers, list) or not layers:
        raise inner.refuse("layers", layers, "a list of layers")
    return [Entry(f"layers[{place}] of the model", one) for place, one in enumerate(layers)]


class _Names:
    """Names of layers: each once, and its group in weights files."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}
        self._names: set[str] = set()

    def call(self, entry: Entry, inputs: tuple[str, ...]) -> KerasCall:
        """The call that an entry is, all of whose keys are taken."""
        class_name = entry.take("class_name")
        config = entry.take("config")
        name = config.get("name") if isinstance(config, Mapping) else None
        name = entry.take_or("name", name)
        if not isinstance(name, str) or name in self._names:
            raise ValueError(
                f"the name of {entry.where} is {shown(name)}; expected a string that no other has"
            )
        self._names.add(name)
        entry.where = f"layer {name!r}"
        check_origin(entry, class_name)
        entry.take_or("build_config", None)
        entry.finish()
        group = snake_case(class_name)
        self._used[group] = self._used.get(group, -1) + 1
        if self._used[group]:
            group += f"_{self._used[group]}"
        return KerasCall(name, class_name, config, group, inputs)


def _sequential(inner: Entry, build: Any) -> tuple[list[KerasCall], Any]:
    names = _Names()
    calls: list[KerasCall] = []
    for entry in _entries(inner):
        call = names.call(entry, (calls[-1].name,) if calls else ())
        if call.class_name in JOINS:
            raise ValueError(
                f"layer {call.name!r} is in a Sequential; expected layers of one input"
            )
        calls.append(call)
    shape = inner.take_or("build_input_shape", None)
    inner.finish()
    if shape is None and isinstance(build, Mapping):
        shape = build.get("input_shape")
    if calls[0].class_name != "InputLayer":
        config = calls[0].config
        if isinstance(config, Mapping):
            shape = config.get("batch_input_shape", config.get("batch_shape", shape))
        name = "the input"
        calls[0] = calls[0]._replace(inputs=(name,))
        return [KerasCall(name, "InputLayer", {"batch_shape": shape}, "", ()), *calls], shape
    return calls, shape


def _functional(inner: Entry) -> tuple[list[KerasCall], Any]:
    names = _Names()
    calls: dict[str, KerasCall] = {}
    for entry in _entries(inner):
        nodes = entry.take("inbound_nodes")
        call = names.call(entry, ())
        calls[call.name] = call._replace(inputs=_inputs(call, nodes))
    ends = {}
    for key in ("input_layers", "output_layers"):
        ends[key] = _one_end(inner, key, calls)
    inner.finish()
    for call in calls.values():
        for name in call.inputs:
            if name not in calls:
                raise ValueError(
                    f"layer {call.name!r} takes the rows of {name!r}; expected a layer of the model"
                )
    inputs = [call.name for call in calls.values() if call.class_name == "InputLayer"]
    if inputs != [ends["input_layers"]]:
        raise ValueError(
            f"the model has {listing(inputs)} as inputs; expected {ends['input_layers']!r} alone"
        )
    try:
        order = list(TopologicalSorter({c.name: c.inputs for c in calls.values()}).static_order())
    except CycleError as error:
        raise ValueError(
            f"layers take rows from each other, {listing(error.args[1])}; expected no circle"
        ) from None
    taken = {name for call in calls.values() for name in call.inputs}
    last = ends["output_layers"]
    for name in order:
        if name not in taken and name != last:
            raise ValueError(f"nobody takes the rows of layer {name!r}; expected another layer")
    if last in taken:
        raise ValueError(
            f"the output is layer {last!r}, whose rows another layer takes; expected the last layer"
        )
    order.remove(last)
    return [calls[name] for name in (*order, last)], None


def _one_end(inner: Entry, key: str, calls: Mapping[str, KerasCall]) -> str:
    """The name of the only input or output of a model."""
    value = inner.take(key)
    found = value
    if isinstance(value, list) and value and all(isinstance(one, list) for one in value):
        if len(value) != 1:
            noun = key.removesuffix("_layers")
            raise ValueError(
                f"the model has {number_of(len(value), noun)}; expected 1: join them with"
                " keras.layers.Concatenate"
            )
        found = value[0]
    if not (isinstance(found, list) and len(found) == 3 and found[1:] == [0, 0]):
        raise inner.refuse(key, value, "a list such as ['name', 0, 0]")
    if not isinstance(found[0], str) or found[0] not in calls:
        raise inner.refuse(key, value, "the name of a layer")
    return found[0]


def _inputs(call: KerasCall, nodes: Any) -> tuple[str, ...]:
    """What a layer is called with, by its ``inbound_nodes``."""
    where = f"'inbound_nodes' of layer {call.name!r}"
    if not isinstance(nodes, list):
        raise TypeError(f"{where} is of type {type(nodes).__name__}; expected a list")
    if call.class_name == "InputLayer":
        if nodes:
            raise ValueError(f"{where} has {number_of(len(nodes), 'call')}; expected none")
        return ()
    if len(nodes) != 1:
        raise ValueError(
            f"{where} has {number_of(len(nodes), 'call')}; expected 1: make a layer of its own for"
            " each place"
        )
    if isinstance(nodes[0], dict):
        tensors = _of_keras_3(where, nodes[0], call.class_name in OPERATORS)
    else:
        tensors = nodes[0]
    inputs = tuple(_history(where, tensor) for tensor in tensors)
    least = 2 if call.class_name in JOINS else 1
    if len(inputs) < least or (least == 1 and len(inputs) > 1):
        expected = "2 or more" if least == 2 else "1"
        raise ValueError(f"{where} has {number_of(len(inputs), 'input')}; expected {expected}")
    return inputs


def _of_keras_3(where: str, node: Any, operator: bool) -> list[Any]:
    """The tensors of a call: ``args`` with one tensor, one list of them, or two for an operator."""
    entry = Entry(where, node)
    args, kwargs = entry.take("args"), entry.take("kwargs")
    entry.finish()
    for key, value in Entry(where, kwargs).items():
        if key not in ("mask", "training", "initial_state") or value not in (None, False):
            raise ValueError(f"{where} has {key}={shown(value)}; expected a call without it")
    if operator and isinstance(args, list) and len(args) == 2:
        args = [args]
    if not isinstance(args, list) or len(args) != 1:
        n = len(args) if isinstance(args, list) else 0
        raise ValueError(f"{where} has {number_of(n, 'argument')}; expected 1")
    tensors = args[0] if isinstance(args[0], list) else [args[0]]
    return [_keras_tensor(where, tensor) for tensor in tensors]


def _keras_tensor(where: str, tensor: Any) -> Any:
    """The history of a tensor."""
    if not isinstance(tensor, Mapping):
        raise ValueError(f"{where} has {shown(tensor)}; expected the rows of a layer")
    entry = Entry(where, tensor)
    entry.one_of("class_name", ["__keras_tensor__"])
    config = Entry(where, entry.take("config"))
    entry.finish()
    for key in ("shape", "dtype", "name", "sparse", "ragged"):
        config.take_or(key, None)
    history = config.take("keras_history")
    config.finish()
    return history


def _history(where: str, history: Any) -> str:
    """The layer that a tensor comes from."""
    fits = isinstance(history, list) and len(history) in (3, 4) and isinstance(history[0], str)
    if not fits or history[1:3] != [0, 0] or history[3:] not in ([], [{}]):
        raise ValueError(f"{where} has the tensor {shown(history)}; expected ['name', 0, 0]")
    return str(history[0])
