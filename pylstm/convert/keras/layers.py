"""The layers of Keras, class by class."""

from __future__ import annotations

from typing import Any

import numpy as np

from pylstm.arguments import listing
from pylstm.convert.folding import batch_norm
from pylstm.convert.json_document import Entry
from pylstm.convert.keras.file import LayerTensors
from pylstm.convert.keras.keras_2 import CUDNN, CudnnTensors, backward_layer, with_cudnn_options
from pylstm.convert.keras.options import (
    KerasRow,
    activation_layers,
    named_activation,
    training_options,
)
from pylstm.convert.keras.recurrent import RECURRENT, bidirectional, recurrent
from pylstm.convert.keras.windows import convolution, pool, zero_padding
from pylstm.layers import Activation, Conv, Dense, Layer, LayerNorm

__all__ = ["JOINS", "OPERATORS", "check_origin", "keras_layers"]

DROPPED = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "SpatialDropout1D",
    "SpatialDropout2D",
)
JOINS = ("Add", "Concatenate", "Multiply")
# What Keras makes of x + y and x * y.
OPERATORS = ("Add", "Multiply")
CONVOLUTIONS = tuple(f"{kind}Conv{n}D" for kind in ("", "Depthwise", "Separable") for n in (1, 2))
PADDINGS = ("ZeroPadding1D", "ZeroPadding2D")
POOLS = ("AveragePooling1D", "AveragePooling2D", "MaxPooling1D", "MaxPooling2D")
FUNCTIONS = ("ELU", "LeakyReLU", "ReLU", "Softmax")
# Those that act on each frame alone, so that a TimeDistributed changes nothing about them.
INSIDE = ("Activation", "BatchNormalization", "Dense", "LayerNormalization", *FUNCTIONS, *DROPPED)
OTHERS = ("Bidirectional", "Flatten", "PReLU", "Reshape", "TimeDistributed")
CLASSES = tuple(
    sorted(
        {
            *INSIDE,
            *OTHERS,
            *JOINS,
            *CONVOLUTIONS,
            *PADDINGS,
            *POOLS,
            *RECURRENT,
            *CUDNN,
            "InputLayer",
        }
    )
)
_NESTED = "its layers themselves: put them into the model around it, their weights go with them"
_INSTEAD = {
    "Sequential": _NESTED,
    "Functional": _NESTED,
    "Lambda": "a layer that says what it does: a file's code is never run",
    "Embedding": "a Dense without bias on rows that are 1 at one place",
    "Masking": "sequences without padding: a stream has the frames that are pushed",
    "GlobalAveragePooling1D": "a recurrent layer or an average in the program: a stream has no end",
    "GlobalMaxPooling1D": "a recurrent layer or a maximum in the program: a stream has no end",
}


def check_origin(entry: Entry, class_name: Any) -> None:
    """Refuses classes that are not Keras's own, or have no counterpart here."""
    module, registered = (
        entry.take_or("module", "keras.layers"),
        entry.take_or("registered_name", None),
    )
    instead = _INSTEAD.get(class_name) if isinstance(class_name, str) else None
    if instead is not None:
        raise entry.refuse("class_name", class_name, instead)
    if module == "keras.src.ops.numpy" and class_name in OPERATORS:
        return
    if module != "keras.layers":
        raise entry.refuse("module", module, "'keras.layers': a layer of Keras itself")
    if registered not in (None, class_name):
        raise entry.refuse("registered_name", registered, "None: a layer of Keras itself")
    if class_name not in CLASSES:
        raise entry.refuse("class_name", class_name, listing(CLASSES, len(CLASSES)))


