"""Files of Keras to pylstm layers."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import listing
from pylstm.convert.conversion import Conversion
from pylstm.convert.folding import folded, layers_of
from pylstm.convert.json_document import Entry, naming
from pylstm.convert.keras.file import KerasFile
from pylstm.convert.keras.graph import KerasCall, calls_of
from pylstm.convert.keras.layers import JOINS, keras_layers
from pylstm.convert.keras.options import KerasRow, training_options
from pylstm.layers import Add, Concat, Layer, Mul
from pylstm.layers.graph import FEATURES, Node

__all__ = ["from_keras"]


def from_keras(path: str | os.PathLike[str]) -> Conversion:
    """Turn a model that Keras 2 or 3 saved into layers with the same weights.

    ``.keras`` and ``.h5`` files of whole models are read as data: Keras is not needed, and no code
    of a file is run. A model is Sequential or functional, with one input and one output. Its input
    has the dimensions batch, time, channels, or batch, time, positions, channels; without a
    dimension of time (batch, channels) each sample is a frame.

    ================================================  ============================================
    ``LSTM``, ``GRU``, ``SimpleRNN``                  `LSTM`, `GRU` (both resets), `RNN`
    ``CuDNNLSTM``, ``CuDNNGRU`` of Keras 2            the same
    ``Bidirectional`` of these, merged by concat      the same for whole sequences
    ``Dense``, ``TimeDistributed``                    `Dense`; over positions a `Conv` of kernel 1
    ``Conv1D``, ``Conv2D``, ``DepthwiseConv1D``       `Conv`; ``padding="same"`` looks ahead
    and so on, ``SeparableConv1D`` and so on
    ``ZeroPadding1D``, ``ZeroPadding2D``              in the convolution behind it
    ``MaxPooling1D``, ``AveragePooling1D`` and 2D     `Pool`
    ``BatchNormalization``                            in the layer before it, or `Affine`
    ``LayerNormalization``                            `LayerNorm`
    ``Activation``, ``ReLU``, ``LeakyReLU``,          in the layer before it, or `Activation`
    ``ELU``, ``PReLU``, ``Softmax``
    ``Add``, ``Multiply``, ``Concatenate``,           `Add`, `Mul`, `Concat`
    ``x + y``, ``x * y``
    ``Reshape``, ``Flatten`` of positions             nothing: rows are flat
    ``Dropout`` and its kin                           left out
    ================================================  ============================================

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Conversion
        ``run_source`` runs Keras, of any number of frames, where it and its backend are installed;
        for files of Keras 2 that is tf_keras.

    Raises
    ------
    ValueError
        Something in the file cannot be expressed: layer, option and value are named.
    TypeError
        A tensor is not float32, `path` is no path.
    ImportError
        h5py is not installed.
    OSError
        The file cannot be read.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path is of type {type(path).__name__}; expected a path: save the model")
    file = KerasFile(path)
    calls, shape = calls_of(file.config)
    rows, sources = {}, {}
    nodes: list[Node] = []
    notes: list[str] = []
    begin = _input(calls[0], shape)
    rows[calls[0].name], sources[calls[0].name] = begin, FEATURES
    for call in calls[1:]:
        where = f"layer {call.name!r} ({call.class_name})"
        entry = Entry(where, call.config)
        given = [rows[name] for name in call.inputs]
        inputs = [sources[name] for name in call.inputs]
        if call.class_name in JOINS:
            layer, rows[call.name] = _join(call.class_name, entry, given)
            layers: Sequence[Layer] = [layer]
        else:
            tensors = file.tensors_of(call.name, call.group)
            with naming(where):
                layers, rows[call.name] = keras_layers(
                    call.class_name, entry, tensors, given[0], file.version, notes
                )
        for layer in layers:
            name = _node_name(call.name, [node.name for node in nodes])
            nodes.append(Node(name, layer, tuple(inputs)))
            inputs = [name]
        sources[call.name] = inputs[0]
    file.finish()
    if rows[calls[-1].name].padded:
        raise ValueError(
            f"layer {calls[-1].name!r} is the last one; expected a convolution behind a ZeroPadding"
        )
    if not nodes:
        raise ValueError(f"{path} has {listing(c.class_name for c in calls)}; expected a layer")
    source = _source(path, begin, file.version)
    if isinstance(source, str):
        notes.append(source)
        source = None
    return Conversion(layers_of(folded(nodes)), source, tuple(notes))


