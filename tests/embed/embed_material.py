"""What the tests of embedding share: compilers, the core as a library, model files for C."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import pylstm
from tests.conftest import small_model

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
EXAMPLES = ROOT / "examples"
FLAGS = {
    "plain": "-O3 -Wall -Wextra -Werror",
    "sanitized": "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all",
    "threads": "-O1 -g -fsanitize=thread",
}
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
    """`make -C folder ...` with the compilers of these tests."""
    variables = [f"CC={' '.join(compiler())}"]
    if folder.name == "embed_cpp":
        variables.append(f"CXX={' '.join(tool('c++', 'CXX'))}")
    run(*tool("make"), "-s", f"-j{os.cpu_count()}", "-C", folder, *variables, *arguments)


@functools.cache
def build(kind: str) -> Path:
    """A folder with the C example, and the core as a library in `core`, made once for all tests.

    `kind` is ``"plain"`` (as it ships, without a warning; also installed in `usr`), ``"sanitized"``
    or ``"threads"`` (for ThreadSanitizer).
    """
    folder = Path(tempfile.mkdtemp(prefix="pylstm-embed-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    flags = f"CFLAGS={FLAGS[kind]}"
    if kind != "plain" and not sanitized(FLAGS[kind].split(), folder):
        pytest.skip(f"programs that this compiler makes with {FLAGS[kind]} do not run here")
    if kind == "plain":
        make(SOURCE, f"BUILD={folder}/core", f"PREFIX={folder}/usr", flags, "install")
    make(EXAMPLES / "embed_c", f"BUILD={folder}", flags)
    return folder


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
    """The files that tests/embed/c asks for."""
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
    checker += ["--errors-for-leak-kinds=all", "--fair-sched=yes"]
    isa = "avx2" if "avx2" in pylstm.show_config()["isa"]["supported"] else "scalar"
    return run(*checker, program, *arguments, PYLSTM_ISA=isa)