def keras_layers(
    class_name: str,
    entry: Entry,
    tensors: LayerTensors,
    row: KerasRow,
    version: str,
    notes: list[str],
) -> tuple[list[Layer], KerasRow]:
    """The layers that one of Keras is, and what comes out of them.

    Parameters
    ----------
    class_name : str
        None of `JOINS`.
    entry : Entry
        Its ``config``, all of which is taken.
    tensors : LayerTensors
        Its weights, all of which are taken.
    row : KerasRow
        What goes in.
    version : str
        Of the Keras that wrote the file.
    notes : list of str
        Notes of the conversion, which grow.

    Raises
    ------
    TypeError, ValueError
        An option is unknown or cannot be expressed, a tensor is missing or of another shape.
    """
    if class_name in DROPPED:
        notes.append(f"{entry.where} does nothing in a trained model, and is left out.")
        return [], row
    training_options(entry)
    if row.padded and class_name not in CONVOLUTIONS:
        raise ValueError(
            f"{entry.where} takes the rows of a ZeroPadding; expected a convolution with"
            " padding='valid' behind it"
        )
    if class_name in CUDNN:
        entry, tensors = with_cudnn_options(class_name, entry), _of_cudnn(class_name, tensors)
        class_name = CUDNN[class_name]
    if class_name in RECURRENT:
        found = recurrent(class_name, entry, tensors, row, version, notes)
    elif class_name == "Bidirectional":
        layer = entry.take("layer")
        other = entry.take_or("backward_layer", None) or backward_layer(layer)
        inner_class, forward = _inner(entry, "layer", (*RECURRENT, *CUDNN), layer)
        _, backward = _inner(entry, "backward_layer", [inner_class], other)
        if inner_class in CUDNN:
            forward = with_cudnn_options(inner_class, forward)
            backward = with_cudnn_options(inner_class, backward)
            tensors = _of_cudnn(inner_class, tensors)
            inner_class = CUDNN[inner_class]
        found = bidirectional(entry, forward, backward, inner_class, tensors, row, version, notes)
    elif class_name == "TimeDistributed":
        found = _time_distributed(entry, tensors, row, version, notes)
    elif class_name in CONVOLUTIONS:
        layers, after = convolution(class_name, entry, tensors, row)
        found = [*layers, *named_activation(entry, "activation", version, after)], after
    elif class_name in PADDINGS:
        found = [], zero_padding(class_name, entry, row)
    elif class_name in POOLS:
        found = pool(class_name, entry, row)
    elif class_name in ("Flatten", "Reshape"):
        found = [], _reshaped(class_name, entry, row)
    else:
        found = _of_each_frame(class_name, entry, tensors, row, version)
    entry.finish()
    tensors.finish(entry.where)
    return found


def _of_cudnn(class_name: str, tensors: LayerTensors) -> LayerTensors:
    return CudnnTensors(tensors, 4 if class_name == "CuDNNLSTM" else 3)


def _inner(entry: Entry, key: str, names: Any, value: Any) -> tuple[str, Entry]:
    """The class and the options of a layer inside of another."""
    inner = Entry(f"{key!r} of {entry.where}", value)
    class_name = inner.one_of("class_name", names)
    check_origin(inner, class_name)
    options = Entry(f"{entry.where}, {key!r} ({class_name})", inner.take("config"))
    for ignored in ("build_config", "name"):
        inner.take_or(ignored, None)
    inner.finish()
    return class_name, options


def _time_distributed(
    entry: Entry, tensors: LayerTensors, row: KerasRow, version: str, notes: list[str]
) -> tuple[list[Layer], KerasRow]:
    """A layer for each frame alone."""
    if not row.timed:
        raise ValueError(f"{entry.where} takes {row.rank} dimensions; expected a dimension of time")
    names = (*INSIDE, "Conv1D", "DepthwiseConv1D", "SeparableConv1D", "Flatten")
    class_name, inner = _inner(entry, "layer", names, entry.take("layer"))
    if class_name in DROPPED:
        notes.append(f"{entry.where} does nothing in a trained model, and is left out.")
        return [], row
    training_options(inner)
    tensors.enter("layer")
    if class_name == "Flatten":
        inner.one_of("data_format", ("channels_last",), "channels_last")
        found: tuple[list[Layer], KerasRow] = [], KerasRow((row.width,))
    elif class_name in CONVOLUTIONS:
        layers, after = convolution(class_name, inner, tensors, row, inside=True)
        found = [*layers, *named_activation(inner, "activation", version, after)], after
    else:
        # Axes count without time inside: what they mean is checked against the frame.
        frame = KerasRow(row.sizes, timed=False)
        layers, after = _of_each_frame(class_name, inner, tensors, frame, version)
        found = layers, KerasRow(after.sizes)
    inner.finish()
    return found


def _reshaped(class_name: str, entry: Entry, row: KerasRow) -> KerasRow:
    """The row with other dimensions; time has to stay."""
    if class_name == "Flatten":
        entry.one_of("data_format", ("channels_last",), "channels_last")
        if row.timed:
            raise ValueError(
                f"{entry.where} flattens frames, as many as there are, into one row; expected no"
                " Flatten over time: use TimeDistributed(Flatten()), which keeps a row for each"
            )
        return KerasRow((row.width,), False)
    shape = entry.take("target_shape")
    fits = isinstance(shape, list | tuple) and len(shape) in (2, 3) and row.timed
    if not fits or any(type(size) is not int or size < 1 for size in shape[1:]):
        raise entry.refuse("target_shape", shape, f"(-1, {row.width}): time first, as it was")
    if np.prod(shape[1:], dtype=object) != row.width or shape[0] == 0:
        raise entry.refuse("target_shape", shape, f"(-1, {row.width}): time first, as it was")
    return KerasRow(tuple(shape[1:]))


