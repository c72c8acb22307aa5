"""What the tests of embedding share: compilers, the core as a library, model files for C."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import small_model

import pylstm

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
EXAMPLES = ROOT / "examples"
NOTES = {
    "license": "© nobody",
    "detector.threshold": "0.45",
    "detector.smoothing_frames": "10",
    "detector.refractory_frames": "40",
    "detector.background": " silence ",
}


def tool(name: str, variable: str | None = None) -> list[str]:
    """A program as a list of words, from the environment or the path; skips where there is none."""
    found = (variable and os.environ.get(variable)) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found.split()


def compiler() -> list[str]:
    return tool("cc", "CC")


def run(*command: object, **environment: str) -> str:
    """What a program prints; its complaints are the test's."""
    settings = {k: v for k, v in os.environ.items() if k != "PYLSTM_ISA"}
    ran = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env={**settings, **environment},
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def make(folder: Path, *arguments: object) -> None:
    """`make -C folder ...` with the compiler of these tests."""
    run(*tool("make"), "-s", "-C", folder, f"CC={' '.join(compiler())}", *arguments)


def sanitized(flags: list[str], folder: Path) -> bool:
    """Whether programs built with these flags run here."""
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    built = subprocess.run(
        [*compiler(), *flags, "-o", str(folder / "probe"), str(probe)], capture_output=True
    )
    return built.returncode == 0 and subprocess.run([str(folder / "probe")]).returncode == 0


def with_notes(model: pylstm.Model, notes: dict[str, str]) -> pylstm.Model:
    return pylstm.Model(model.features, model.layers, model.labels, notes)


def save_models(folder: Path) -> None:
    """The files that tests/c asks for."""
    plain = small_model()
    words = with_notes(plain, NOTES)
    words.save(folder / "words.safetensors")
    words.quantize("int8").save(folder / "int8.safetensors")
    words.quantize("bf16").save(folder / "bfloat16.safetensors")
    rows = [pylstm.LSTM(7, 20, bias=False, seed=0), pylstm.Dense(20, 5, "tanh", seed=1)]
    pylstm.Model(None, rows).save(folder / "frames.safetensors")
    deltas = pylstm.MFCC(deltas=1, n_mfcc=5)
    layers = [pylstm.LSTM(10, 9, seed=3), pylstm.Dense(9, 2, seed=4)]
    pylstm.Model(deltas, layers).save(folder / "deltas.safetensors")
    pylstm.Model(pylstm.LogMel(n_mels=20), []).save(folder / "bare.safetensors")
    spoilt: dict[str, tuple[str, str | None]] = {
        "no_threshold": ("threshold", None),
        "bad_threshold": ("threshold", "much"),
        "high_threshold": ("threshold", "1.5"),
        "bad_smoothing": ("smoothing_frames", "2.5"),
        "bad_refractory": ("refractory_frames", "-1"),
        "no_background": ("background", None),
        "bad_background": ("background", "silence, music"),
        "all_background": ("background", "yes,no , silence"),
    }
    for name, (key, value) in spoilt.items():
        notes = {k: v for k, v in NOTES.items() if k != f"detector.{key}"}
        if value is not None:
            notes[f"detector.{key}"] = value
        with_notes(plain, notes).save(folder / f"{name}.safetensors")


