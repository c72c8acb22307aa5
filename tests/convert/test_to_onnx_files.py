"""What else an exported ONNX file says, what is refused, and that it is written whole or not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.convert import to_onnx
from pylstm.convert.onnx_export import to_onnx as to_onnx_module
from tests.onnx_stream import OnnxStream, assert_same_rows, exported, need_onnx


def operators(model: pylstm.Model, folder: Path) -> list[str]:
    exported(model, folder)
    import onnx

    return [node.op_type for node in onnx.load(folder / "model.onnx").graph.node]


def test_labels_decision_notes_and_features_are_in_the_metadata(tmp_path: Path) -> None:
    model = pylstm.load("vad").with_info({"owner": "Ä"})
    metadata = exported(model, tmp_path).metadata
    assert model.features is not None
    assert json.loads(metadata["labels"]) == list(model.labels or ())
    assert json.loads(metadata["decision"]) == dict(model.decision) != {}
    assert json.loads(metadata["info"]) == {"owner": "Ä"}
    assert json.loads(metadata["features"]) == model.features.config()


def test_what_is_not_there_is_null(tmp_path: Path) -> None:
    metadata = exported(pylstm.Model(None, [pylstm.Dense(3, 2, seed=0)]), tmp_path).metadata
    said = {name: json.loads(value) for name, value in metadata.items()}
    assert [sorted(one) for one in said.pop("layers")] == [["settings", "weights"]]
    assert said == {
        "states": {},
        "labels": None,
        "decision": {},
        "info": {},
        "features": None,
    }


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", ["vad", "keywords"])
def test_the_rows_of_a_bundled_model_from_its_features(name: str, tmp_path: Path) -> None:
    """As a user runs it: features here, the network in onnxruntime."""
    model = pylstm.load(name)
    assert model.features is not None
    audio = np.random.default_rng(0).standard_normal(16000).astype(np.float32) / 10
    frames = model.features.stream().push(audio)
    theirs = exported(model, tmp_path)
    rows = np.concatenate([theirs.push(part) for part in np.split(frames, [1, 3, 40])])
    np.testing.assert_allclose(rows, model.stream().push(audio), rtol=0, atol=1e-5)


def test_every_memory_is_an_input_and_an_output(tmp_path: Path) -> None:
    layers: dict[str, Any] = {
        "conv": pylstm.Conv(6, 4, 3, padding="causal", seed=1),
        "late": pylstm.Conv(4, 4, 3, seed=1),
        "ahead": (pylstm.Conv(4, 4, 3, padding=(1, 1), seed=1), "conv"),
        "sum": (pylstm.Add(), "late", "ahead", "conv"),
        "lstm": pylstm.LSTM(4, 5, num_layers=2, seed=2),
        "gru": pylstm.GRU(5, 3, seed=3),
    }
    stream = exported(pylstm.Model(None, layers), tmp_path)
    assert {name: value.shape for name, value in stream.states.items()} == {
        "conv.rows": (2, 6),
        "late.rows": (0, 4),
        "ahead.rows": (1, 4),
        "sum.skipped_1": (1,),
        "sum.skipped_2": (1,),
        "sum.waiting_0": (0, 4),
        "sum.waiting_2": (0, 4),
        "lstm.h": (2, 1, 5),
        "lstm.c": (2, 1, 5),
        "gru.h": (1, 1, 3),
    }
    assert stream.outputs == ["rows", *(f"{name}.next" for name in stream.states)]


@pytest.mark.parametrize(
    ("layer", "operator"),
    [
        (pylstm.LSTM(3, 4, peepholes=True, coupled=True, gate_clip=20.0, seed=0), "LSTM"),
        (pylstm.GRU(3, 4, candidate="relu", reset_after=False, seed=0), "GRU"),
        (pylstm.RNN(3, 4, nonlinearity="relu", seed=0), "RNN"),
        (pylstm.LSTM(3, 4, proj_size=2, seed=0), "Scan"),
        (pylstm.LSTM(3, 4, layer_norm=True, seed=0), "Scan"),
        (pylstm.LSTM(3, 4, cell_clip=20.0, seed=0), "Scan"),
    ],
)
def test_the_formula_is_written_out_only_where_onnx_has_no_attribute(
    layer: pylstm.Layer, operator: str, tmp_path: Path
) -> None:
    found = operators(pylstm.Model(None, [layer]), tmp_path)
    assert [one for one in found if one in ("LSTM", "GRU", "RNN", "Scan")] == [operator]


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_quantised_layers_are_refused_by_name(precision: Any, tmp_path: Path) -> None:
    layers = {"norm": pylstm.LayerNorm(3), "cells": pylstm.GRU(3, 4, seed=0)}
    model = pylstm.Model(None, layers)
    with pytest.raises(
        ValueError, match=rf"layers\['cells'\].precision is '{precision}'; expected 'float32'"
    ):
        to_onnx(model.quantize(precision), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    assert_same_rows(model, tmp_path, [3])  # what the message says


def test_layers_are_no_model(tmp_path: Path) -> None:
    layers = [pylstm.Dense(3, 2, seed=0)]
    with pytest.raises(TypeError, match=r"model is of type list; expected a Model: pylstm.Model\("):
        to_onnx(layers, tmp_path / "model.onnx")  # type: ignore[arg-type]
    assert_same_rows(pylstm.Model(None, layers), tmp_path, [3])


def test_more_weights_than_a_file_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[to_onnx_module.__module__]
    monkeypatch.setattr(module, "_MOST_BYTES", 4 * (3 * 2 + 2) - 1)
    with pytest.raises(ValueError, match=r"the weights of the model are 32 bytes; expected at"):
        to_onnx(pylstm.Model(None, [pylstm.Dense(3, 2, seed=0)]), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_the_onnx_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'to_onnx needs .*: pip install "pylstm\[onnx\]"'):
        to_onnx(pylstm.Model(None, [pylstm.Dense(3, 2, seed=0)]), tmp_path / "model.onnx")


def test_the_package_is_imported_only_when_it_is_needed() -> None:
    code = "import sys, pylstm.convert; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.law_saves_are_whole
def test_what_stood_there_stays_where_a_file_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_onnx()
    path = tmp_path / "model.onnx"
    to_onnx(pylstm.Model(None, [pylstm.Dense(3, 2, seed=0)]), path)
    before = path.read_bytes()
    with pytest.raises(OSError, match=r"no/model\.onnx"):
        to_onnx(pylstm.Model(None, [pylstm.Dense(3, 2, seed=1)]), tmp_path / "no" / "model.onnx")
    with pytest.raises(ValueError, match="expected 'float32'"):
        to_onnx(pylstm.Model(None, [pylstm.Dense(3, 2, seed=1)]).quantize("int8"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    to_onnx(pylstm.Model(None, [pylstm.Dense(3, 4, seed=1)]), str(path))
    assert OnnxStream(path).push(np.ones((5, 3), np.float32)).shape == (5, 4)


@pytest.mark.law_saves_are_whole
def test_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    need_onnx()
    model = pylstm.load("vad")
    paths = [tmp_path / name for name in ("a.onnx", "b.onnx")]
    to_onnx(model, paths[0])
    to_onnx(pylstm.Model.from_bytes(model.to_bytes()), paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes()
