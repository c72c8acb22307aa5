"""A layer as each framework writes it down, taken in by its importer, beside the framework."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.convert import from_keras, from_onnx, from_rtneural, from_torch

os.environ.setdefault("KERAS_BACKEND", "torch")

Array = NDArray[Any]
Rows = Callable[[Array], Array]


class Source(NamedTuple):
    """What an importer made, and what the framework gives: frames (T, width) to rows."""

    layers: Any
    rows: Rows
    width: int


def of_torch(module: Any, width: int, axes: str = "BTF", **settings: Any) -> Source:
    """A module whose input has these axes, and whose output has the same, or (T, width)."""
    import torch

    module = module.eval()
    if "C" in axes:
        settings["axes"] = axes
    layers = from_torch(module, **settings)

    def rows(frames: Array) -> Array:
        x = torch.from_numpy(frames)
        letters = "TF"
        if "C" in axes:
            x, letters = x.reshape(len(x), width // 2, 2), "TFC"
        if "B" in axes:
            x, letters = x[None], "B" + letters
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
            y = module(x.permute([letters.index(letter) for letter in axes]))
        y = y[0] if isinstance(y, tuple) else y
        y = y.permute([axes.index(letter) for letter in letters])
        y = y[0] if "B" in axes else y
        found: Array = y.reshape(len(y), -1).numpy()
        return found

    return Source(layers if isinstance(layers, list | dict) else [layers], rows, width)


def of_keras(sizes: Sequence[int], *layers: Any) -> Source:
    """A chain of layers for frames of these sizes, read from the file that Keras writes."""
    import keras

    model = keras.Sequential([keras.Input((None, *sizes)), *layers])
    return _of_keras_model(model, sizes)


def of_keras_join(sizes: Sequence[int], join: Callable[[Any, Any], Any]) -> Source:
    """A join of the input and a dense layer."""
    import keras

    x = keras.Input((None, *sizes))
    return _of_keras_model(keras.Model(x, join(x, keras.layers.Dense(sizes[-1])(x))), sizes)


def _of_keras_model(model: Any, sizes: Sequence[int]) -> Source:
    draws = np.random.default_rng(0)
    for variable in model.weights:
        fan = max(int(np.prod(variable.shape[:-1])), 4)
        values = draws.normal(size=variable.shape) / np.sqrt(fan)
        if "variance" in variable.path:
            values = draws.uniform(0.5, 2, variable.shape)
        variable.assign(values.astype(np.float32))
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        found = from_keras(path)

    def rows(frames: Array) -> Array:
        x = frames.reshape(1, len(frames), *sizes)
        y = np.asarray(model.predict_on_batch(x))[0]
        return y.reshape(len(y), -1)

    return Source(found.layers, rows, int(np.prod(sizes)))


def of_onnx(
    nodes: Sequence[tuple[str, str, str, dict[str, Any]]],
    shape: Sequence[int | None],
    weights: dict[str, Array],
    opset: int = 17,
) -> Source:
    """Nodes as (operator, inputs, outputs, attributes), from ``x`` of this shape to ``y``."""
    from tests.convert.onnx_graphs import graph, node

    made = [node(kind, inputs, outputs, **rest) for kind, inputs, outputs, rest in nodes]
    data = graph(made, {"x": shape}, "y", weights, opset)
    found = from_onnx(data, shapes={"x": tuple(shape)})
    assert found.run_source is not None
    return Source(found.layers, found.run_source, int(np.prod([n or 1 for n in shape])))


def of_rtneural(width: int, made: Any) -> Source:
    """An entry of RTNeural's JSON with what PyTorch gives for it."""
    from tests.convert import rtneural_files

    entry, forward = made
    shape = [None, None, width]
    if "num_features_in" in entry:
        shape[2:] = [entry["num_features_in"], entry["num_filters_in"]]
    found = from_rtneural({"in_shape": shape, "layers": [entry]})
    return Source(found.layers, lambda frames: rtneural_files.rows_of(forward, frames), width)
