"""The core as a library for C: what it promises programs, every call of it, its size."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pylstm
from tests import c_signatures as signatures
from tests import shared_builds
from tests.core_builds import (
    FLAGS,
    ROOT,
    SOURCE,
    compiler,
    installed_core,
    make,
    run,
    static_core,
    tool,
)
from tests.embed.c_programs import build_api_test, save_models, valgrind
from tests.small_models import NOTES
from tools import c_api

HEADER = (SOURCE / "pylstm.h").read_text()
RECORDED = (ROOT / "tests" / "embed" / "c" / "signatures.txt").read_text().splitlines()
FUNCTIONS = sorted(re.findall(r"\b(pylstm_\w+)\(", "\n".join(signatures.declarations(HEADER))))
LAWS = r"\d{5,} laws hold on \w+\n"
# Bytes of code, the promise for a model of float32 LSTM and dense layers.
SMALLEST = 150_000
SMALLEST_OPTIONS = ("SMALL=1", "INT8=0", "KINDS=lstm dense")


@pytest.fixture
def installed() -> Path:
    """Where `make -C src install` has put it."""
    return installed_core()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of a small build."""
    folder = tmp_path_factory.mktemp("small")
    make(SOURCE, f"BUILD={folder}", "SMALL=1", "static")
    return folder / "libpylstm.a"


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models that the programs in tests/embed/c ask for."""
    folder = tmp_path_factory.mktemp("models")
    save_models(folder)
    return folder


# --- what programs rely on -----------------------------------------------------------------------


def test_declarations_are_added_but_never_changed() -> None:
    facts = signatures.declarations(HEADER)
    recorded = [line for line in RECORDED if "-bit " not in line]
    assert len(recorded) > 50
    assert sorted(set(recorded) - set(facts)) == []


def test_layouts_are_those_that_programs_were_compiled_with() -> None:
    facts = signatures.layouts(compiler(), HEADER)
    if not facts[0].startswith("64-bit"):
        pytest.skip("written down are layouts with 64-bit pointers: such a machine runs this")
    recorded = [line for line in RECORDED if "-bit " in line]
    assert len(recorded) > 10
    assert sorted(set(recorded) - set(facts)) == []


def test_additions_are_accepted_and_changes_are_not() -> None:
    more = HEADER.replace("#ifdef __cplusplus\n}", signatures.ADDED + "#ifdef __cplusplus\n}")
    before, after = (set(signatures.declarations(text)) for text in (HEADER, more))
    assert after - before == {
        "#define PYLSTM_EXTRAS (2 * 8)",
        "enum pylstm_colour PYLSTM_RED = 1",
        "enum pylstm_colour PYLSTM_BLUE = 4",
        "const pylstm_extra *pylstm_extra_of(pylstm_model *const *from, uint8_t in[4]);",
    }
    assert before < after
    for old, new in (
        ("const pylstm_model *model, int output)", "const pylstm_model *model)"),
        ("PYLSTM_BUSY = 7", "PYLSTM_BUSY = 8"),
        ("typedef struct pylstm_stream pylstm_stream;", ""),
    ):
        assert old in HEADER
        changed = signatures.declarations(HEADER.replace(old, new))
        assert not before <= set(changed), old


def test_what_the_generator_cannot_read_is_refused() -> None:
    for form in ("extern int pylstm_x;", "typedef struct pylstm_x { int a, b; } pylstm_x;"):
        with pytest.raises(ValueError, match=r"the declaration is '(extern|typedef).* expected"):
            c_api.parse(form)


def test_the_header_says_the_version_of_the_package() -> None:
    numbers = re.findall(r"^#define PYLSTM_VERSION_M?[A-Z]+ (\d+)$", HEADER, re.MULTILINE)
    assert ".".join(numbers) == pylstm.__version__
    assert (Path(pylstm.get_include()) / "pylstm.h").is_file()


@pytest.mark.parametrize("language", [["-xc", "-std=c99"], ["-xc", "-std=c11"], ["-xc++"]])
def test_the_header_stands_alone(language: list[str], tmp_path: Path) -> None:
    cc = tool("g++", "CXX") if language == ["-xc++"] else compiler()
    source = tmp_path / "only.c"
    source.write_text('#include "pylstm.h"\n#include "pylstm.h"\n')
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    run(*cc, *language, *strict, f"-I{SOURCE}", source)


# --- every call, every refusal -------------------------------------------------------------------


def test_the_c_program_names_every_function() -> None:
    text = "".join(path.read_text() for path in (ROOT / "tests" / "embed" / "c").glob("*.c"))
    assert [name for name in FUNCTIONS if f"{name}(" not in text] == []


@pytest.mark.law_chunk
@pytest.mark.law_one_writer
@pytest.mark.slow
def test_every_call_and_every_refusal(installed: Path, files: Path, tmp_path: Path) -> None:
    program = build_api_test(tmp_path / "api", installed / "lib" / "libpylstm.a")
    for isa in pylstm.show_config()["isa"]["supported"]:
        assert re.fullmatch(LAWS, run(program, files, PYLSTM_ISA=isa))


@pytest.mark.law_one_writer
@pytest.mark.slow
@pytest.mark.builds
def test_every_call_where_64_bits_are_two_words(files: Path, tmp_path: Path) -> None:
    """Counts that other threads read are kept in halves, as on 32-bit processors."""
    left_out = ["-DPYLSTM_NO_ATOMIC_64", "-DPYLSTM_NO_INT8"]
    flags = f"CPPFLAGS={left_out[0]}"
    make(SOURCE, f"BUILD={tmp_path}", *SMALLEST_OPTIONS, "CFLAGS=-Wall -Werror", flags, "static")
    left_out.append("-DPYLSTM_NO_BFLOAT16")
    program = build_api_test(tmp_path / "api", tmp_path / "libpylstm.a", *left_out)
    assert re.fullmatch(LAWS, run(program, files))


@pytest.mark.slow
@pytest.mark.builds
def test_every_call_under_valgrind(installed: Path, files: Path, tmp_path: Path) -> None:
    tool("valgrind")
    program = build_api_test(tmp_path / "api", installed / "lib" / "libpylstm.a", "-g")
    assert re.fullmatch(LAWS, valgrind(program, files))


@pytest.mark.slow
@pytest.mark.builds
def test_every_call_under_sanitizers(files: Path, tmp_path: Path) -> None:
    library = static_core("sanitized")
    program = build_api_test(tmp_path / "api", library, *FLAGS["sanitized"].split())
    for isa in {"scalar", pylstm.show_config()["isa"]["supported"][0]}:
        assert re.fullmatch(LAWS, run(program, files, PYLSTM_ISA=isa))


@pytest.mark.law_one_writer
@pytest.mark.slow
@pytest.mark.builds
def test_every_call_under_thread_sanitizer(files: Path, tmp_path: Path) -> None:
    """Without the forks, after which it cannot follow threads."""
    library = static_core("threads")
    program = build_api_test(tmp_path / "api", library, *FLAGS["threads"].split())
    assert re.fullmatch(LAWS, run(program, files))


@pytest.mark.slow
@pytest.mark.builds
def test_every_call_of_a_small_build(small: Path, files: Path, tmp_path: Path) -> None:
    program = build_api_test(tmp_path / "api", small, "-DPYLSTM_NO_BFLOAT16")
    for isa in ("scalar", "avx2", "neon"):
        if isa in pylstm.show_config()["isa"]["supported"]:
            assert re.fullmatch(LAWS, run(program, files, PYLSTM_ISA=isa))


def test_memory_does_not_depend_on_the_kernels(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `pylstm export` measures here is enough on every machine."""
    for path in sorted(files.glob("*.safetensors")):
        if path.stem.startswith("decision_"):  # such a decision is refused
            continue
        sizes = set()
        for isa in pylstm.show_config()["isa"]["supported"]:
            monkeypatch.setenv("PYLSTM_ISA", isa)
            sizes.add(pylstm._engine.memory_of(path.read_bytes()))
        assert len(sizes) == 1