def _input(call: KerasCall, shape: Any) -> KerasRow:
    """What a frame is, by the InputLayer."""
    if call.class_name != "InputLayer":
        raise ValueError(f"the first layer is {call.class_name}; expected an InputLayer")
    entry = Entry(f"layer {call.name!r} (InputLayer)", call.config)
    shape_key = "batch_shape" if "batch_shape" in entry else "batch_input_shape"
    given = entry.take_or(shape_key, shape)
    training_options(entry)
    for key in ("sparse", "ragged", "optional"):
        entry.one_of(key, [False], False)
    entry.finish()
    if isinstance(given, list | tuple) and len(given) in (2, 3, 4):
        sizes = tuple(given[1:] if len(given) == 2 else given[2:])
        if all(type(size) is int and 1 <= size <= 65_536 for size in sizes):
            return KerasRow(sizes, len(given) > 2)
    raise entry.refuse(shape_key, given, "a list such as [None, None, 40]: batch, time, channels")


def _join(class_name: str, entry: Entry, rows: Sequence[KerasRow]) -> tuple[Layer, KerasRow]:
    """The join that an Add, Multiply or Concatenate is."""
    training_options(entry)
    row = rows[0]
    if any(one.padded for one in rows):
        raise ValueError(
            f"{entry.where} takes the rows of a ZeroPadding; expected a convolution behind it"
        )
    equal = all(one == row for one in rows)
    layer: Layer
    if class_name == "Concatenate":
        axis = entry.take("axis")
        if not row.is_last(axis):
            raise entry.refuse("axis", axis, "-1")
        equal = all(one.timed == row.timed and one.sizes[:-1] == row.sizes[:-1] for one in rows)
        layer = Concat(row.positions)
        channels = sum(one.channels for one in rows)
        row = KerasRow((*row.sizes[:-1], channels), row.timed)
    else:
        layer = Add() if class_name == "Add" else Mul()
    if not equal:
        shown = " and ".join(str(one.sizes) for one in rows)
        raise ValueError(f"{entry.where} takes rows of {shown}; expected equal ones")
    entry.finish()
    return layer, row


def _node_name(name: str, taken: Sequence[str]) -> str:
    """A name that a graph can have, and that is free."""
    found = re.sub(r"\W", "_", name, flags=re.ASCII)[:24] or "layer"
    if not re.match("[A-Za-z_]", found) or found == FEATURES:
        found = f"layer_{found}"
    free, n = found, 1
    while free in taken:
        n += 1
        free = f"{found}_{n}"
    return free


_LACKS_BACKEND = (
    "{package} is installed, and its backend {backend} is not, so that it cannot run the file: the"
    " environment variable KERAS_BACKEND says which one there is, such as torch."
)


def _source(
    path: str | os.PathLike[str], row: KerasRow, version: str
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]] | str | None:
    """Runs Keras, with a row for each frame; None where it is not installed, or what it lacks.

    Files of Keras 2 need tf_keras: Keras 3 does not load most, and has another hard sigmoid.
    """
    former = version.startswith(("1.", "2."))
    package = "tf_keras" if former else "keras"
    backend = "tensorflow" if former else os.environ.get("KERAS_BACKEND") or "tensorflow"
    if package not in sys.modules:
        if find_spec(package) is None:
            return None
        if find_spec(backend) is None:
            return _LACKS_BACKEND.format(package=package, backend=backend)

    def run(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        keras = import_module(package)
        x = np.asarray(frames, np.float32).reshape(-1, *row.sizes)
        try:
            model = keras.models.load_model(path, compile=False)
            config = _for_streams(model.get_config())
            whole = type(model).from_config(config)
            whole.set_weights(model.get_weights())
            y = np.asarray(whole.predict_on_batch(x[None] if row.timed else x))
        except Exception as error:  # whatever a file of another version makes of it
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f"{package} {keras.__version__} does not run the file ({reason[:200]}); expected"
                " the Keras and the machine that wrote it, or no comparison"
            ) from error
        y = y[0] if row.timed else y
        return np.ascontiguousarray(y.reshape(len(y), -1), np.float32)

    return run


def _for_streams(config: Any, key: str = "") -> Any:
    """A configuration for one sequence of any length, with a row for each of its frames."""
    if isinstance(config, dict):
        return {name: _for_streams(value, name) for name, value in config.items()}
    if key == "return_sequences":
        return True
    if key == "stateful":
        return False
    if key in ("batch_shape", "batch_input_shape") and isinstance(config, list | tuple):
        return (None, None, *config[2:]) if len(config) > 2 else (None, *config[1:])
    if key == "build_input_shape":
        return None
    if isinstance(config, list | tuple):
        return [_for_streams(one) for one in config]
    return config
