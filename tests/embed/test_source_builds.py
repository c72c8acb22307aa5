"""The core in somebody else's build: as docs/embedding.md says, and as one file."""

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
from tests.core_builds import NOT_RUN_HERE, ROOT, SOURCE, compiler, run, tool
from tests.embed.c_programs import KEYWORDS, MODELS
from tools import amalgamate, sources

pytestmark = [pytest.mark.slow, pytest.mark.builds]

EXAMPLE = ROOT / "examples" / "embed_c"
STRICT = ["-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-c", "pylstm.c"]
PAGE = (ROOT / "docs" / "embedding.md").read_text()
IN_CPP = """
#include "pylstm.h"
#include <cstdio>
int main() { return std::puts(pylstm_version()) < 0 || !pylstm_isa(nullptr); }
"""


def commands(title: str) -> list[list[str]]:
    """The commands of a section of docs/embedding.md, block by block."""
    (section,) = re.findall(rf"^## {title}\n(.*?)^## ", PAGE, flags=re.DOTALL | re.MULTILINE)
    return [
        block.split("\n")[1:-1] for block in re.findall(r"```(.*?)```", section, flags=re.DOTALL)
    ]


def shell(command: str, folder: Path) -> None:
    done = subprocess.run(["sh", "-ec", command], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `pylstm.c` and `pylstm.h` alone, as `make amalgamation` writes them."""
    folder = tmp_path_factory.mktemp("amalgamation")
    run(*tool("make"), "-s", "-C", SOURCE, "amalgamation", f"BUILD={folder}", "PYTHON=python3")
    assert sorted(path.name for path in folder.iterdir()) == ["pylstm.c", "pylstm.h"]
    return folder


@pytest.fixture(scope="module")
def strict_object(one_file: Path) -> Path:
    """That file as the page's command makes it, without a warning."""
    tool("cc")
    command = commands("The sources in your own build")[1][0]
    assert " -c " in command
    shell(command.replace(" -c ", f" -Wall -Wextra -Werror {NOT_RUN_HERE} -c "), one_file)
    return one_file / "pylstm.o"


def same_bits(program: Path, folder: Path, isa: str) -> None:
    """A build of the C example gives what Python gives on the bundled recording."""
    rows = folder / "rows.f32"
    run(program, KEYWORDS, MODELS / "demo.wav", rows, PYLSTM_ISA=isa)
    model = pylstm.load("keywords")
    assert model.isa == isa
    pcm, _ = soundfile.read(MODELS / "demo.wav", dtype="int16")
    in_c = np.fromfile(rows, "f4").reshape(-1, model.n_outputs)
    np.testing.assert_array_equal(in_c, model.run(pcm))


def test_one_file_gives_the_bits_of_the_library(
    strict_object: Path, isa: str, tmp_path: Path
) -> None:
    include = ["-std=c11", f"-I{strict_object.parent}", f"-I{EXAMPLE}"]
    source = [EXAMPLE / "listen.c", strict_object, "-lm", "-pthread"]
    run(*compiler(), *include, "-o", tmp_path / "listen", *source)
    same_bits(tmp_path / "listen", tmp_path, isa)


def test_another_compiler_takes_one_file(one_file: Path, tmp_path: Path) -> None:
    """clang, or what ANOTHER_CC names: warnings of its own, all off."""
    other = tool("clang", "ANOTHER_CC")
    shutil.copytree(one_file, tmp_path, dirs_exist_ok=True)
    run(*other, *STRICT, cwd=tmp_path)


@pytest.mark.parametrize("macro", ["PYLSTM_FLOAT_ONLY", "PYLSTM_NO_AVX512", "PYLSTM_NO_THREADS"])
def test_one_file_can_leave_things_out(one_file: Path, macro: str) -> None:
    run(*compiler(), f"-D{macro}", "-fsyntax-only", *STRICT, cwd=one_file)


def test_one_file_compiles_unoptimised_without_warnings(one_file: Path, tmp_path: Path) -> None:
    left_out = NOT_RUN_HERE.split()
    run(*compiler(), "-O0", *STRICT[1:], *left_out, "-o", tmp_path / "plain.o", cwd=one_file)


def test_every_file_is_in_it_once(one_file: Path) -> None:
    text = (one_file / "pylstm.c").read_text()
    files = [path.relative_to(SOURCE).as_posix() for path in sources.core()]
    assert [name for name in files if text.count(f"/* --- {name} */") != 1] == []
    assert not re.search(r'#\s*include "(?!pylstm\.h")', text)


def test_names_that_two_files_use_are_told_apart() -> None:
    """Functions, types and values get an ending; members, strings and comments do not."""
    text = (
        "struct pair { lane lane; lane (*run)(lane run); };\n"
        "#define TWICE(x) run(x, x)\n"
        "static lane run(lane x) "
        '{ /* run */ return rerun(x.run, "run", p->lane, (lane){.run = x}); }'
    )
    assert amalgamate._renamed(text, {"lane", "run"}, "_a") == (
        "struct pair { lane_a lane; lane_a (*run)(lane_a run); };\n"
        "#define TWICE(x) run_a(x, x)\n"
        "static lane_a run_a(lane_a x) "
        '{ /* run */ return rerun(x.run, "run", p->lane, (lane_a){.run = x}); }'
    )
    kinds = (
        "typedef int lane; enum side { LEFT, RIGHT }; static int run(void) { int x; } int at[2];"
    )
    assert amalgamate._own_names(kinds) == {"lane", "side", "LEFT", "RIGHT", "run", "at"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C example, made by the page's command where src/ lies beside app.c."""
    tool("cc")
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(SOURCE, folder / "src", ignore=shutil.ignore_patterns("build"))
    for name, target in (("wav.h", "wav.h"), ("listen.c", "app.c")):
        shutil.copy(EXAMPLE / name, folder / target)
    ((command,), _) = commands("The sources in your own build")
    assert "-ffp-contract=off" in command
    shell(command.replace("-ffp-contract=off", f"-ffp-contract=off {NOT_RUN_HERE}"), folder)
    return folder / "app"


def test_the_page_says_how_to_compile_the_sources(app: Path, isa: str, tmp_path: Path) -> None:
    same_bits(app, tmp_path, isa)


def test_the_page_says_how_to_use_one_file(strict_object: Path, tmp_path: Path) -> None:
    tool("c++")
    shutil.copytree(strict_object.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "app.cpp").write_text(IN_CPP)
    _, command = commands("The sources in your own build")[1]
    shell(command, tmp_path)
    assert run(tmp_path / "app").strip() == pylstm.__version__


def test_files_of_one_name_in_two_rooms_are_two(tmp_path: Path) -> None:
    """The archive keeps both, and so does the shared library."""
    for path in ("src/Makefile", "src/pylstm.h"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    for room in ("engine", "layers"):
        (tmp_path / "src" / room).mkdir()
        (tmp_path / "src" / room / "same.c").write_text(f"int pylstm_{room} = 1;\n")
    words = [*tool("make"), "-s", "-C", tmp_path / "src", f"CC={' '.join(compiler())}", "static"]
    run(*words, f"BUILD={tmp_path / 'b'}", f"-j{os.cpu_count()}")
    told = run(*tool("nm"), "-g", "--defined-only", tmp_path / "b" / "libpylstm.a")
    assert sorted(re.findall(r"\bpylstm_\w+", told)) == ["pylstm_engine", "pylstm_layers"]
