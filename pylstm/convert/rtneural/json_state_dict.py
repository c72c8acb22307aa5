"""State dicts of PyTorch that stand in JSON: layers one after the other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import choice, listing, shown, within
from pylstm.convert.folding import batch_norm
from pylstm.convert.json_document import Entry, array_of
from pylstm.convert.torch import from_torch
from pylstm.layers import ACTIVATIONS, Activation, Add, Conv, Dense, Layer, Select
from pylstm.layers.dense import SumActivation

__all__ = ["Options", "layers_of_state_dict", "recurrent_model"]

Array = NDArray[np.float32]
Options = Mapping[str, Mapping[str, Any]]
"""For the beginnings of names, what a state dict does not hold."""

_RECURRENT = re.compile(r"(weight|bias)_(ih|hh)_l[0-9]{1,9}")
_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked", "eps")
_UNITS = {"LSTM": 4, "GRU": 3, "RNN": 1}


def layers_of_state_dict(
    document: Mapping[str, Any], options: Options, notes: list[str]
) -> list[Layer]:
    """The layers of a state dict, in the order of its names.

    Raises
    ------
    TypeError, ValueError
        A tensor is no part of a known layer, a layer lacks one, sizes do not fit, or something
        that a state dict does not hold has not been said.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name, value in document.items():
        if not isinstance(name, str):
            raise TypeError(f"a name in source is {shown(name)}; expected a string")
        beginning = name[: name.rfind(".") + 1]
        groups.setdefault(beginning, {})[name[len(beginning) :]] = value
    if not groups:
        raise ValueError("source is empty; expected RTNeural's JSON or a state dict")
    for beginning in options:
        if beginning not in groups:
            raise ValueError(
                f"options has {beginning!r}; expected beginnings of names: {listing(groups)}"
            )
    layers: list[Layer] = []
    for beginning, values in groups.items():
        last = beginning == list(groups)[-1]
        given = Entry(f"options[{beginning!r}]", options.get(beginning, {}))
        where = repr(beginning) if beginning else "source"
        layers += _layers(where, beginning, values, given, last, layers, notes)
        given.finish(f", of {where}")
    return layers


def _layers(
    where: str,
    beginning: str,
    values: dict[str, Any],
    options: Entry,
    last: bool,
    before: list[Layer],
    notes: list[str],
) -> list[Layer]:
    """The layers of the names with one beginning."""
    arrays = {
        name: array_of(value, f"{beginning}{name}").astype(np.float32)
        for name, value in values.items()
        if name not in ("num_batches_tracked", "eps")
    }
    width = before[-1].n_outputs if before else None
    found: list[Layer]
    if all(_RECURRENT.fullmatch(name) for name in values):
        if all(len(arrays.get("weight_hh_l0", ())) != n for n in _rows(arrays)):
            raise ValueError(
                f"{where} is a plain RNN; expected an LSTM or a GRU, RTNeural has no other"
            )
        found = [from_torch(arrays)]
    elif "running_mean" in arrays:
        if "eps" not in values:
            _check_said(options, beginning, {"eps": 1e-5})
        found = [_norm(where, values, arrays, options, width)]
    elif values.keys() == {"weight"} and arrays["weight"].ndim == 1:
        width = len(arrays["weight"]) if width is None else width
        n = len(arrays["weight"])
        found = [Activation(width, "prelu", num_parameters=n, weights=arrays)]
    elif values.keys() in ({"weight"}, {"weight", "bias"}) and arrays["weight"].ndim in (2, 3):
        if arrays["weight"].ndim == 3:
            _check_said(options, beginning, {"activation": "linear", "dilation": 1, "groups": 1})
        elif not last:
            _check_said(options, beginning, {"activation": "linear"})
        found = _sums(where, arrays, options, last, notes)
    else:
        raise ValueError(
            f"{where} has {listing(values)}; expected the names of an LSTM, a GRU, a Linear, a"
            " Conv1d, a BatchNorm1d or a PReLU"
        )
    if width is not None and found[0].input_size != width:
        raise ValueError(
            f"{where} takes rows of {found[0].input_size}; expected {width}, as many as come out of"
            " the layer before it"
        )
    return found


def _check_said(options: Entry, beginning: str, keys: Mapping[str, Any]) -> None:
    """Refuses options that lack a key of some, which have a value for an example."""
    missing = {key: value for key, value in keys.items() if key not in options}
    if missing:
        raise ValueError(
            f"{options.where} is missing {listing(missing)}, which a state dict does not hold;"
            " expected it from you: in Python, from_rtneural(path,"
            f" options={ {beginning: missing} }), with the values of your network"
        )


def _rows(arrays: Mapping[str, Array]) -> tuple[int, int]:
    """Rows of a weight of an LSTM and of a GRU."""
    weight = arrays.get("weight_hh_l0", np.zeros((0, 0)))
    width = weight.shape[-1] if weight.ndim else 0
    return 4 * width, 3 * width


