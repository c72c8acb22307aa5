"""Files in the form in which Keras 2 wrote them, by h5py alone: tf_keras 2.21 loads each.

`keras_2_rows.json` has what tf_keras gives for them; this prints it anew, where it is installed::

    python -m tests.convert.keras_2_files
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[np.float32]
Tensors = Sequence[tuple[str, tuple[int, ...]]]
Layer = tuple[dict[str, Any], Tensors]

N, UNITS = 4, 3
"""Values of a frame, and of a row behind a recurrent layer."""

ROWS = Path(__file__).parents[1] / "data" / "keras_2_rows.json"

CELL = {"trainable": True, "return_sequences": True, "return_state": False, "go_backwards": False}
CELL |= {"stateful": False, "units": UNITS}
USUAL = {**CELL, "unroll": False, "time_major": False, "activation": "tanh", "use_bias": True}
USUAL |= {"dtype": "float32", "dropout": 0.0, "recurrent_dropout": 0.0, "implementation": 2}
ZEROS = {"class_name": "Zeros", "config": {}}


def recurrent(kind: str, name: str, **options: Any) -> Layer:
    """LSTM, GRU or SimpleRNN."""
    gates = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[kind]
    settings = {**USUAL, "name": name, "kernel_initializer": ZEROS, **options}
    if kind != "SimpleRNN":
        settings.setdefault("recurrent_activation", "sigmoid")
    width = gates * UNITS
    bias = (2, width) if settings.get("reset_after") else (width,)
    inside = {"LSTM": "lstm_cell", "GRU": "gru_cell", "SimpleRNN": "simple_rnn_cell"}[kind]
    own = f"{name}/{inside}"
    shapes = [(f"{own}/kernel", (N, width)), (f"{own}/recurrent_kernel", (UNITS, width))]
    return {"class_name": kind, "config": settings}, [*shapes, (f"{own}/bias", bias)]


def of_cudnn(kind: str, name: str) -> Layer:
    """CuDNNLSTM or CuDNNGRU: fewer options, other shapes."""
    width = {"CuDNNLSTM": 4, "CuDNNGRU": 3}[kind] * UNITS
    shapes = [("kernel", (N, width)), ("recurrent_kernel", (UNITS, width)), ("bias", (2 * width,))]
    options = {**CELL, "name": name, "bias_initializer": ZEROS}
    return {"class_name": kind, "config": options}, [(f"{name}/{k}", shape) for k, shape in shapes]


def both(layer: Layer, name: str) -> Layer:
    """A Bidirectional: Keras 2 writes the forward layer alone."""
    entry, shapes = layer
    own = entry["config"]["name"]
    config = {"name": name, "trainable": True, "layer": entry, "merge_mode": "concat"}
    found = [
        (f"{name}/{way}_{own}/{path.split('/', 1)[1]}", shape)
        for way in ("forward", "backward")
        for path, shape in shapes
    ]
    return {"class_name": "Bidirectional", "config": config}, found


def dense(name: str, width: int, units: int, activation: str = "linear") -> Layer:
    config = {"name": name, "units": units, "activation": activation, "use_bias": True}
    shapes = [(f"{name}/kernel", (width, units)), (f"{name}/bias", (units,))]
    return {"class_name": "Dense", "config": config}, shapes


def in_each_frame(layer: Layer, name: str) -> Layer:
    entry, shapes = layer
    found = [(f"{name}/{path.split('/', 1)[1]}", shape) for path, shape in shapes]
    return {"class_name": "TimeDistributed", "config": {"name": name, "layer": entry}}, found


def depthwise(name: str) -> Layer:
    config = {"name": name, "kernel_size": [3], "strides": [1], "padding": "valid", "groups": 1}
    config |= {"dilation_rate": [1], "activation": "linear", "use_bias": False}
    config |= {"depth_multiplier": 2, "data_format": "channels_last"}
    shapes = [(f"{name}/depthwise_kernel", (3, N, 2))]
    return {"class_name": "DepthwiseConv1D", "config": config}, shapes


def function(name: str, activation: str) -> Layer:
    return {"class_name": "Activation", "config": {"name": name, "activation": activation}}, []


def first(layer: Layer) -> Layer:
    """With the shape of the input among its options."""
    entry, shapes = layer
    config = {**entry["config"], "batch_input_shape": [None, None, N]}
    return {**entry, "config": config}, shapes


INPUT: Layer = (
    {
        "class_name": "InputLayer",
        "config": {
            "batch_input_shape": [None, None, N],
            "dtype": "float32",
            "sparse": False,
            "ragged": False,
            "name": "input_1",
        },
    },
    [],
)

FILES: dict[str, Callable[[], list[Layer]]] = {
    "lstm": lambda: [INPUT, recurrent("LSTM", "lstm"), dense("dense", UNITS, 2, "softmax")],
    "shape_of_first_layer": lambda: [first(recurrent("SimpleRNN", "rnn"))],
    "gru_after": lambda: [INPUT, recurrent("GRU", "gru", reset_after=True)],
    "gru_before": lambda: [INPUT, recurrent("GRU", "gru", reset_after=False)],
    "both_directions": lambda: [INPUT, both(recurrent("LSTM", "lstm"), "bidirectional")],
    "cudnn_lstm": lambda: [INPUT, of_cudnn("CuDNNLSTM", "cu_dnnlstm")],
    "cudnn_gru": lambda: [INPUT, of_cudnn("CuDNNGRU", "cu_dnngru")],
    "cudnn_both": lambda: [INPUT, both(of_cudnn("CuDNNLSTM", "cu_dnnlstm"), "bidirectional")],
    "time_distributed": lambda: [
        INPUT,
        in_each_frame(dense("dense", N, 3, "relu"), "time_distributed"),
        function("hard", "hard_sigmoid"),
    ],
    "depthwise": lambda: [INPUT, depthwise("depthwise_conv1d"), function("swish", "swish")],
}


def frames() -> Array:
    return np.random.default_rng(5).normal(size=(9, N)).astype(np.float32)


def written(name: str, folder: Path) -> Path:
    """The file of that name."""
    h5py = pytest.importorskip("h5py", reason='it writes the file: pip install "pylstm[keras]"')
    layers = FILES[name]()
    config = {"name": "sequential", "layers": [entry for entry, _ in layers]}
    path, draws = folder / f"{name}.h5", np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [entry["config"]["name"].encode() for entry, _ in layers]
        for entry, shapes in layers:
            own = group.create_group(entry["config"]["name"])
            own.attrs["weight_names"] = [f"{key}:0".encode() for key, _ in shapes]
            for key, shape in shapes:
                own[f"{key}:0"] = draws.normal(size=shape).astype(np.float32) / 2
        group.create_group("top_level_model_weights").attrs["weight_names"] = []
    return path


def of_cpu(name: str) -> Any:
    """A model of tf_keras that takes the weights of cuDNN's layers and runs without a GPU."""
    import tf_keras

    kl = tf_keras.layers
    layer = kl.GRU(UNITS, return_sequences=True)
    if name != "cudnn_gru":
        layer = kl.LSTM(UNITS, return_sequences=True)
    if name == "cudnn_both":
        layer = kl.Bidirectional(layer)
    return tf_keras.Sequential([tf_keras.Input((None, N)), layer])


def main() -> None:
    import tempfile

    import tf_keras

    rows = {}
    for name in FILES:
        path = written(name, Path(tempfile.mkdtemp()))
        if name.startswith("cudnn"):
            model = of_cpu(name)
            model.load_weights(path)
        else:
            model = tf_keras.models.load_model(path, compile=False)
        rows[name] = model.predict_on_batch(frames()[None])[0].round(7).tolist()
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
