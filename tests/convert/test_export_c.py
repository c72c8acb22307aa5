"""`pylstm export --c`: the model as C source is the model."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import pylstm
from pylstm.cli import app
from pylstm.convert import c_name, to_c
from tests.core_builds import SOURCE, compiler, run, static_core, tool
from tests.signals import audio
from tests.small_models import NOTES, small_model, with_notes

STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{SOURCE}"]

PROGRAM = """
#include "{header}"
#include <stdio.h>

static _Alignas(PYLSTM_ALIGNMENT) unsigned char memory[{NAME}_STREAM_SIZE];
static float pcm[16000], rows[200 * {NAME}_N_OUTPUTS];

int main(void) {{
    pylstm_error why;
    const pylstm_model *model = {name}_model(&why);
    pylstm_stream *stream;
    size_t n = fread(pcm, sizeof *pcm, 16000, stdin), written;
    if (!model || model != {name}_model(NULL) || pylstm_model_n_outputs(model) != {NAME}_N_OUTPUTS)
        return 1;
    if (pylstm_model_sample_rate(model) != {NAME}_SAMPLE_RATE)
        return 2;
    if (pylstm_model_hop_length(model) != {NAME}_HOP_LENGTH)
        return 2;
    if (pylstm_stream_size(model) != sizeof memory || pylstm_batch_size(model) != {NAME}_BATCH_SIZE)
        return 3;
    if (pylstm_stream_size_for_batch(model) != {NAME}_STREAM_SIZE_FOR_BATCH)
        return 3;
#ifdef {NAME}_LISTENER_SIZE
    size_t needed;
    pylstm_decision *decision;
    if (pylstm_decision_size(model, NULL, 0, &needed, NULL) || needed != {NAME}_DECISION_SIZE)
        return 6;
    if (pylstm_decision_create(model, NULL, 0, &decision, NULL))
        return 7;
    if (pylstm_listener_size(decision) != {NAME}_LISTENER_SIZE)
        return 8;
    if (pylstm_listener_size_for_batch(decision) != {NAME}_LISTENER_SIZE_FOR_BATCH)
        return 8;
    pylstm_decision_destroy(decision);
#endif
    if (pylstm_stream_init(memory, sizeof memory, model, &stream))
        return 4;
    if (pylstm_stream_push(stream, PYLSTM_FLOAT32, pcm, n, sizeof *pcm, rows, 200, &written))
        return 5;
    return fwrite(rows, sizeof *rows * {NAME}_N_OUTPUTS, written, stdout) != written;
}}
"""


@pytest.fixture
def library() -> Path:
    return static_core("plain")


def rows_of_c(folder: Path, name: str, library: Path, pcm: np.ndarray) -> bytes:
    """What a program with the exported model gives for a second of sound."""
    text = PROGRAM.format(name=name, NAME=name.upper(), header="model.h")
    (folder / "program.c").write_text(text)
    sources = [folder / "model.c", folder / "program.c"]
    command = [*compiler(), *STRICT, "-o", folder / "program", *sources, library, "-lm", "-pthread"]
    run(*command)
    ran = subprocess.run([folder / "program"], input=pcm.tobytes(), capture_output=True)
    assert ran.returncode == 0
    return ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "int8", "bf16"])
def test_the_bits_of_python(precision: str, library: Path, tmp_path: Path) -> None:
    model = with_notes(small_model(), NOTES)
    if precision != "float32":
        model = model.quantize(precision)
    source, header = to_c(model, "tiny_model2", "model.h")
    (tmp_path / "model.c").write_text(source)
    (tmp_path / "model.h").write_text(header)
    pcm = audio(1)
    rows = np.frombuffer(rows_of_c(tmp_path, "tiny_model2", library, pcm), "f4").reshape(-1, 3)
    np.testing.assert_array_equal(rows, model.stream().push(pcm))


@pytest.mark.slow
def test_the_command(library: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["export", "keywords", "--c", str(tmp_path / "model.c")])
    assert told.exit_code == 0, told.output
    pcm = audio(1)
    rows = np.frombuffer(rows_of_c(tmp_path, "keywords", library, pcm), "f4").reshape(-1, 12)
    np.testing.assert_array_equal(rows, pylstm.load("keywords").stream().push(pcm))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["keywords"], "neither --c nor --onnx is given; expected one"),
        (["keywords", "--c", "model.c", "--onnx", "model.onnx"], "are both given; expected one"),
        (["keywords", "--c", "model.txt"], "ends in .c"),
        (["keywords", "--c", ".c"], "ends in .c"),
        (["keywords", "--c", "model.c", "--name", "2nd"], "name is '2nd'"),
        (["keywords", "--c", "model.c", "--name", "pylstm_x"], "taken"),
        (["keywords", "--c", 'a"b.c'], "header"),
        (["nothing", "--c", "model.c"], "nothing"),
        (["keywords", "--c", "no/such/folder/model.c"], "cannot write"),
    ],
)
def test_what_the_command_refuses(
    arguments: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app, ["export", *arguments])
    assert told.exit_code in (1, 2)
    assert complaint in told.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.law_saves_are_whole
def test_a_header_that_cannot_be_written_leaves_the_source_as_it_was(tmp_path: Path) -> None:
    source, header = tmp_path / "model.c", tmp_path / "model.h"
    header.mkdir()
    for before in (None, "an older export"):
        if before is not None:
            source.write_text(before)
        told = CliRunner().invoke(app, ["export", "keywords", "--c", str(source)])
        assert told.exit_code == 1
        assert f"cannot write {header}: Is a directory; neither" in " ".join(told.output.split())
        assert (source.read_text() if source.exists() else None) == before
        assert {path.name for path in tmp_path.iterdir()} <= {"model.c", "model.h"}


@pytest.mark.parametrize("name", ["a", "x1_y2", "keywords", "A" * 40])
def test_names_that_c_takes(name: str) -> None:
    model = pylstm.Model(None, [pylstm.Dense(2, 1, seed=0)])
    assert f"{name}_model(" in to_c(model, name).source


@pytest.mark.parametrize(
    "name",
    ["", "_a", "1a", "a-b", "a b", "ä", "a__b", "int", "class", "pylstm", "PYLSTMx", "a" * 41],
)
def test_names_that_it_does_not(name: str) -> None:
    model = pylstm.Model(None, [pylstm.Dense(2, 1, seed=0)])
    with pytest.raises(ValueError, match="name"):
        to_c(model, name)
    assert to_c(model, c_name(name))  # but one like it


def test_types() -> None:
    model = pylstm.Model(None, [pylstm.Dense(2, 1, seed=0)])
    with pytest.raises(TypeError, match=r"pylstm\.Model"):
        to_c(model.to_bytes(), "a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="str"):
        to_c(model, 3)  # type: ignore[arg-type]
    for header in ("", "a\nb.h", 'a".h', "a\\.h", "ä.h"):
        with pytest.raises(ValueError, match="header"):
            to_c(model, "a", header)


def test_labels_that_would_end_a_comment(tmp_path: Path) -> None:
    layers = [pylstm.Dense(2, 2, seed=0)]
    labels = ["*/ int x = \\", "/* \u2028\n#error ??/"]
    notes = {"note": "*//*/ \n#error", "long": "x" * 3000}
    model = pylstm.Model(None, layers, labels, notes)
    source, header = to_c(model, "odd")
    (tmp_path / "odd.c").write_text(source)
    (tmp_path / "odd.h").write_text(header)
    run(*compiler(), *STRICT, "-c", "-o", tmp_path / "odd.o", tmp_path / "odd.c")
    (tmp_path / "odd.cpp").write_text('#include "odd.h"\n')
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE}", "-fsyntax-only"]
    run(*tool("c++", "CXX"), *flags, tmp_path / "odd.cpp")
    assert max(map(len, source.splitlines() + header.splitlines())) <= 100
    assert source.isascii()
    assert header.isascii()


def test_words_on_a_machine_of_the_other_byte_order(tmp_path: Path) -> None:
    """The swap that such a compiler would see, undone by this one."""
    model = small_model()
    source = to_c(model, "other").source
    macro = re.search(r"#define BYTE.*?\n(?=#else)", source, re.DOTALL)
    assert macro
    words = re.findall(r"W\(0x([0-9a-f]{16})\)", source)
    data = b"".join(bytes.fromhex(word)[::-1] for word in words)
    assert data[: len(model.to_bytes())] == model.to_bytes()
    assert set(data[len(model.to_bytes()) :]) <= {0}
    program = f"""
        #include <stdint.h>
        {macro[0]}
        _Static_assert(W(0x0123456789abcdef) == 0xefcdab8967452301, "");
        _Static_assert(W(0xfedcba9876543210) == 0x1032547698badcfe, "");
        _Static_assert(W(0x0000000000000898) == 0x9808000000000000, ""); /* an int */
    """
    (tmp_path / "swap.c").write_text(program)
    run(*compiler(), "-std=c11", "-fsyntax-only", tmp_path / "swap.c")


def test_a_model_of_another_version_is_refused(tmp_path: Path) -> None:
    source, header = to_c(small_model(), "old")
    other = re.sub(r"(PYLSTM_VERSION_NUMBER / 100 != )\d+", r"\g<1>9", header)
    (tmp_path / "old.c").write_text(source)
    (tmp_path / "old.h").write_text(other)
    command = [*compiler(), *STRICT, "-fsyntax-only", str(tmp_path / "old.c")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode != 0
    assert "export it again" in ran.stderr


def test_the_header_of_the_library_is_not_replaced() -> None:
    with pytest.raises(ValueError, match="which is the library's"):
        to_c(pylstm.load("vad"), "words", "pylstm.h")
