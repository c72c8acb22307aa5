"""Files of Keras become layers that give what Keras gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pylstm.convert import from_keras
from pylstm.convert.self_check import largest_difference
from tests.convert import keras_models
from tests.convert.conversions import assert_streams, noise

keras = keras_models.keras
pytestmark = [
    pytest.mark.skipif(keras is None, reason=keras_models.REASON),
    # Keras on arrays of PyTorch, with NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

STEPS = 40
CASES = keras_models.recurrent() | keras_models.of_each_frame() | keras_models.windows()


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", CASES)
def test_a_model_gives_what_keras_gives(name: str, tmp_path: Path) -> None:
    shape, layers = CASES[name]
    model = keras_models.sequential(shape, layers())
    x = noise(STEPS, int(np.prod(shape[1:])))
    expected = keras_models.rows_of(model, x, shape[1:])
    conversion = from_keras(keras_models.saved(model, tmp_path))
    if conversion.layers == []:
        np.testing.assert_array_equal(x, expected)
        return
    assert_streams(conversion, x, expected)


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize(
    ("make", "suffix"),
    [
        ("branches", ".keras"),
        ("branches", ".h5"),
        ("operators", ".keras"),  # Keras cannot load them from .h5 files
        ("pictures", ".keras"),
        ("pictures", ".h5"),
    ],
)
def test_a_functional_model(make: str, suffix: str, tmp_path: Path) -> None:
    made = {
        "branches": keras_models.branches,
        "operators": lambda: keras_models.branches(operators=True),
        "pictures": keras_models.pictures,
    }
    model = made[make]()
    sizes = model.input_shape[2:]
    x = noise(STEPS, int(np.prod(sizes)))
    conversion = from_keras(keras_models.saved(model, tmp_path, suffix))
    expected = keras_models.rows_of(model, x, sizes)
    assert_streams(conversion, x, expected)
    assert conversion.run_source is not None
    np.testing.assert_allclose(conversion.run_source(x), expected, rtol=0, atol=1e-6)
    assert largest_difference(conversion.layers, conversion.run_source, 30) < 1e-5


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_hdf5_files_hold_the_same(kind: str, tmp_path: Path) -> None:
    kl = keras.layers
    layers = [
        getattr(kl, kind)(5, return_sequences=True),
        kl.TimeDistributed(kl.Dense(3)),
        kl.BatchNormalization(),
        kl.DepthwiseConv1D(3),
    ]
    model = keras_models.sequential((None, 4), layers)
    first, second = (
        from_keras(keras_models.saved(model, tmp_path, suffix)) for suffix in (".keras", ".h5")
    )
    assert first.layers == second.layers


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_without_return_sequences_a_row_is_what_keras_gives_for_the_frames_so_far(
    kind: str, tmp_path: Path
) -> None:
    kl = keras.layers
    model = keras_models.sequential((None, 4), [getattr(kl, kind)(5), kl.Dense(3, "softmax")])
    x = noise(9, 4)
    expected = np.concatenate([model.predict_on_batch(x[None, : n + 1]) for n in range(len(x))])
    conversion = from_keras(keras_models.saved(model, tmp_path))
    assert_streams(conversion, x, expected)
    assert "return_sequences=False: each frame has a row" in conversion.notes[0]
    assert conversion.run_source is not None
    np.testing.assert_allclose(conversion.run_source(x), expected, rtol=0, atol=1e-6)


@pytest.mark.law_framework_exact
def test_a_model_of_fixed_length_that_is_stateful_runs_over_any_number_of_frames(
    tmp_path: Path,
) -> None:
    kl = keras.layers
    layers = [kl.LSTM(5, return_sequences=True, stateful=True), kl.Dense(2)]
    model = keras_models.drawn(keras.Sequential([keras.Input(batch_shape=(1, 10, 3)), *layers]))
    x = noise(10, 3)
    expected = keras_models.rows_of(model, x)
    conversion = from_keras(keras_models.saved(model, tmp_path))
    assert_streams(conversion, x, expected)
    assert conversion.run_source is not None
    assert conversion.run_source(noise(25, 3)).shape == (25, 2)


@pytest.mark.law_framework_exact
def test_a_model_without_time_takes_frames(tmp_path: Path) -> None:
    kl = keras.layers
    layers = [kl.Dense(5, "relu"), kl.BatchNormalization(), kl.Dense(2, "sigmoid")]
    model = keras_models.sequential((7,), layers)
    x = noise(STEPS, 7)
    assert_streams(
        from_keras(keras_models.saved(model, tmp_path)), x, np.asarray(model.predict_on_batch(x))
    )


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_both_directions_run_over_whole_sequences(kind: str, tmp_path: Path) -> None:
    kl = keras.layers
    layers = [kl.Bidirectional(getattr(kl, kind)(5, return_sequences=True))]
    model = keras_models.sequential((None, 4), layers)
    x = noise(STEPS, 4)
    (layer,) = from_keras(keras_models.saved(model, tmp_path)).layers
    y, _ = layer.forward(x)
    np.testing.assert_allclose(y, keras_models.rows_of(model, x), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("version", "slope"), [("3.12.0", 1 / 6), ("2.15.0", 0.2)])
def test_both_hard_sigmoids(version: str, slope: float, tmp_path: Path) -> None:
    model = keras_models.sequential((None, 4), [keras.layers.Activation("hard_sigmoid")])
    path = keras_models.saved(model, tmp_path)
    keras_models.rewrite(path, version=version)
    (layer,) = from_keras(path).layers
    assert (layer.function, layer.slope, layer.offset) == ("hard_sigmoid", slope, 0.5)


@pytest.mark.parametrize(("version", "slope"), [("3.12.0", 1 / 6), ("2.2.4", 0.2), ("1.2.2", None)])
def test_both_slopes_of_hard_gates(version: str, slope: float | None, tmp_path: Path) -> None:
    gru = keras.layers.GRU(3, recurrent_activation="hard_sigmoid", return_sequences=True)
    both = keras.layers.Bidirectional(
        keras.layers.LSTM(3, recurrent_activation="hard_sigmoid", return_sequences=True)
    )
    path = keras_models.saved(keras_models.sequential((None, 4), [gru, both]), tmp_path)
    keras_models.rewrite(path, version=version)
    if slope is None:
        with pytest.raises(
            ValueError, match=r"the version of Keras is '1\.2\.2'; expected 2\.x or"
        ):
            from_keras(path)
        return
    assert [layer.gate_slope for layer in from_keras(path).layers] == [slope, slope]


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_hard_gates_of_keras_2(kind: str, tmp_path: Path) -> None:
    """The slope of 0.2 is that of Keras 3, 1/6, over sums that are 1.2 times as large."""
    kl = keras.layers
    settings = {"recurrent_activation": "hard_sigmoid", "return_sequences": True}
    x = keras.Input((None, 4))
    model = keras_models.drawn(keras.Model(x, getattr(kl, kind)(5, **settings)(x)))
    path = keras_models.saved(model, tmp_path, ".h5")
    keras_models.as_keras_2(path)
    gates = {"LSTM": (0, 1, 3), "GRU": (0, 1)}[kind]
    for variable in model.weights:
        values = np.asarray(variable).copy()
        for gate in gates:
            values[..., 5 * gate : 5 * gate + 5] *= np.float32(1.2)
        variable.assign(values)
    frames = 2 * noise(STEPS, 4)
    assert_streams(from_keras(path), frames, keras_models.rows_of(model, frames))


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_hdf5_files_of_keras_2(tmp_path: Path) -> None:
    """Their configuration has other keys, functional models name tensors in lists."""
    model = keras_models.branches()
    path = keras_models.saved(model, tmp_path, ".h5")
    x = noise(STEPS, 6)
    expected = keras_models.rows_of(model, x)
    keras_models.as_keras_2(path)
    assert_streams(from_keras(path), x, expected)
