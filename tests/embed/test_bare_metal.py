"""Bare-metal ARM: the core compiles without a warning, holds no atomics, and gives x86's bits.

The programs run on boards that QEMU emulates, without an operating system.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

import pylstm
from pylstm.convert import to_c
from tests.core_builds import FEW_KINDS, FLAGS, ROOT, SOURCE, make, run, static_core, tool
from tests.embed.c_programs import KEYWORDS, MODELS
from tools import sources

pytestmark = pytest.mark.builds

EXAMPLE = ROOT / "examples" / "embed_bare_metal"
HERE = Path(__file__).parent / "builds"
# Processors without 64-bit atomics, the first of them without any.
PROCESSORS = {
    "cortex-m0": "",
    "cortex-m4": "-mfpu=fpv4-sp-d16 -mfloat-abi=hard",
    "cortex-m33": "-mfpu=fpv5-sp-d16 -mfloat-abi=hard",
    "cortex-m7": "-mfpu=fpv5-d16 -mfloat-abi=hard",
}


def cross(name: str) -> list[str]:
    """A tool of Debian's gcc-arm-none-eabi; its C library comes as libnewlib-arm-none-eabi."""
    found = tool(f"arm-none-eabi-{name}")
    probe = [*tool("arm-none-eabi-gcc"), "--specs=nano.specs", "-fsyntax-only", "-xc", "-"]
    if subprocess.run(probe, input=b"#include <math.h>\n", capture_output=True).returncode:
        pytest.skip("newlib is not installed; install libnewlib-arm-none-eabi to run it")
    return found


def flags_of(processor: str) -> str:
    return f"-mthumb -mcpu={processor} {PROCESSORS[processor]} --specs=nano.specs"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("board", "model"),
    [("cortex-m4", "vad"), ("cortex-m33", "keywords int8"), ("cortex-m7", "keywords")],
)
def test_an_exported_model_on_a_board(
    board: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posteriors of the bundled recording: the bits of x86's plain C kernels; and the events."""
    cross("gcc")
    tool("qemu-system-arm")
    monkeypatch.setenv("PYLSTM_ISA", "scalar")
    name, *precision = model.split()
    loaded = pylstm.load(name)
    loaded = loaded.quantize(precision[0]) if precision else loaded
    folder = tmp_path / "the board"
    folder.mkdir()
    source, header = to_c(loaded, "model")
    (folder / "model.c").write_text(source)
    (folder / "model.h").write_text(header)
    words = [f"BOARD={board}", f"BUILD={folder}", f"MODEL={folder / 'model.c'}", "CFLAGS=-Werror"]
    words += [f"-j{os.cpu_count()}", f"KINDS={' '.join(FEW_KINDS)}"]
    told = run(*tool("make"), "-s", "-C", EXAMPLE, "run", *words)
    pcm, _ = soundfile.read(MODELS / "demo.wav", dtype="int16")
    expected = loaded.stream().push(pcm)
    rows = np.fromfile(folder / "rows.f32", "<f4").reshape(-1, loaded.n_outputs)
    np.testing.assert_array_equal(rows.view("<u4"), expected.view("<u4"))
    events = re.findall(r"^(\d+) ms  (\w+)  (\d+) millionths, from (\d+) ms$", told, re.MULTILINE)
    ours = loaded.listener().push(pcm)
    assert [(int(time), label, int(score), int(onset)) for time, label, score, onset in events] == [
        (
            int(1000 * event.time + 0.5),
            event.label,
            int(1e6 * event.score + 0.5),
            int(1000 * event.onset + 0.5),
        )
        for event in ours
    ]
    assert len(events) >= 5
    stack = [int(n) for n in re.findall(r"stack to \D*: (\d+)", told)]
    assert len(stack) == 2
    assert stack[0] <= 65536
    assert stack[1] <= 32768
    assert "heap: 0\n" in told


@pytest.mark.slow
def test_no_atomics_without_threads(tmp_path: Path) -> None:
    """The command of docs/embedding.md, on a processor without any: neither a call of a library
    that takes a lock, nor printf, nor a warning."""
    cross("gcc")
    page = (ROOT / "docs" / "embedding.md").read_text()
    (command,) = re.findall(r"^make -C src static SMALL=1 THREADS=0 .*\n.*$", page, re.MULTILINE)
    flags = flags_of("cortex-m0") + " -Wall -Wextra -Werror"
    command = re.sub(r'CFLAGS=".*?"', f'CFLAGS="{flags}" -j{os.cpu_count()}', command)
    shutil.copytree(SOURCE, tmp_path / "src", ignore=shutil.ignore_patterns("build"))
    run("sh", "-ec", command, cwd=tmp_path)
    told = run(*cross("nm"), "-u", tmp_path / "src" / "build" / "libpylstm.a")
    needed = set(re.findall(r"^\s+U (\w+)$", told, re.MULTILINE))
    assert "memcpy" in needed
    assert [n for n in needed if re.match(r"__atomic|__sync|pthread|mtx_|\w*printf", n)] == []


@pytest.mark.parametrize(
    ("file", "processor", "message"),
    [
        ("engine/stream.c", "cortex-m0", "no atomics that never take a lock; expected -DPYLSTM_NO"),
        (
            "platform/worker_threads.c",
            "cortex-m4",
            "no POSIX threads; expected -DPYLSTM_NO_THREADS",
        ),
    ],
)
def test_what_a_board_lacks_is_said(file: str, processor: str, message: str) -> None:
    """And doing as the message says is enough."""
    flags = flags_of(processor).split()
    command = [*cross("gcc"), "-std=c11", *flags, f"-I{SOURCE}", "-fsyntax-only", SOURCE / file]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode != 0
    assert message in refused.stderr
    run(*command, "-DPYLSTM_NO_THREADS", "-Wall", "-Wextra", "-Werror")


def test_an_exported_model_needs_no_atomics(tmp_path: Path) -> None:
    source, header = to_c(pylstm.Model(None, [pylstm.Dense(2, 1, seed=0)]), "model")
    (tmp_path / "model.c").write_text(source)
    (tmp_path / "model.h").write_text(header)
    strict = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE}", "-c", "model.c"]
    command = [*cross("gcc"), *flags_of("cortex-m0").split(), *strict]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert "expected -DPYLSTM_NO_THREADS" in refused.stderr
    run(*command, "-DPYLSTM_NO_THREADS", cwd=tmp_path)
    assert "atomic" not in run(*cross("nm"), "-u", tmp_path / "model.o")


