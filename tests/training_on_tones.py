"""Recordings of tones, a training on them, and commands, for the tests of pylstm train and pylstm
eval."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from pylstm.cli import app

TONES = {"low": 300, "high": 3300}
# Small enough for a second, large enough to learn two tones.
QUICK = ["--hidden", 8, "--layers", 1, "--epochs", 6, "--learning-rate", 0.03, "--batch-size", 4]
QUICK += ["--no-augment", "--no-background-examples", "--targets", "sounds", "--threads", 1]


def tone(name: str, seed: int, seconds: float = 0.4, rate: int = 16000) -> np.ndarray:
    """A tone in noise; `silence` is noise alone."""
    draw = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    noise = 0.003 * draw.standard_normal(len(time))
    wave = np.sin(2 * np.pi * TONES[name] * time + draw.uniform(0, 6)) if name in TONES else 0
    return (draw.uniform(0.1, 0.5) * wave + noise).astype(np.float32)


def folder_of_tones(folder: Path, labels=("low", "high"), n: int = 10) -> Path:
    for k, label in enumerate(labels):
        (folder / label).mkdir(parents=True)
        for i in range(n):
            soundfile.write(folder / label / f"{i}.wav", tone(label, 100 * k + i), 16000)
    return folder


def scenes(folder: Path, n: int = 6) -> Path:
    """Recordings of two seconds with a low and a high tone in them, and a manifest of when."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["path,label,start,end"]
    for i in range(n):
        parts = [tone(name, 10 * i + k, 0.5) for k, name in enumerate(["", "low", "", "high"])]
        soundfile.write(folder / f"{i}.wav", np.concatenate(parts), 16000)
        rows += [f"{i}.wav,low,0.5,1.0", f"{i}.wav,high,1.5,2.0"]
    (folder / "events.csv").write_text("\n".join(rows))
    return folder / "events.csv"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return folder_of_tones(tmp_path_factory.mktemp("tones") / "data")


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> tuple[Path, Result]:
    path = tmp_path_factory.mktemp("trained") / "tones.safetensors"
    return path, succeed("train", data, "-o", path, *QUICK)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def succeed(*arguments: object) -> Result:
    result = invoke(*arguments)
    assert (result.exit_code, "Traceback" in result.output) == (0, False), result.output
    return result


def refuse(code: int, message: str, *arguments: object) -> list[str]:
    """A command ends with a code and one line, after notes and epochs; `message` is a pattern."""
    result = invoke(*arguments)
    *before, line = result.stderr.splitlines()
    assert re.fullmatch(f"pylstm: {message}", line), line
    assert all(text.startswith(("note: ", "epoch ")) for text in before), before
    assert result.exit_code == code
    return before
