"""``pylstm export --onnx``: the network, compared with the model before it is written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import pylstm
from pylstm.cli import app
from pylstm.convert import to_onnx
from tests.onnx_stream import OnnxStream, need_onnx


def export(*arguments: object) -> tuple[int, str]:
    told = CliRunner().invoke(app, ["export", *map(str, arguments)])
    return told.exit_code, " ".join(told.output.split())


@pytest.mark.law_framework_exact
def test_the_file_gives_the_rows_of_the_model(tmp_path: Path) -> None:
    need_onnx()
    path = tmp_path / "vad.onnx"
    code, said = export("vad", "--onnx", path)
    assert (code, list(tmp_path.iterdir())) == (0, [path])
    assert "takes mfcc frames, and its memories as inputs and outputs" in said
    assert "from the model, at most, over random frames in cuts" in said
    model = pylstm.load("vad")
    frames = np.random.default_rng(0).standard_normal((50, model.n_features)).astype(np.float32)
    rows = OnnxStream(path).push(frames)
    np.testing.assert_allclose(rows, model.stream().push_frames(frames), rtol=0, atol=1e-5)


def test_it_says_that_it_has_not_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_onnx()
    assert (
        "not looked at (--no-check)"
        in export("vad", "--onnx", tmp_path / "a.onnx", "--no-check")[1]
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, said = export("vad", "--onnx", tmp_path / "b.onnx")
    assert (code, "not looked at: onnxruntime is not installed" in said) == (0, True)


def test_a_file_that_gives_other_rows_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_onnx()
    module = sys.modules[to_onnx.__module__]
    dense = module._KINDS["dense"]

    def without_bias(graph: Any, layer: Any, inputs: Any) -> str:
        bias = {"bias": np.zeros_like(layer.weights["bias"])}
        return str(dense(graph, layer.with_weights(layer.weights | bias), inputs))

    monkeypatch.setattr(module, "_KINDS", {**module._KINDS, "dense": without_bias})
    code, said = export("vad", "--onnx", tmp_path / "vad.onnx")
    assert code == 1
    assert "differ by" in said
    assert "nothing was written" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["vad", "--onnx", "model.txt"], "--onnx is model.txt; expected a file name that ends in"),
        (["vad", "--onnx", ".onnx"], "--onnx is .onnx; expected a file name that ends in .onnx"),
        (["vad", "--onnx", "vad.onnx", "--name", "x"], "--name is given with --onnx; expected it"),
        (["vad", "--onnx", "no/such/folder/vad.onnx"], "cannot write"),
    ],
)
def test_what_is_refused(
    arguments: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_onnx()
    monkeypatch.chdir(tmp_path)
    code, said = export(*arguments)
    assert code in (1, 2)
    assert complaint in said
    assert list(tmp_path.iterdir()) == []


def test_quantised_models_are_refused(tmp_path: Path) -> None:
    need_onnx()
    path = tmp_path / "small.safetensors"
    pylstm.load("vad").quantize("int8").save(path)
    code, said = export(path, "--onnx", tmp_path / "small.onnx")
    assert (code, "precision is 'int8'" in said) == (1, True)
    assert list(tmp_path.iterdir()) == [path]
