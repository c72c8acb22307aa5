"""The page for people who come from another runtime: both sides of it do the same."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.convert import from_rtneural, to_c
from tests.convert.onnx_graphs import drawn, graph, node
from tests.core_builds import compiler, run, static_core

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "coming-from.md").read_text(encoding="utf-8")


def programs(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.S | re.M)


SILERO, SILERO_HERE, RUNTIME, RUNTIME_HERE = programs("python")
(PROCESS,) = programs("c")


def printed(program: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    exec(program, {})
    return capsys.readouterr().out


def numbers(text: str) -> Any:
    return np.array(re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text), np.float64)


def convert(*arguments: str) -> None:
    pytest.importorskip("soundfile", reason="it is the command line: pip install 'pylstm[cli]'")
    from typer.testing import CliRunner

    from pylstm.cli import app

    told = CliRunner().invoke(app, ["convert", *arguments])
    assert told.exit_code == 0, told.output


@pytest.mark.law_framework_exact
def test_silero_vad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Segments and events of a recording, one by one."""
    for package in ("torch", "onnx", "onnxruntime", "soundfile", "silero_vad"):
        pytest.importorskip(package, reason="its own package runs it: pip install silero-vad onnx")
    import soundfile

    audio, rate = soundfile.read(PROJECT / "examples" / "audio" / "slt_running.flac")
    soundfile.write(tmp_path / "speech.wav", audio, rate)
    monkeypatch.chdir(tmp_path)
    convert(*re.findall(r"^pylstm convert (silero-vad.*)$", PAGE, re.M)[0].split())
    theirs, ours = (printed(program, capsys) for program in (SILERO, SILERO_HERE))
    assert re.sub(r"[\d.]+", "", theirs) == re.sub(r"[\d.]+", "", ours)
    assert "start" in ours
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=0, atol=1e-9)


@pytest.mark.law_framework_exact
def test_a_loop_around_onnxruntime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """States are named in one program, and found in the other."""
    weights = {"W": drawn(1, 256, 40), "R": drawn(1, 256, 64), "B": drawn(1, 512)}
    step = node("LSTM", "x W R B _ h0 c0", "y h c", hidden_size=64)
    inputs = {"x": [1, 1, 40], "h0": [1, 1, 64], "c0": [1, 1, 64]}
    (tmp_path / "tagger.onnx").write_bytes(graph([step], inputs, "y h c", weights))
    np.save(tmp_path / "frames.npy", drawn(20, 40, scale=1.0))
    monkeypatch.chdir(tmp_path)
    convert("tagger.onnx", "-o", "tagger.safetensors")
    theirs, ours = (numbers(printed(one, capsys)) for one in (RUNTIME, RUNTIME_HERE))
    assert len(ours) == 20 * 64
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


PROGRAM = """
#include <stdio.h>
static float in[1000], out[1000];
int main(void) {
    size_t n = fread(in, sizeof *in, 1000, stdin);
    return prepare() || process(in, out, 300) || process(in + 300, out + 300, n - 300)
           || fwrite(out, sizeof *out, n, stdout) != n;
}
"""


@pytest.mark.slow
def test_rtneural(tmp_path: Path) -> None:
    """The program in C, whose rows are those of Python to the last bit."""
    rng = np.random.default_rng(0)
    shapes = {"weight_ih_l0": (32, 1), "weight_hh_l0": (32, 8), "bias_ih_l0": 32, "bias_hh_l0": 32}
    state = {f"rec.{name}": rng.normal(0, 0.3, shape) for name, shape in shapes.items()}
    state |= {"lin.weight": rng.normal(0, 0.3, (1, 8)), "lin.bias": rng.normal(0, 0.3, 1)}
    about = {"model": "SimpleRNN", "input_size": 1, "skip": 0, "output_size": 1}
    about |= {"unit_type": "LSTM", "num_layers": 1, "hidden_size": 8, "bias_fl": True}
    tensors = {name: array.tolist() for name, array in state.items()}
    path = tmp_path / "lstm.json"
    path.write_text(json.dumps({"model_data": about, "state_dict": tensors}))
    model = pylstm.Model(None, from_rtneural(path).layers)
    source = to_c(model, "lstm", "lstm.h")
    (tmp_path / "lstm.c").write_text(source.source)
    (tmp_path / "lstm.h").write_text(source.header)
    (tmp_path / "program.c").write_text(PROCESS + PROGRAM)
    files = [tmp_path / "program.c", tmp_path / "lstm.c", static_core("plain")]
    header = f"-I{PROJECT / 'src'}"
    run(*compiler(), "-std=c11", header, "-o", tmp_path / "program", *files, "-lm", "-pthread")
    x = rng.normal(size=1000).astype(np.float32)
    done = subprocess.run([tmp_path / "program"], input=x.tobytes(), capture_output=True)
    assert done.returncode == 0
    rows = model.stream().push_frames(x[:, None]).ravel()
    np.testing.assert_array_equal(np.frombuffer(done.stdout, np.float32), rows)
