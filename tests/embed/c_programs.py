"""What the tests of embedding share: models for C programs, and how such programs are watched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from typer.testing import CliRunner

import pylstm
from pylstm.cli import app
from tests.core_builds import ROOT, SOURCE, compiler, run, tool
from tests.model_file_checksum import with_metadata
from tests.small_models import NOTES, small_model, with_notes

MODELS = ROOT / "pylstm" / "models"
KEYWORDS = MODELS / "keywords.safetensors"


def events(recording: Path) -> list[str]:
    """The lines of `pylstm run` that are events."""
    told = CliRunner().invoke(app, ["run", str(recording)])
    assert told.exit_code == 0, told.output
    return [line for line in told.stdout.splitlines() if line[:6].strip()[:1].isdigit()]


def save_models(folder: Path) -> None:
    """The files that the programs in tests/embed/c ask for."""
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
    pylstm.Model(pylstm.LogMel(n_mels=20, top_db=80.0), []).save(folder / "bare.safetensors")
    heads = {
        "conv": pylstm.Conv(20, 6, 3, stride=2, padding=(0, 1), seed=0),
        "words": pylstm.Dense(6, 4, seed=1),
        "speech": (pylstm.Dense(6, 1, "sigmoid", seed=2), "conv"),
        "rows": (pylstm.Concat(), "words", "speech"),
    }
    pylstm.Model(pylstm.LogMel(n_mels=20), heads).save(folder / "heads.safetensors")
    save_deciding_models(folder)
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


def save_deciding_models(folder: Path) -> None:
    """Models of a few bands, so that noise makes many events, and files with settings."""
    mel = pylstm.LogMel(n_mels=4)
    signs = np.array([[1, -1, 0, 0], [0, 1, -1, 0], [0, 0, 1, -1], [-1, 0, 0, 1]], np.float32)
    weights = {"weight": 0.8 * signs, "bias": np.zeros(4, np.float32)}
    labels = ["silence", "yes", "no", "maybe"]

    def bands(activation: str) -> pylstm.Model:
        return pylstm.Model(mel, [pylstm.Dense(4, 4, activation, weights=weights)], labels)

    words = {
        "threshold": "0.3",
        "threshold.2": "0.4",
        "smoothing_frames": "3",
        "refractory_frames": "5",
        "background": "silence",
    }
    one = {"weight": 0.8 * signs[:1], "bias": np.zeros(1, np.float32)}
    single = pylstm.Model(mel, [pylstm.Dense(4, 1, "sigmoid", weights=one)], ["speech"])
    speech = {
        "kind": "segments",
        "neg_threshold": "0.5",
        "min_speech": "0.02",
        "min_silence": "0.02",
        "pad": "0.01",
    }
    files: dict[str, tuple[pylstm.Model, dict[str, str]]] = {
        "decides": (bands("softmax"), words),
        "sounds": (bands("sigmoid"), {}),
        "speech": (single, speech),
        "decision_unused": (bands("softmax"), {"blank": "silence"}),
        "decision_kind": (bands("softmax"), {"kind": "vowels"}),
        "decision_value": (bands("softmax"), {"threshold.1": "2"}),
        "decision_label": (bands("softmax"), {"kind": "segments", "label": "nobody"}),
    }
    for name, (model, settings) in files.items():
        entries = {f"decision.{key}": value for key, value in settings.items()}
        data = with_metadata(model.to_bytes(), entries)
        (folder / f"{name}.safetensors").write_bytes(data)


WRAPPED = "-Wl,--wrap=malloc,--wrap=calloc,--wrap=pthread_create"


def build_api_test(program: Path, library: Path, *flags: str) -> Path:
    """The C program that makes every call, linked with a core."""
    command = [*compiler(), "-std=c11", "-Wall", "-Wextra", "-Werror", *flags, f"-I{SOURCE}"]
    sources = sorted((ROOT / "tests" / "embed" / "c").glob("*.c"))
    run(*command, "-o", program, *sources, WRAPPED, library, "-lm", "-pthread")
    return program


def valgrind(program: Path, *arguments: object) -> str:
    """What a program prints under valgrind, which knows no AVX-512; errors and leaks fail it."""
    checker = [*tool("valgrind"), "-q", "--error-exitcode=9", "--leak-check=full"]
    # The children of a fork leak what only their parent still points to.
    checker += ["--errors-for-leak-kinds=all", "--fair-sched=yes", "--child-silent-after-fork=yes"]
    isa = "avx2" if "avx2" in pylstm.show_config()["isa"]["supported"] else "scalar"
    return run(*checker, program, *arguments, PYLSTM_ISA=isa)
