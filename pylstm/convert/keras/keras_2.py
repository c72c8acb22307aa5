"""What files of Keras 2 have in another way than those of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.json_document import Entry
from pylstm.convert.keras.file import LayerTensors

__all__ = ["CUDNN", "CudnnTensors", "backward_layer", "with_cudnn_options"]

CUDNN = {"CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}
"""Recurrent layers of GPUs alone, and the layers that compute the same."""


def backward_layer(layer: Any) -> Any:
    """What a Bidirectional runs from the end, where a file has the forward layer alone.

    Keras 2 writes it down only where somebody has given it (tf_keras 2.21, Bidirectional).
    """
    config = layer.get("config") if isinstance(layer, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(config.get("go_backwards"), bool):
        return layer
    return {**layer, "config": {**config, "go_backwards": not config["go_backwards"]}}


def with_cudnn_options(class_name: str, entry: Entry) -> Entry:
    """The options of a layer of cuDNN as those of the layer that computes the same."""
    options = {key: entry.take(key) for key in entry}
    fixed: dict[str, Any] = {
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
    }
    if class_name == "CuDNNGRU":
        fixed["reset_after"] = True
    for key in fixed:
        if key in options:
            raise entry.refuse(key, options[key], f"no such key of a {class_name}")
    return Entry(entry.where, {**options, **fixed})


class CudnnTensors(LayerTensors):
    """The tensors of a layer of cuDNN, in the form of the layer that computes the same.

    The matrix W of a gate is stored as W of shape (units, width) in the order of its rows, under
    the shape (width, units); biases of inputs and of states follow each other (tf_keras 2.21,
    ``_convert_rnn_weights``).

    Parameters
    ----------
    tensors : LayerTensors
        As the file has them.
    gates : int
        4 of an LSTM, 3 of a GRU.
    """

    def __init__(self, tensors: LayerTensors, gates: int) -> None:
        self._own, self._gates = tensors, gates

    def take(self, where: str, inner: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """Tensors by their names: see `LayerTensors.take`."""
        kernel, recurrent = shapes["kernel"], shapes["recurrent_kernel"]
        stored = {"kernel": kernel, "recurrent_kernel": recurrent, "bias": (2 * kernel[1],)}
        place = inner.removesuffix("cell").removesuffix("/")
        given = self._own.take(where, place, stored)
        halves = given["bias"].reshape(2, kernel[1])
        return {
            "kernel": self._of_gates(given["kernel"]),
            "recurrent_kernel": self._of_gates(given["recurrent_kernel"]),
            "bias": halves if len(shapes["bias"]) == 2 else halves.sum(axis=0),
        }

    def _of_gates(self, matrices: NDArray[Any]) -> NDArray[np.float32]:
        width, columns = matrices.shape
        units = columns // self._gates
        gates = np.split(matrices, self._gates, axis=1)
        return np.concatenate([gate.reshape(units, width).T for gate in gates], axis=1)

    def enter(self, inner: str) -> None:
        """See `LayerTensors.enter`."""
        self._own.enter(inner)

    def finish(self, where: str) -> None:
        """See `LayerTensors.finish`."""
        self._own.finish(where)
