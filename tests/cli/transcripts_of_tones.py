"""Strings of low and high tones, their transcripts, and a training on them: for the tests of pylstm
train, eval and run on transcripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from tests.training_on_tones import succeed, tone

# Enough for two tones in noise in a few seconds.
QUICK = ["--hidden", 12, "--layers", 1, "--epochs", 16, "--learning-rate", 0.02, "--batch-size", 4]
QUICK += ["--no-augment", "--threads", 1]


def string_of_tones(names: Sequence[str], seed: int) -> np.ndarray:
    """Tones one after the other, with noise before, between and behind them."""
    parts = [tone("", seed, 0.1)]
    for place, name in enumerate(names):
        parts += [tone(name, seed + 1 + place, 0.12), tone("", seed, 0.08)]
    return np.concatenate(parts)


def strings(folder: Path, n: int = 24, seed: int = 0) -> Path:
    """Recordings of one to four tones, and a manifest of their transcripts in words."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    rows = ["path,transcript"]
    for i in range(n):
        names = draw.choice(["low", "high"], 1 + i % 4).tolist()
        soundfile.write(folder / f"{i}.wav", string_of_tones(names, 1000 * seed + 10 * i), 16000)
        rows.append(f"{i}.wav,{' '.join(names)}")
    (folder / "said.csv").write_text("\n".join(rows))
    return folder / "said.csv"


def heard_by_run(model: Path, audio: Path) -> tuple[str, ...]:
    """The labels that pylstm run prints."""
    lines = succeed("run", audio, "--model", model, "--json").stdout.splitlines()
    return tuple(json.loads(line)["label"] for line in lines[:-1])


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return strings(tmp_path_factory.mktemp("strings"))


@pytest.fixture(scope="module")
def hearing(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A model that was trained on the manifest, and what its training printed."""
    path = tmp_path_factory.mktemp("hearing") / "tones.safetensors"
    return path, succeed("train", manifest, "-o", path, "--units", "words", *QUICK)