def _of_each_frame(
    class_name: str, entry: Entry, tensors: LayerTensors, row: KerasRow, version: str
) -> tuple[list[Layer], KerasRow]:
    """Layers that remember nothing."""
    if class_name == "Activation":
        return named_activation(entry, "activation", version, row), row
    if class_name in FUNCTIONS:
        return activation_layers(class_name, entry, row), row
    if class_name == "PReLU":
        return [_prelu(entry, tensors, row)], row
    if class_name == "BatchNormalization":
        return [_batch_norm(entry, tensors, row)], row
    if class_name == "LayerNormalization":
        return [_layer_norm(entry, tensors, row)], row
    return _dense(entry, tensors, row, version)


def _dense(
    entry: Entry, tensors: LayerTensors, row: KerasRow, version: str
) -> tuple[list[Layer], KerasRow]:
    units, bias = entry.size("units"), entry.one_of("use_bias", (True, False))
    shapes: dict[str, tuple[int, ...]] = {"kernel": (row.channels, units)}
    arrays = tensors.take(entry.where, "", shapes | ({"bias": (units,)} if bias else {}))
    weights = {"weight": np.ascontiguousarray(arrays["kernel"].T)}
    if bias:
        weights["bias"] = arrays["bias"]
    layer: Layer
    if row.positions == 1:
        layer = Dense(row.width, units, bias=bias, weights=weights)
    else:  # the same matrix for each position
        weights["weight"] = weights["weight"][..., None]
        layer = Conv(row.width, units, bias=bias, positions=row.positions, weights=weights)
    after = KerasRow((*row.sizes[:-1], units), row.timed)
    return [layer, *named_activation(entry, "activation", version, after)], after


def _prelu(entry: Entry, tensors: LayerTensors, row: KerasRow) -> Layer:
    shared = entry.take("shared_axes") or []
    axes = range(1, row.rank)
    if not isinstance(shared, list | tuple) or any(axis not in axes for axis in shared):
        raise entry.refuse("shared_axes", shared, f"axes among {list(axes)}")
    if row.timed and 1 not in shared:
        raise entry.refuse(
            "shared_axes", shared, "1 among them: the slopes of all frames are equal"
        )
    first = 1 + row.timed
    sizes = tuple(1 if first + k in shared else n for k, n in enumerate(row.sizes))
    shape = (1, *sizes) if row.timed else sizes
    alpha = tensors.take(entry.where, "", {"alpha": shape})["alpha"]
    if alpha.size == 1:
        alpha = alpha.reshape(1)
        return Activation(row.width, "prelu", weights={"weight": alpha})
    if sizes == (1, row.channels):
        positions, alpha = row.positions, alpha.reshape(-1)
    else:
        positions, alpha = 1, np.broadcast_to(alpha.reshape(sizes), row.sizes).reshape(-1)
    return Activation(
        row.width,
        "prelu",
        num_parameters=len(alpha),
        positions=positions,
        weights={"weight": np.ascontiguousarray(alpha)},
    )


def _batch_norm(entry: Entry, tensors: LayerTensors, row: KerasRow) -> Layer:
    axis = entry.take("axis")
    if not row.is_last(axis):
        raise entry.refuse("axis", axis, "-1")
    for key in ("momentum", "synchronized", "renorm_clipping", "renorm_momentum"):
        entry.take_or(key, None)
    entry.one_of("renorm", [False], False)
    eps = entry.number("epsilon", 0.0)
    names = [
        name
        for name, key in (("gamma", "scale"), ("beta", "center"))
        if entry.one_of(key, (True, False))
    ]
    given = tensors.take(
        entry.where,
        "",
        dict.fromkeys([*names, "moving_mean", "moving_variance"], (row.channels,)),
    )
    return batch_norm(
        entry.where,
        given["moving_mean"],
        given["moving_variance"],
        given.get("gamma"),
        given.get("beta"),
        eps,
        row.width,
    )


def _layer_norm(entry: Entry, tensors: LayerTensors, row: KerasRow) -> Layer:
    axis = entry.take("axis")
    whole = [row.rank - len(row.sizes) + k for k in range(len(row.sizes))]
    over = [a % row.rank if type(a) is int else a for a in axis] if isinstance(axis, list) else None
    positions = row.positions if row.is_last(axis) else 1
    if not row.is_last(axis) and over != whole:
        raise entry.refuse("axis", axis, f"-1 or {whole}")
    entry.one_of("rms_scaling", [False], False)
    eps = entry.number("epsilon", 0.0)
    shape = (row.channels,) if row.is_last(axis) else row.sizes
    names = [
        name
        for name, key in (("gamma", "scale"), ("beta", "center"))
        if entry.one_of(key, (True, False))
    ]
    given = tensors.take(entry.where, "", dict.fromkeys(names, shape))
    if not names:
        return LayerNorm(row.width, eps, False, positions)
    ones = np.ones(shape, np.float32)
    weights = {"weight": given.get("gamma", ones), "bias": given.get("beta", 0 * ones)}
    flat = {name: np.ascontiguousarray(array.reshape(-1)) for name, array in weights.items()}
    return LayerNorm(row.width, eps, True, positions, flat)