@pytest.mark.slow
@pytest.mark.law_one_writer
def test_interrupts_in_a_build_without_threads(tmp_path: Path) -> None:
    """The handler gets PYLSTM_BUSY in the middle of a push, and whole counts at any moment."""
    make(SOURCE, f"BUILD={tmp_path}", "SMALL=1", "THREADS=0", f"CFLAGS={FLAGS['plain']}", "static")
    told = run(*tool("nm"), "-u", tmp_path / "libpylstm.a")
    assert not re.search(r"atomic|pthread", told)
    program = tmp_path / "interrupts"
    strict = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE}"]
    library = tmp_path / "libpylstm.a"
    run(*tool("cc", "CC"), *strict, "-o", program, HERE / "interrupts.c", library, "-lm")
    assert run(program, KEYWORDS) == "handled: 0 refused wrongly, 0 torn\n"


@pytest.mark.slow
def test_messages_are_those_that_printf_would_write(tmp_path: Path) -> None:
    program = tmp_path / "formatted_text"
    strict = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE}"]
    command = [*tool("cc", "CC"), *strict, "-o", program, HERE / "formatted_text.c"]
    run(*command, static_core("plain"), "-lm", "-pthread")
    count = re.fullmatch(r"(\d+) texts\n", run(program, LC_ALL="C"))
    assert count
    assert int(count[1]) > 1_000_000


def test_formats_are_those_that_the_core_can_write() -> None:
    """No printf, none of its conversions but those of formatted_text.h, no PRIu64."""
    known = re.compile(r"%(?:[%cg]|(?:\.\d+|\.\*)?s|\.\d+g|l?l?[du]|zu|(?:\d\d)?X)")
    checked = 0
    for path in sources.core():
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(r"\bv?sn?printf\b|\bPRI[a-zA-Z]\d|<inttypes\.h>|<stdio\.h>", text), (
            path
        )
        for call in re.findall(r"pylstm_(?:fail|format)\((.*?)\);", text, re.DOTALL):
            for literal in re.findall(r'"((?:[^"\\]|\\.)*)"', call):
                assert "%" not in known.sub("", literal), (path, literal)
                checked += len(known.findall(literal))
    assert checked > 100