# --- size ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.builds
def test_a_small_build_is_small(tmp_path: Path) -> None:
    """Scalar kernels and one set of vector kernels, one precision: text and read-only data."""
    make(SOURCE, f"BUILD={tmp_path}", *SMALLEST_OPTIONS, "static")
    told = run(*tool("size"), "-t", tmp_path / "libpylstm.a").splitlines()
    assert int(told[-1].split()[0]) <= SMALLEST, told[-1]


# --- installed -----------------------------------------------------------------------------------


def program_text() -> str:
    return """
        #include <pylstm.h>
        #include <stdio.h>
        int main(void) { return puts(pylstm_version()) < 0 || !pylstm_isa(NULL); }
    """


@pytest.mark.slow
def test_pkg_config_says_how_to_compile_and_link(installed: Path, tmp_path: Path) -> None:
    finder = tool("pkg-config")
    folder = {"PKG_CONFIG_PATH": str(installed / "lib" / "pkgconfig")}
    source = tmp_path / "program.c"
    source.write_text(program_text())
    assert run(*finder, "--modversion", "pylstm", **folder).strip() == pylstm.__version__
    for static in ([], ["--static"]):
        flags = run(*finder, *static, "--cflags", "--libs", "pylstm", **folder).split()
        last = ["-static"] if static else [f"-Wl,-rpath,{installed}/lib"]
        run(*compiler(), "-std=c11", "-o", tmp_path / "program", source, *flags, *last)
        assert run(tmp_path / "program").strip() == pylstm.__version__


