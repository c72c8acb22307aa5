"""What cannot be expressed of a Keras model is refused by layer, option and value; so is every file
that is not what Keras writes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.convert import from_keras
from tests.convert import keras_models

keras = keras_models.keras
pytestmark = [
    pytest.mark.skipif(keras is None, reason=keras_models.REASON),
    # Keras on arrays of PyTorch, with NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
kl = keras.layers if keras is not None else None

SEQUENCES = {"return_sequences": True}
REFUSED: dict[str, tuple[tuple[Any, ...], Callable[[], Any], str]] = {
    "gates": (
        (None, 3),
        lambda: kl.LSTM(2, recurrent_activation="tanh", **SEQUENCES),
        "'recurrent_activation' of layer 'it' (LSTM) is 'tanh'; expected 'sigmoid', 'hard_sigmoid'",
    ),
    "lstm": (
        (None, 3),
        lambda: kl.LSTM(2, activation="relu", **SEQUENCES),
        "'activation' of layer 'it' (LSTM) is 'relu'; expected 'tanh'",
    ),
    "gru": (
        (None, 3),
        lambda: kl.GRU(2, activation="sigmoid", **SEQUENCES),
        "'activation' of layer 'it' (GRU) is 'sigmoid'; expected 'tanh', 'relu'",
    ),
    "backwards": (
        (None, 3),
        lambda: kl.LSTM(2, go_backwards=True, **SEQUENCES),
        "'go_backwards' of layer 'it' (LSTM) is True; expected False",
    ),
    "merged": (
        (None, 3),
        lambda: kl.Bidirectional(kl.LSTM(2, **SEQUENCES), merge_mode="sum"),
        "'merge_mode' of layer 'it' (Bidirectional) is 'sum'; expected 'concat'",
    ),
    "masking": ((None, 3), lambda: kl.Masking(), "'class_name' of layer 'it' is 'Masking'; exp"),
    "lambda": (
        (None, 3),
        lambda: kl.Lambda(lambda x: x, output_shape=(None, 3)),
        "'class_name' of layer 'it' is 'Lambda'; expected a layer that says what it does",
    ),
    "average": (
        (None, 3),
        lambda: kl.GlobalAveragePooling1D(),
        "'class_name' of layer 'it' is 'GlobalAveragePooling1D'; expected",
    ),
    "same": (
        (None, 3),
        lambda: kl.Conv1D(2, 3, strides=2, padding="same"),
        "'padding' of layer 'it' (Conv1D) is 'same'; expected 'causal' or 'valid'",
    ),
    "axis": (
        (7, 3),
        lambda: kl.BatchNormalization(axis=1),
        "'axis' of layer 'it' (BatchNormalization) is 1; expected -1",
    ),
    "flat": ((7, 3), lambda: kl.Flatten(), "no Flatten over time: use TimeDistributed(Flatten())"),
    "flat of one frame": (
        (1, 3),
        lambda: kl.Flatten(),
        "layer 'it' (Flatten) flattens frames, as many as there are, into one row; expected no",
    ),
    "reshaped": (
        (6, 3),
        lambda: kl.Reshape((3, 6)),
        "'target_shape' of layer 'it' (Reshape) is [3, 6]; expected (-1, 3)",
    ),
    "threshold": (
        (None, 3),
        lambda: kl.ReLU(threshold=1.0),
        "'threshold' of layer 'it' (ReLU) is 1.0; expected 0",
    ),
    "slopes": (
        (7, 3),
        lambda: kl.PReLU(),
        "'shared_axes' of layer 'it' (PReLU) is []; expected 1 among them",
    ),
    "half": (
        (None, 3),
        lambda: kl.Dense(2, dtype="mixed_float16"),
        "'dtype' of layer 'it' (Dense) is an object with 'module', 'class_name', 'config', ",
    ),
    "softmax": (
        (None, 4, 3),
        lambda: kl.Dense(2, "softmax"),
        "'activation' of layer 'it' (Dense) is 'softmax'; expected another function",
    ),
    "function": (
        (None, 3),
        lambda: kl.Activation("mish"),
        "'activation' of layer 'it' (Activation) is 'mish'; expected 'linear', ",
    ),
    "limit": (
        (None, 3),
        lambda: kl.Conv1D(2, 129),
        "layer 'it' (Conv1D): kernel_size is 129; expected 1 to 128",
    ),
    "padded": (
        (None, 3),
        lambda: kl.ZeroPadding1D((2, 0)),
        "layer 'it' is the last one; expected a convolution behind a ZeroPadding",
    ),
    "rms": (
        (None, 3),
        lambda: kl.RMSNormalization(),
        "'class_name' of layer 'it' is 'RMSNormalization'; expected 'Activation'",
    ),
}


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_expressed_is_named(name: str, tmp_path: Path) -> None:
    shape, make, message = REFUSED[name]
    layer = make()
    layer.name = "it"
    path = keras_models.saved(keras.Sequential([keras.Input(shape), layer]), tmp_path)
    with pytest.raises(ValueError, match=re.escape(message)):
        from_keras(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: kl.Dense(2),
            "layer 'it' (Dense) takes the rows of a ZeroPadding; expected a conv",
        ),
        (lambda: kl.Conv1D(2, 3, padding="same"), "is 'same'; expected 'valid' behind a ZeroPadd"),
        (lambda: kl.Conv1D(2, 2), "layer 'it' (Conv1D) takes zeros of ((2, 0), (0, 0)); expected"),
    ],
)
def test_zeros_are_for_convolutions(make: Any, message: str, tmp_path: Path) -> None:
    layer = make()
    layer.name = "it"
    layers = [keras.Input((None, 3)), kl.ZeroPadding1D((2, 0)), layer]
    with pytest.raises(ValueError, match=re.escape(message)):
        from_keras(keras_models.saved(keras.Sequential(layers), tmp_path))


def shared() -> Any:
    x, layer = keras.Input((None, 3)), kl.Dense(3, name="it")
    return keras.Model(x, layer(layer(x)))


def operation() -> Any:
    x = keras.Input((None, 3))
    return keras.Model(x, kl.Dense(3)(x) - x)


def scaled() -> Any:
    x = keras.Input((None, 3))
    return keras.Model(x, kl.Dense(3)(x) * 2.0)


def two_outputs() -> Any:
    x = keras.Input((None, 3))
    return keras.Model(x, [kl.Dense(2)(x), kl.Dense(2)(x)])


def two_inputs() -> Any:
    x, y = keras.Input((None, 3)), keras.Input((None, 3))
    return keras.Model([x, y], kl.Add()([x, y]))


def nested() -> Any:
    return keras.Sequential([keras.Input((None, 3)), keras.Sequential([kl.Dense(2)], name="it")])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (shared, "'inbound_nodes' of layer 'it' has 2 calls; expected 1"),
        (operation, "; expected 'keras.layers': a layer of Keras itself"),
        (scaled, " has 2.0; expected the rows of a layer"),
        (two_outputs, "the model has 2 outputs; expected 1"),
        (two_inputs, "the model has 2 inputs; expected 1"),
        (nested, "'class_name' of layer 'it' is 'Sequential'; expected its layers"),
    ],
)
def test_graphs_that_cannot_be_expressed(make: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        from_keras(keras_models.saved(make(), tmp_path))


# --- changed files --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = keras_models.branches()
    path = keras_models.saved(model, tmp_path_factory.mktemp("keras"))
    from_keras(path)
    return path


# What a trained model computes does not depend on these.
INERT = {"trainable", "seed", "momentum", "synchronized", "dropout", "recurrent_dropout", "unroll"}
INERT |= {"unit_forget_bias", "use_cudnn", "zero_output_for_mask", "name", "rate", "noise_shape"}
INERT |= {"sparse", "ragged", "optional"}
ENDINGS = ("_initializer", "_regularizer", "_constraint")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_changed_option_is_refused(good: Path, data: st.DataObject) -> None:
    path = good.with_name("changed.keras")
    shutil.copy(good, path)

    def change(config: dict[str, Any]) -> None:
        layer = data.draw(st.sampled_from(config["config"]["layers"]))
        options = layer["config"]
        keys = [key for key in options if key not in INERT and not key.endswith(ENDINGS)]
        if layer["class_name"] == "Dropout" or not keys:
            keys = ["more"]
        key = data.draw(st.sampled_from(["more", *keys]))
        if key == "more":
            (layer if data.draw(st.booleans()) else options)["more"] = 1
            if layer["class_name"] == "Dropout":
                layer["more"] = 1
            return
        others = [v for v in ("text", -1, 0.5, [], {}, [[3]]) if v != options[key]]
        options[key] = data.draw(st.sampled_from(others))

    keras_models.rewrite(path, config=change)
    with pytest.raises((ValueError, TypeError)) as refused:
        from_keras(path)
    assert "; expected" in str(refused.value)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_changed_tensor_is_refused(good: Path, data: st.DataObject) -> None:
    path = good.with_name("changed.keras")
    shutil.copy(good, path)

    def change(file: Any) -> None:
        name = data.draw(st.sampled_from(keras_models.datasets(file)))
        kinds = ["renamed", "missing", "surplus", "double", "nan", "longer", "linked", "external"]
        values = file[name][()]
        if values.T.shape != values.shape:
            kinds += ["transposed", "swapped"]
        how = data.draw(st.sampled_from(kinds))
        if how == "surplus":
            file[name + "1"] = values
            return
        del file[name]
        if how == "renamed":
            file[name + "_"] = values
        elif how == "double":
            file[name] = values.astype(np.float64)
        elif how == "nan":
            file[name] = np.full_like(values, np.nan)
        elif how == "longer":
            file[name] = np.concatenate([values, values[:1]])
        elif how == "transposed":
            file[name] = values.T
        elif how == "swapped":
            others = [one for one in keras_models.datasets(file) if file[one].shape != values.shape]
            other = data.draw(st.sampled_from(others))
            file[name] = file[other][()]
            del file[other]
            file[other] = values
        elif how == "linked":
            file["kept"] = values
            file[name] = keras_models.h5py.SoftLink("/kept")
        elif how == "external":
            file[name] = keras_models.h5py.ExternalLink("/etc/hostname", "/")

    keras_models.rewrite(path, weights=change)
    with pytest.raises((ValueError, TypeError)) as refused:
        from_keras(path)
    assert "; expected" in str(refused.value)


def inbound(config: dict[str, Any], name: str) -> list[Any]:
    """What a layer is called with: the history of its tensor can be changed in place."""
    (layer,) = [one for one in config["config"]["layers"] if one["name"] == name]
    return layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("dense_out", "layers take rows from each other"),
        ("nobody", "takes the rows of 'nobody'; expected a layer of the model"),
    ],
)
def test_a_graph_with_a_loop_or_a_hole_is_refused(
    source: str, message: str, tmp_path: Path
) -> None:
    x = keras.Input((None, 3))
    y = kl.Dense(3, name="dense_out")(kl.Dense(3, name="dense_in")(x))
    path = keras_models.saved(keras.Model(x, y), tmp_path)

    def change(config: dict[str, Any]) -> None:
        inbound(config, "dense_in")[0] = source

    keras_models.rewrite(path, config=change)
    with pytest.raises(ValueError, match=re.escape(message)):
        from_keras(path)


def test_weights_in_another_file_are_not_read(good: Path, tmp_path: Path) -> None:
    path, other = tmp_path / "changed.keras", tmp_path / "other.raw"
    shutil.copy(good, path)
    other.write_bytes(bytes(4096))

    def change(file: Any) -> None:
        name = keras_models.datasets(file)[0]
        shape = file[name].shape
        del file[name]
        size = 4 * int(np.prod(shape))
        file.create_dataset(name, shape, np.float32, external=[(str(other), 0, size)])

    keras_models.rewrite(path, weights=change)
    with pytest.raises(ValueError, match="is in another file; expected an array of float32"):
        from_keras(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is neither a zip archive nor HDF5; expected a file that Keras 3 saved"),
        (b"PK\x03\x04 and no more", "cannot be read as a .keras file"),
        (b"\x89HDF\r\n\x1a\n and no more", "cannot be read as HDF5"),
    ],
)
def test_what_is_no_such_file_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=re.escape(message)):
        from_keras(path)


@pytest.mark.parametrize("where", ["group", "attribute", "dataset"])
def test_names_that_are_no_text_are_refused(where: str, tmp_path: Path) -> None:
    path = keras_models.saved(keras_models.branches(), tmp_path, ".h5")
    with keras_models.h5py.File(path, "r+") as file:
        weights = file["model_weights"]
        if where == "attribute":
            file.attrs["keras_version"] = keras_models.h5py.Empty("S1")
            del file.attrs["model_config"]
            file.attrs.create("model_config", b"\xff\xfe")
        elif where == "group":
            weights.create_group(b"\xff\xfe")
        else:
            weights[b"\xff"] = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match=r"cannot be read as .*; expected|no group .*; expected"):
        from_keras(path)


def test_weights_alone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    keras_models.branches().save_weights(path)
    with pytest.raises(ValueError, match="has no attribute 'model_config'; expected the whole"):
        from_keras(path)


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(TypeError, match="path is of type int; expected a path"):
        from_keras(3)  # type: ignore[arg-type]
