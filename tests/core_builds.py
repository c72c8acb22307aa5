"""The C core as programs embed it, each way of compiling it once for all tests of a run."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import shared_builds
from tests.instruction_sets import ISAS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
# Kernels are most of what a compiler works on, minutes of it with sanitizers. Those that this
# processor cannot run are left out (test_source_builds.py compiles all), and where threads are
# watched most kinds of layers: no kernel knows of threads.
NO_AVX512 = "-DPYLSTM_NO_AVX512"
NOT_RUN_HERE = "" if any(isa.startswith("avx512") for isa in ISAS) else NO_AVX512
# Those of the bundled models.
FEW_KINDS = ("lstm", "dense")
SOME_KINDS = " ".join(
    [
        "-DPYLSTM_CHOSEN_KINDS",
        *(f"-DPYLSTM_KIND_{kind}=1" for kind in (*FEW_KINDS, "conv", "concat")),
    ]
)
FLAGS = {
    "plain": f"-O3 -Wall -Wextra -Werror {NOT_RUN_HERE}",
    "sanitized": f"-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all {NOT_RUN_HERE}",
    "threads": f"-O1 -g1 -fsanitize=thread {NO_AVX512} {SOME_KINDS}",
}


def tool(name: str, variable: str | None = None) -> list[str]:
    """A program as a list of words, from the environment or the path; skips where there is none."""
    found = (variable and os.environ.get(variable)) or shutil.which(name)
    if not found:
        setting = f", or set {variable}" if variable else ""
        pytest.skip(f"{name} is not installed; install it{setting} to run it")
    return found.split()


def compiler() -> list[str]:
    """The C compiler."""
    return tool("cc", "CC")


def run(*command: object, cwd: Path | None = None, **environment: str) -> str:
    """What a program prints; its complaints are the test's."""
    settings = {k: v for k, v in os.environ.items() if k != "PYLSTM_ISA"}
    ran = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env={**settings, **environment},
        cwd=cwd,
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
def build_folder(kind: str) -> Path:
    """Where everything with the flags of one kind is built: the core in `core`, examples beside it.

    `kind` is ``"plain"`` (as it ships, without a warning), ``"sanitized"`` (AddressSanitizer and
    the one for undefined behaviour) or ``"threads"`` (ThreadSanitizer).
    """
    folder = shared_builds.folder(f"core-{kind}")
    if kind != "plain" and not runs_here(FLAGS[kind].split(), folder):
        pytest.skip(
            f"programs built with {FLAGS[kind]} do not run here; gcc or clang with its sanitizers"
            " does it"
        )
    return folder


def runs_here(flags: list[str], folder: Path) -> bool:
    """Whether programs built with these flags run on this machine."""
    probe = folder / f"probe-{os.getpid()}"
    source = probe.with_suffix(".c")
    source.write_text("int main(void) { return 0; }\n")
    built = subprocess.run(
        [*compiler(), *flags, "-o", str(probe), str(source)], capture_output=True
    )
    return built.returncode == 0 and subprocess.run([str(probe)]).returncode == 0


@functools.cache
def static_core(kind: str) -> Path:
    """The core as an archive, to be linked into a program."""
    folder = build_folder(kind)
    with shared_builds.one_builder(folder):
        make(SOURCE, f"BUILD={folder}/core", f"CFLAGS={FLAGS[kind]}", "static")
    return folder / "core" / "libpylstm.a"


@functools.cache
def installed_core() -> Path:
    """Where `make -C src install` has put it: header, archive, shared library, pkg-config."""
    folder = build_folder("plain")
    directories = [f"BUILD={folder}/core", f"PREFIX={folder}/usr"]
    with shared_builds.one_builder(folder):
        make(SOURCE, *directories, f"CFLAGS={FLAGS['plain']}", "install")
    return folder / "usr"


@functools.cache
def example(name: str, program: str, kind: str) -> Path:
    """A program of one of the folders of examples/, linked with the core."""
    static_core(kind)
    folder = build_folder(kind)
    with shared_builds.one_builder(folder):
        make(ROOT / "examples" / name, f"BUILD={folder}", f"CFLAGS={FLAGS[kind]}")
    return folder / program


def link(program: Path, kind: str, sources: list[Path], *flags: str) -> Path:
    """A C program of a test, strictly compiled, linked with the core."""
    archive = static_core(kind)
    strict = ["-std=c11", "-Wall", "-Wextra", "-Werror", *FLAGS[kind].split(), f"-I{SOURCE}"]
    strict.append(f"-I{Path(__file__).parent}")  # fuzzing.h, fitted_checksum.h
    end = [archive, *flags, "-lm", "-pthread"]
    run(*compiler(), *strict, "-o", program, *sources, *end)
    return program