@pytest.mark.slow
@pytest.mark.builds
def test_installed_into_a_package(installed: Path, tmp_path: Path) -> None:
    """DESTDIR goes before, and into no file."""
    with shared_builds.one_builder(installed.parent):
        make(
            SOURCE,
            f"BUILD={installed.parent / 'core'}",
            f"CFLAGS={FLAGS['plain']}",
            f"DESTDIR={tmp_path}",
            "PREFIX=/opt/p",
            "LIBDIR=/opt/p/l",
            "install",
        )
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()}
    shared = f"libpylstm.so.{pylstm.__version__}"
    version = ".".join(pylstm.__version__.split(".")[:2])
    expected = {"libpylstm.a", "libpylstm.so", f"libpylstm.so.{version}", shared}
    assert names == {
        "opt/p/include/pylstm.h",
        "opt/p/l/pkgconfig/pylstm.pc",
        *(f"opt/p/l/{name}" for name in expected),
    }
    text = (tmp_path / "opt/p/l/pkgconfig/pylstm.pc").read_text()
    assert str(tmp_path) not in text
    assert "libdir=/opt/p/l\n" in text


@pytest.mark.slow
def test_the_shared_library_shows_the_public_calls_alone(installed: Path) -> None:
    library = installed / "lib" / "libpylstm.so"
    told = run(*tool("nm"), "-D", "--defined-only", library)
    assert sorted(line.split()[-1] for line in told.splitlines()) == FUNCTIONS


@pytest.mark.slow
def test_the_static_library_takes_no_other_names(installed: Path) -> None:
    told = run(*tool("nm"), "-g", "--defined-only", installed / "lib" / "libpylstm.a")
    names = {line.split()[-1] for line in told.splitlines() if len(line.split()) == 3}
    assert [name for name in names if not name.startswith("pylstm_")] == []


def test_nothing_of_python_is_needed(tmp_path: Path) -> None:
    """What make would run finds everything without a Python."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("make", "sh", "sed", "paste", "echo", "ls"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    dry = [*tool("make"), "-s", "-n", "-C", str(SOURCE), "BUILD=b", "install"]
    ran = subprocess.run(dry, env={"PATH": str(tools)}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "python" not in ran.stdout.lower()
    assert f"-soname,libpylstm.so.{'.'.join(pylstm.__version__.split('.')[:2])} " in ran.stdout


class Why(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 400)]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="for ELF alone: Linux runs this")
def test_ctypes_reaches_the_shared_library(installed: Path, files: Path) -> None:
    core = ctypes.CDLL(str(installed / "lib" / "libpylstm.so"))
    core.pylstm_version.restype = core.pylstm_model_info.restype = ctypes.c_char_p
    assert core.pylstm_version().decode() == pylstm.__version__
    data = (files / "words.safetensors").read_bytes()
    model, stream, why = ctypes.c_void_p(), ctypes.c_void_p(), Why()
    size = ctypes.c_size_t
    create = core.pylstm_model_create
    assert create(b"no", size(2), ctypes.byref(model), ctypes.byref(why)) == 3
    assert why.message.startswith(b"[")
    assert create(data, size(len(data)), ctypes.byref(model), ctypes.byref(why)) == 0
    assert core.pylstm_model_info(model, b"license").decode() == NOTES["license"]
    assert core.pylstm_stream_create(model, ctypes.byref(stream)) == 0
    pcm = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    rows, out = ctypes.c_size_t(), np.empty((128, 3), np.float32)
    pushed = core.pylstm_stream_push(
        stream, 0, ctypes.c_void_p(pcm.ctypes.data), size(pcm.size), ctypes.c_ssize_t(4),
        ctypes.c_void_p(out.ctypes.data), size(128), ctypes.byref(rows),
    )  # fmt: skip
    assert pushed == 0
    expected = pylstm.Model.from_bytes(data).stream().push(pcm)
    np.testing.assert_array_equal(out[: rows.value], expected)
    core.pylstm_stream_destroy(stream)
    core.pylstm_model_destroy(model)
