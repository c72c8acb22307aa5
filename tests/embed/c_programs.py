"""What the tests of embedding share: models for C programs, and how such programs are watched."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

import pylstm
from pylstm.cli import app
from tests.core_builds import ROOT, SOURCE, compiler, run, tool
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
