"""Files as Keras 2 wrote them give the rows of Keras 2; h5py is all that it takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.convert import from_keras
from tests.convert.conversions import assert_streams
from tests.convert.keras_2_files import FILES, ROWS, N, frames, written

h5py = pytest.importorskip("h5py", reason='it writes the files: pip install "pylstm[keras]"')


def expected(name: str) -> np.ndarray[Any, Any]:
    return np.array(json.loads(ROWS.read_text())[name], np.float32)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", FILES)
def test_they_give_the_rows_of_keras_2(name: str, tmp_path: Path) -> None:
    conversion = from_keras(written(name, tmp_path))
    assert isinstance(conversion.layers, list)
    if any(getattr(layer, "bidirectional", False) for layer in conversion.layers):
        (layer,) = conversion.layers
        rows, _ = layer.forward(frames())
        np.testing.assert_allclose(rows, expected(name), rtol=0, atol=1e-5)
    else:
        assert_streams(conversion, frames(), expected(name))


def changed(path: Path, change: Any) -> Path:
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)
    return path


@pytest.mark.law_framework_exact
def test_older_forms(tmp_path: Path) -> None:
    """A list of layers, the shape in the first of them, and no word of the reset."""

    def as_before(config: dict[str, Any]) -> None:
        layers = config["config"]["layers"][1:]
        layers[0]["config"]["batch_input_shape"] = [None, None, N]
        del layers[0]["config"]["reset_after"]
        config["config"] = layers

    path = changed(written("gru_before", tmp_path), as_before)
    assert_streams(from_keras(path), frames(), expected("gru_before"))
    later = changed(written("gru_after", tmp_path), as_before)
    with pytest.raises(ValueError, match=r"'bias' of layer 'gru' \(GRU\) has shape \(2, 9\); exp"):
        from_keras(later)


@pytest.mark.parametrize(
    ("name", "key", "value", "says"),
    [
        ("lstm", "time_major", True, "'time_major' of layer 'lstm'.* is True; expected False"),
        ("cudnn_lstm", "activation", "tanh", "'activation' of .* is tanh|no such key of a CuDNNLS"),
        ("cudnn_gru", "reset_after", True, "expected no such key of a CuDNNGRU"),
        ("cudnn_gru", "go_backwards", True, "'go_backwards' of .* is True; expected False"),
        ("both_directions", "merge_mode", "sum", "'merge_mode' of .* expected 'concat'"),
        ("depthwise", "groups", 2, "'groups' of layer 'depthwise_conv1d'.* is 2; expected 1"),
    ],
)
def test_what_is_refused(name: str, key: str, value: Any, says: str, tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["config"][key] = value

    with pytest.raises(ValueError, match=says):
        from_keras(changed(written(name, tmp_path), change))


@pytest.mark.law_framework_exact
def test_tensors_of_other_shapes_are_refused(tmp_path: Path) -> None:
    path = written("cudnn_lstm", tmp_path)
    with h5py.File(path, "r+") as file:
        group = file["model_weights/cu_dnnlstm/cu_dnnlstm"]
        del group["bias:0"]
        group["bias:0"] = np.zeros(12, np.float32)
    with pytest.raises(ValueError, match=r"'bias' of .* has shape \(12,\); expected \(24,\)"):
        from_keras(path)


def test_keras_3_is_not_what_they_are_compared_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has another hard sigmoid, and does not load the recurrent layers of Keras 2."""
    monkeypatch.setattr("pylstm.convert.keras.importer.find_spec", lambda name: None)
    assert from_keras(written("time_distributed", tmp_path)).run_source is None
    (layer,) = (
        one
        for one in from_keras(written("time_distributed", tmp_path)).layers
        if isinstance(one, pylstm.Activation)
    )
    assert (layer.slope, layer.offset) == (0.2, 0.5)
