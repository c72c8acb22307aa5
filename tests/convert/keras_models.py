"""Models of Keras with drawn weights, and the files that they are saved in."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")
try:
    import h5py
    import keras
    from keras import layers as kl
except ImportError:
    keras = None

REASON = "it compares with Keras: pip install keras h5py torch"

Layers = Callable[[], list[Any]]


def drawn(model: Any, seed: int = 0) -> Any:
    """The model with weights that are no zeros and ones, and variances above zero."""
    draws = np.random.default_rng(seed)
    for variable in model.weights:
        fan = max(int(np.prod(variable.shape[:-1])), 4)
        values = draws.normal(size=variable.shape) / np.sqrt(fan)
        if "variance" in variable.path:
            values = draws.uniform(0.5, 2, variable.shape)
        variable.assign(values.astype(np.float32))
    return model


def sequential(shape: tuple[Any, ...], layers: list[Any]) -> Any:
    return drawn(keras.Sequential([keras.Input(shape), *layers]))


def saved(model: Any, folder: Path, suffix: str = ".keras") -> Path:
    path = folder / f"model{suffix}"
    model.save(path)
    return path


def rows_of(model: Any, frames: Any, sizes: tuple[int, ...] = ()) -> Any:
    """What Keras gives for one sequence, flat."""
    x = frames.reshape(1, len(frames), *(sizes or frames.shape[1:]))
    y = np.asarray(model.predict_on_batch(x))[0]
    return y.reshape(len(y), -1)


RECURRENT: dict[str, list[dict[str, Any]]] = {
    "LSTM": [
        {},
        {"use_bias": False},
        {"unit_forget_bias": False, "dropout": 0.3},
        {"recurrent_activation": "hard_sigmoid"},
    ],
    "GRU": [
        {},
        {"reset_after": False},
        {"activation": "relu", "reset_after": False, "use_bias": False},
        {"recurrent_dropout": 0.2, "use_bias": False},
        {"recurrent_activation": "hard_sigmoid"},
        {"recurrent_activation": "hard_sigmoid", "activation": "relu", "reset_after": False},
    ],
    "SimpleRNN": [{}, {"activation": "relu", "use_bias": False}],
}


def recurrent() -> dict[str, tuple[tuple[Any, ...], Layers]]:
    """Recurrent layers with their options, on top of each other, in three sizes."""
    return {
        f"{name}-{inputs}": (
            (None, inputs),
            lambda name=name, units=units: [
                getattr(kl, name)(units, return_sequences=True, **given)
                for given in RECURRENT[name]
            ],
        )
        for inputs, units in ((1, 3), (5, 8), (23, 17))
        for name in RECURRENT
    }


FUNCTIONS = (
    "linear",
    "sigmoid",
    "tanh",
    "relu",
    "softmax",
    "log_softmax",
    "gelu",
    "silu",
    "softsign",
    "elu",
    "leaky_relu",
    "relu6",
    "hard_tanh",
    "hard_sigmoid",
    "selu",
)


def of_each_frame() -> dict[str, tuple[tuple[Any, ...], Layers]]:
    """Layers that remember nothing."""
    found: dict[str, tuple[tuple[Any, ...], Layers]] = {}
    for inputs, units in ((1, 3), (5, 8), (23, 17)):
        found[f"dense-{inputs}"] = (
            (None, inputs),
            lambda units=units: [
                kl.Dense(units, "relu"),
                kl.TimeDistributed(kl.Dense(units, "softmax", use_bias=False)),
            ],
        )
        found[f"norms-{inputs}"] = (
            (None, inputs),
            lambda units=units: [
                kl.BatchNormalization(),
                kl.Dense(units),
                kl.BatchNormalization(scale=False, epsilon=0.01),
                kl.LayerNormalization(epsilon=0.01),
                kl.BatchNormalization(center=False),
                kl.LayerNormalization(center=False),
                kl.LayerNormalization(scale=False, center=False),
            ],
        )
        found[f"functions-{inputs}"] = (
            (None, inputs),
            lambda units=units: [
                kl.PReLU(shared_axes=[1]),
                kl.ReLU(max_value=2.5),
                kl.Activation("tanh"),
                kl.PReLU(shared_axes=[1, 2]),
                kl.LeakyReLU(negative_slope=0.3),
                kl.ELU(alpha=0.7),
                kl.ReLU(negative_slope=0.1),
                kl.Dropout(0.4),
                kl.SpatialDropout1D(0.4),
                kl.GaussianNoise(0.2),
                kl.ReLU(),
                kl.Dense(units),
                kl.Softmax(),
            ],
        )
    found["functions"] = (
        (None, 4),
        lambda: [layer for name in FUNCTIONS for layer in (kl.Dense(5, name), kl.Activation(name))],
    )
    found["positions"] = (
        (None, 6, 2),
        lambda: [
            kl.Dense(3, "sigmoid"),
            kl.BatchNormalization(),
            kl.LayerNormalization(),
            kl.LayerNormalization(axis=[2, 3]),
            kl.PReLU(shared_axes=[1, 2]),
            kl.PReLU(shared_axes=[1, 3]),
            kl.PReLU(shared_axes=[1]),
            kl.TimeDistributed(kl.BatchNormalization()),
            kl.TimeDistributed(kl.Flatten()),
            kl.Dense(4),
            kl.Reshape((-1, 2, 2)),
            kl.Dense(3),
            kl.Reshape((-1, 6)),
        ],
    )
    return found


def windows() -> dict[str, tuple[tuple[Any, ...], Layers]]:
    """Convolutions and pools with their options."""
    found: dict[str, tuple[tuple[Any, ...], Layers]] = {}

    def add(name: str, shape: tuple[Any, ...], *make: Callable[[], Any]) -> None:
        found[name] = (shape, lambda: [one() for one in make])

    for inputs, filters in ((1, 3), (4, 8), (23, 17)):
        for padding in ("valid", "causal", "same"):
            add(
                f"conv1d-{inputs}-{padding}",
                (None, inputs),
                lambda f=filters, p=padding: kl.Conv1D(f, 3, padding=p, activation="relu"),
                lambda f=filters, p=padding: kl.Conv1D(f, 4, padding=p, dilation_rate=2),
            )
        for padding in ("valid", "causal"):
            add(
                f"conv1d-{inputs}-{padding}-strides",
                (None, inputs),
                lambda f=filters, p=padding: kl.Conv1D(f, 4, 2, padding=p, use_bias=False),
                lambda: kl.BatchNormalization(),
                lambda: kl.ReLU(),
            )
        for padding in ("valid", "same"):
            for strides in (1, 2):
                add(
                    f"conv2d-{inputs}-{padding}-{strides}",
                    (None, inputs + 9, 2),
                    lambda f=filters, p=padding, s=strides: kl.Conv2D(
                        f, (3, 4), (1, s), padding=p, activation="elu"
                    ),
                    lambda: kl.BatchNormalization(),
                    lambda p=padding: kl.DepthwiseConv2D((2, 3), padding=p, depth_multiplier=2),
                )
        for padding in ("valid", "same"):
            add(
                f"depthwise-{inputs}-{padding}",
                (None, inputs),
                lambda p=padding: kl.DepthwiseConv1D(5, padding=p, depth_multiplier=3),
                lambda f=filters: kl.Conv1D(f, 1),
            )
            add(
                f"separable-{inputs}-{padding}",
                (None, inputs + 5, 2),
                lambda f=filters, p=padding: kl.SeparableConv2D(
                    f, (2, 3), padding=p, depth_multiplier=2, activation="relu"
                ),
                lambda: kl.TimeDistributed(kl.SeparableConv1D(3, 3, strides=2)),
                lambda: kl.TimeDistributed(kl.Flatten()),
                lambda p=padding: kl.SeparableConv1D(4, 3, padding=p, use_bias=False),
            )
    add(
        "padded",
        (None, 6),
        lambda: kl.ZeroPadding1D((4, 0)),
        lambda: kl.Conv1D(5, 3, dilation_rate=2, activation="relu"),
        lambda: kl.ZeroPadding1D((1, 2)),
        lambda: kl.Dropout(0.5),
        lambda: kl.SeparableConv1D(5, 4),
        lambda: kl.Reshape((-1, 5, 1)),
        lambda: kl.ZeroPadding2D(((2, 0), (1, 2))),
        lambda: kl.Conv2D(4, (3, 3), (2, 1)),
        lambda: kl.ZeroPadding2D(((0, 1), (0, 1))),
        lambda: kl.DepthwiseConv2D(2),
    )
    add("groups", (None, 6), lambda: kl.Conv1D(9, 3, groups=3, padding="causal"))
    add("dilated", (None, 12, 3), lambda: kl.Conv2D(4, (3, 3), dilation_rate=(2, 3)))
    add("strides", (None, 12, 3), lambda: kl.Conv2D(4, (3, 3), strides=(2, 2)))
    for padding in ("valid", "same", "causal"):
        add(
            f"inside-{padding}",
            (None, 7, 2),
            lambda p=padding: kl.TimeDistributed(kl.Conv1D(4, 3, padding=p, activation="tanh")),
        )
    for name in ("MaxPooling", "AveragePooling"):
        add(name, (None, 5), lambda n=name: getattr(kl, n + "1D")(3))
        add(f"{name}-1", (None, 5), lambda n=name: getattr(kl, n + "1D")(3, strides=1))
        add(f"{name}-2", (None, 7, 3), lambda n=name: getattr(kl, n + "2D")((1, 2)))
        add(f"{name}-3", (None, 7, 3), lambda n=name: getattr(kl, n + "2D")((2, 3), (2, 1)))
    return found


def branches(operators: bool = False) -> Any:
    """A functional model with joins, in an order that is not that of the rows."""
    x = keras.Input((None, 6))
    left = kl.Conv1D(4, 3, padding="causal", name="left conv")(x)
    right = kl.GRU(4, return_sequences=True)(x)
    both = kl.Add()([left, right])
    product = kl.Multiply()([both, right, left])
    if operators:
        product = product * left + product
    joined = kl.Concatenate()([product, x, kl.Dropout(0.5)(left)])
    return drawn(keras.Model(x, kl.Dense(3, "softmax")(kl.LSTM(5, return_sequences=True)(joined))))


def pictures() -> Any:
    """Joins along channels of positions."""
    x = keras.Input((None, 6, 2))
    y = kl.Concatenate()([x, kl.Conv2D(3, (1, 3), padding="same")(x)])
    z = kl.Add()([y, kl.Dense(5)(y)])
    return drawn(keras.Model(x, kl.Reshape((-1, 30))(z)))


def rewrite(
    path: Path,
    *,
    config: Callable[[dict[str, Any]], None] | None = None,
    weights: Callable[[Any], None] | None = None,
    version: str | None = None,
) -> None:
    """A ``.keras`` file with something changed in it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if config is not None:
        found = json.loads(parts["config.json"])
        config(found)
        parts["config.json"] = json.dumps(found).encode()
    if version is not None:
        parts["metadata.json"] = json.dumps({"keras_version": version}).encode()
    if weights is not None:
        data = io.BytesIO(parts["model.weights.h5"])
        with h5py.File(data, "r+") as file:
            weights(file)
        parts["model.weights.h5"] = data.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def datasets(file: Any) -> list[str]:
    """The paths of the weights."""
    found: list[str] = []
    file.visititems(
        lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None
    )
    return sorted(name for name in found if "seed_generator" not in name)


def as_keras_2(path: Path) -> None:
    """Changes an ``.h5`` file into the form that Keras 2 wrote (2.15, ``Model.save``)."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            layer.pop("module", None)
            layer.pop("registered_name", None)
            layer.pop("build_config", None)
            options = layer["config"]
            options.pop("quantization_config", None)
            options["dtype"] = "float32"
            if layer["class_name"] == "InputLayer":
                options["batch_input_shape"] = options.pop("batch_shape")
                options.pop("optional")
            if layer["class_name"] in RECURRENT:
                options |= {"time_major": False, "implementation": 2}
                options.pop("zero_output_for_mask")
            layer["inbound_nodes"] = [
                [[*tensor["config"]["keras_history"], {}] for tensor in tensors_of(node)]
                for node in layer["inbound_nodes"]
            ]
        for key in ("input_layers", "output_layers"):
            ends = config["config"][key]
            config["config"][key] = ends if isinstance(ends[0], list) else [ends]
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.15.0"


def tensors_of(node: dict[str, Any]) -> list[Any]:
    """The tensors that a layer is called with."""
    (first,) = node["args"]
    return first if isinstance(first, list) else [first]