def _norm(
    where: str,
    values: Mapping[str, Any],
    arrays: dict[str, Array],
    options: Entry,
    width: int | None,
) -> Layer:
    """A trained ``nn.BatchNorm1d``."""
    for name in values:
        if name not in _NORM:
            raise ValueError(f"{where} has {name!r}; expected of a BatchNorm1d {listing(_NORM)}")
    eps = values["eps"] if "eps" in values else options.take("eps")
    eps = within(f"eps of {where}", eps, 0.0, 1e30)
    shape = arrays["running_mean"].shape
    for name in ("running_var", *({"weight", "bias"} & arrays.keys())):
        if name not in arrays or arrays[name].shape != shape or len(shape) != 1:
            found = arrays[name].shape if name in arrays else "missing"
            raise ValueError(f"{name!r} of {where} is {found}; expected the shape {shape}")
    if ("weight" in arrays) != ("bias" in arrays):
        raise ValueError(f"{where} has {listing(values)}; expected both weight and bias, or none")
    return batch_norm(
        where,
        arrays["running_mean"],
        arrays["running_var"],
        arrays.get("weight"),
        arrays.get("bias"),
        eps,
        shape[0] if width is None else width,
    )


def _sums(
    where: str, arrays: dict[str, Array], options: Entry, last: bool, notes: list[str]
) -> list[Layer]:
    """An ``nn.Linear`` or an ``nn.Conv1d``, with what follows it."""
    weight = arrays["weight"]
    bias = "bias" in arrays
    activation: SumActivation
    if weight.ndim == 2 and last and "activation" not in options:
        activation = "linear"
        notes.append(
            f"{where} at the end is taken for linear: a state dict does not hold its activation."
        )
    else:
        activation = choice(
            f"'activation' of {options.where}", options.take("activation"), ACTIVATIONS
        )
    layer: Dense | Conv
    if weight.ndim == 2:
        layer = Dense(weight.shape[1], weight.shape[0], "linear", bias, arrays)
    else:
        groups = options.size("groups", most=len(weight))
        layer = Conv(
            weight.shape[1] * groups,
            len(weight),
            weight.shape[2],
            padding="causal",
            dilation=options.size("dilation", most=4096),
            groups=groups,
            bias=bias,
            weights=arrays,
        )
    if activation == "linear":
        return [layer]
    return [layer, Activation(layer.n_outputs, activation)]


def recurrent_model(source: Entry) -> Any:
    """A ``SimpleRNN`` as programs for guitar amplifiers save it: ``model_data`` says what it is.

    Its formula: linear(recurrent(x)) + x[:, :skip]. (CoreAudioML, ``SimpleRNN.forward``.)
    """
    data, state = Entry("'model_data'", source.take("model_data")), source.take("state_dict")
    source.finish()
    data.one_of("model", ["SimpleRNN"])
    unit = data.one_of("unit_type", _UNITS)
    sizes = {name: data.size(name) for name in ("input_size", "hidden_size", "output_size")}
    num_layers = data.size("num_layers", most=128)
    bias = data.one_of("bias_fl", (True, False))
    skip = data.one_of("skip", range(sizes["input_size"] + 1))
    data.finish()
    if not isinstance(state, Mapping):
        raise TypeError(f"'state_dict' of source is {type(state).__name__}; expected an object")
    arrays = {
        name: array_of(value, f"{name!r} of 'state_dict'").astype(np.float32)
        for name, value in state.items()
    }
    inputs, hidden, outputs = sizes.values()
    rows = _UNITS[unit] * hidden
    shapes: dict[str, tuple[int, ...]] = {}
    for k in range(num_layers):
        shapes[f"rec.weight_ih_l{k}"] = (rows, hidden if k else inputs)
        shapes[f"rec.weight_hh_l{k}"] = (rows, hidden)
        shapes[f"rec.bias_ih_l{k}"] = shapes[f"rec.bias_hh_l{k}"] = (rows,)
    shapes["lin.weight"] = (outputs, hidden)
    if bias:
        shapes["lin.bias"] = (outputs,)
    for name in [*shapes, *arrays]:
        found = arrays[name].shape if name in arrays else "missing"
        if found != shapes.get(name):
            expected = shapes.get(name, "no such tensor")
            raise ValueError(f"{name!r} of 'state_dict' is {found}; expected {expected}")
    recurrent = {k.removeprefix("rec."): v for k, v in arrays.items() if k.startswith("rec.")}
    linear = {k.removeprefix("lin."): v for k, v in arrays.items() if k.startswith("lin.")}
    chain = [
        from_torch(recurrent, activation="tanh" if unit == "RNN" else "linear"),
        Dense(hidden, outputs, "linear", bias, linear),
    ]
    if not skip:
        return chain
    if skip != outputs:
        raise ValueError(
            f"'skip' of 'model_data' is {skip}; expected 0 or {outputs}, as many as there are"
            " outputs"
        )
    added: dict[str, Any] = {}
    if skip < inputs:
        added["first_inputs"] = (Select(inputs, 0, skip), "features")
    added |= {"recurrent": (chain[0], "features"), "linear": (chain[1], "recurrent")}
    return added | {"sum": (Add(), "linear", "first_inputs" if skip < inputs else "features")}
