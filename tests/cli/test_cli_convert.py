"""``pylstm convert``: files of other frameworks become model files, or are refused in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app

RNG = np.random.default_rng(0)
LSTM = pylstm.LSTM(13, 8, seed=0)
HEAD = pylstm.Dense(8, 3, "softmax", seed=1)
WEIGHTS = {
    **{f"net.lstm.{name}": w for name, w in LSTM.weights.items()},
    **{f"net.head.{name}": w for name, w in HEAD.weights.items()},
}
DENSE: dict[str, Any] = {
    "in_shape": [None, None, 2],
    "layers": [
        {
            "type": "dense",
            "activation": "tanh",
            "shape": [None, None, 3],
            "weights": [[[1.0, 2.0, 3.0], [0.5, 0.25, -1.0]], [0.5, 0.5, 0.0]],
        }
    ],
}


def convert(*arguments: object) -> Result:
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    assert "Traceback" not in result.output
    return result


def refused(result: Result, code: int, message: str) -> None:
    *notes, line = result.stderr.splitlines()
    assert re.fullmatch(f"pylstm: {message}", line), line
    assert (result.exit_code, result.stdout, notes) == (code, "", [])


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file(WEIGHTS, path)
    return path


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    path = tmp_path / "dense.json"
    path.write_text(json.dumps(DENSE))
    return path


def test_weights_of_pytorch_become_a_model_that_decides(weights: Path, tmp_path: Path) -> None:
    made = tmp_path / "words.safetensors"
    result = convert(
        weights, "-o", made, "--layer", "net.lstm.", "--layer", "net.head.=softmax",
        "--features", "mfcc,preset=kaldi,n_mfcc=13", "--rate", "8000", "--labels", "noise,yes,no",
        "--decision", "words,threshold=0.7,background=noise",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    model = pylstm.load(made)
    assert model.features == pylstm.MFCC.preset("kaldi", n_mfcc=13, sr=8000)
    assert model.labels == ("noise", "yes", "no")
    model.listener()
    expected = pylstm.Model(model.features, [LSTM, HEAD]).run(np.ones(8000, np.float32))
    np.testing.assert_array_equal(model.run(np.ones(8000, np.float32)), expected)
    assert model.summary() in result.stdout
    for fact in (r"parameters +763", r"latency +\d+ samples", r"cost +\S+ ms a second of audio .*"):
        assert re.search(f"^{fact}$", result.stdout, re.MULTILINE), result.stdout


def test_what_rtneural_reads(dense: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.safetensors"
    result = convert(dense, "-o", made)
    assert result.exit_code == 0, result.output
    x = RNG.standard_normal((5, 2)).astype("f4")
    kernel, bias = (np.array(one, "f4") for one in DENSE["layers"][0]["weights"])
    rows = pylstm.load(made).stream().push_frames(x)
    np.testing.assert_allclose(rows, np.tanh(x @ kernel + bias), rtol=0, atol=1e-6)
    assert re.search(r"^cost +\S+ µs a frame", result.stdout, re.MULTILINE)
    assert "difference    not looked at" in result.stdout


def onnx_file(folder: Path) -> Path:
    onnx = pytest.importorskip("onnx", reason="it writes the file: pip install onnx")
    pytest.importorskip("onnxruntime", reason="it runs the file: pip install onnxruntime")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)
    values = [helper.make_tensor_value_info(n, number, ["t", k]) for n, k in (("x", 8), ("y", 3))]
    tensors = {"w": HEAD.weights["weight"], "b": HEAD.weights["bias"]}
    constants = [onnx.numpy_helper.from_array(w, name) for name, w in tensors.items()]
    graph = helper.make_graph([node], "head", [values[0]], [values[1]], constants)
    opset = helper.make_opsetid("", 17)
    path = folder / "head.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def test_the_source_runs_beside_what_was_made_of_it(tmp_path: Path) -> None:
    source, made = onnx_file(tmp_path), tmp_path / "made.safetensors"
    result = convert(source, "-o", made)
    assert result.exit_code == 0, result.output
    pattern = r"^difference +(\S+) from the source, at most, over 400 random frames in random cuts$"
    (difference,) = re.findall(pattern, result.stdout, re.MULTILINE)
    assert float(difference) < 1e-5
    unchecked = convert(source, "-o", made, "--no-check", "--force")
    assert re.search(r"^difference +not looked at \(--no-check\)$", unchecked.stdout, re.MULTILINE)


def open_file(folder: Path) -> Path:
    """x * gain, a whole number."""
    onnx = pytest.importorskip("onnx", reason="it writes the file: pip install onnx")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["gain"], ["factor"], to=number),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
    ]
    values = [helper.make_tensor_value_info(n, number, ["b", "t", 4]) for n in ("x", "y")]
    gain = helper.make_tensor_value_info("gain", onnx.TensorProto.INT64, [])
    graph = helper.make_graph(nodes, "gain", [values[0], gain], [values[1]])
    opset = helper.make_opsetid("", 17)
    path = folder / "open.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def test_what_a_message_asks_for_can_be_said(tmp_path: Path) -> None:
    source, made = open_file(tmp_path), tmp_path / "made.safetensors"
    told = ["--shape", "x=1,None,4", "--constant", "gain=2"]
    asked = convert(source, "-o", made, *told[:2])
    refused(asked, 1, r".*constants=.*; here that is --shape .* or --constant NAME=NUMBER")
    assert convert(source, "-o", made, *told).exit_code == 0
    x = RNG.standard_normal((5, 4)).astype("f4")
    np.testing.assert_array_equal(pylstm.load(made).stream().push_frames(x), 2 * x)
    for option, text in (("--shape", "x=1;2"), ("--shape", "1,2"), ("--constant", "gain=text")):
        refused(
            convert(source, "-o", made, "--force", option, text), 2, f"{option} is .*; expected .*"
        )


def test_what_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, made = onnx_file(tmp_path), tmp_path / "made.safetensors"
    monkeypatch.setattr("pylstm.cli.convert.TOLERANCE", -1.0)
    refused(
        convert(source, "-o", made), 1, f"{source}: what was made of it differs by .* written .*"
    )
    assert not made.exists()


def test_a_file_that_is_there_is_kept(dense: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.safetensors"
    made.write_bytes(b"mine")
    refused(convert(dense, "-o", made), 2, f"{made} is there already; --force replaces it")
    assert made.read_bytes() == b"mine"
    assert convert(dense, "-o", made, "--force").exit_code == 0
    pylstm.load(made)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "lstm."], r"--layer is for weights alone \(.*\); .* says itself .*"),
        (["--shape", "x=1,2"], r"--shape and --constant are for .onnx; .*"),
        (["--rate", "8000"], r"--rate is given without --features; expected both"),
        (["--features", "mffc"], r"--features has the kind 'mffc'; expected .*mfcc.*"),
        (["--features", "n_mfcc=13"], r"--features is 'n_mfcc=13'; expected a kind first, .*"),
        (["--features", "mfcc,13"], r"--features has '13'; expected NAME=VALUE, .*"),
        (["--features", "mfcc,n_mfcc=1,n_mfcc=2"], r"--features has n_mfcc twice; .*"),
        (["--features", "mfcc,n_mfcc=1000"], r"--features: n_mfcc is 1000; expected .*"),
        (["--features", "waveform,preset=kaldi"], r"--features: waveform has no presets"),
    ],
)
def test_options_that_are_wrong(
    dense: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    made = tmp_path / "made.safetensors"
    refused(convert(dense, "-o", made, *options), 2, message)
    assert not made.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.tflite", b"", r"\S+ ends in .tflite; expected one of .onnx, .*"),
        ("model", b"", r"\S+ ends in nothing; expected one of .*"),
        ("absent.json", None, r"cannot read \S+absent.json: No such file or directory"),
        ("bad.json", b"{", r"\S+bad.json: .+"),
        ("bad.safetensors", b"\x09" * 40, r"\S+bad.safetensors: .+"),
    ],
)
def test_files_that_are_none(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path, made = tmp_path / name, tmp_path / "made.safetensors"
    if content is not None:
        path.write_bytes(content)
    result = convert(path, "-o", made)
    refused(result, result.exit_code, message)
    assert result.exit_code in (1, 2)
    assert not made.exists()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], r"\S+: .*names begin with.*"),
        (["net.lstm.", "net.hed."], r"\S+: no name .* begins with 'net.hed.'.*"),
        (["net.head.", "net.lstm."], r"\S+: .*13.*"),
    ],
)
def test_layers_that_are_not_there(
    weights: Path, tmp_path: Path, layers: list[str], message: str
) -> None:
    made = tmp_path / "made.safetensors"
    words = [word for layer in layers for word in ("--layer", layer)]
    refused(convert(weights, "-o", made, *words), 1, message)
    assert not made.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--decision", "segments,kind=words"], "--decision has kind=words; expected the kind fir"),
        (["--labels", ","], "--labels is ','; expected names that differ"),
        (["--labels", "a,a"], "--labels is 'a,a'; expected names that differ"),
        (["--layer", "l.", "--layer", "l."], r"--layer is l\., l\.; expected each layer once"),
        (["--features", "mfcc,n_mfc=13"], "--features: .*unexpected.*; mfcc has .*n_mfcc"),
    ],
)
def test_options_that_make_no_sense(options: list[str], says: str, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    weights = {"l.weight": np.ones((2, 3), np.float32), "d.weight": np.ones((1, 2), np.float32)}
    save_file(weights, path)
    refused(convert(path, "-o", tmp_path / "made.safetensors", *options), 2, f"{says}.*")


def test_the_output_is_a_model_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file({"weight": np.ones((2, 3), np.float32)}, path)
    refused(
        convert(path, "-o", tmp_path / "made.onnx"), 2, r".*expected a file name that ends in.*"
    )
    refused(
        convert(path, "-o", path, "--force"), 2, "--output is .*, the source; expected another.*"
    )


def test_weights_that_no_layer_takes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file(
        {"l.weight": np.ones((2, 3), np.float32), "d.weight": np.ones((1, 2), np.float32)}, path
    )
    done = convert(path, "-o", tmp_path / "made.safetensors", "--layer", "l.=linear")
    assert done.exit_code == 0
    assert "note: Left out, as no layer that was named has them: 'd.weight'." in done.stderr
