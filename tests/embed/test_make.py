"""The Makefile of the C core: flags, file names, what is compiled anew, what is removed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.core_builds import ROOT, SOURCE, compiler, run, tool

# What a shell, make or a compiler may take for something else; the second ones make cannot have in
# a target, and says so.
NAMES = ["a b", "it's", 'a"b', "a$b", "a#b", "(a) & b", "ä ö 日本", "a  b", "-a=b,c", "{a}<b>!@`"]
REFUSED = ["a:b", "a%b", "a;b", "a|b", "a*b", "a?b", "a[b]", "a\\b", "~a"]


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`make -C folder ...`; variables of these tests' own make stay out."""
    settings = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "CC")}
    return subprocess.run(
        [*tool("make"), "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        env={**settings, **environment},
    )


def made(folder: Path, *arguments: str, **environment: str) -> str:
    """What a make prints that succeeds."""
    done = make(folder, *arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def core_of_two_files(folder: Path) -> Path:
    """A core of two small files with the real Makefile: it is about names and flags."""
    source = folder / "src"
    for room in ("engine", "layers", "bulk"):
        (source / room).mkdir(parents=True)
        (source / room / f"{room}_file.c").write_text(
            f'#include "{room}/{room}_file.h"\nint pylstm_{room} = 1;\n'
        )
        (source / room / f"{room}_file.h").write_text(f"extern int pylstm_{room};\n")
    for name in ("Makefile", "pylstm.h"):
        shutil.copy(SOURCE / name, source)
    return source


def names_in(archive: Path) -> list[str]:
    told = run(*tool("nm"), "-g", "--defined-only", archive)
    return sorted(re.findall(r"\bpylstm_\w+", told))


def in_make(text: str) -> str:
    """A text as the value of a variable on make's command line."""
    return text.replace("$", "$$")


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_of_the_clone_of_build_and_of_prefix(name: str, tmp_path: Path) -> None:
    source = core_of_two_files(tmp_path / name)
    made(source)
    assert names_in(source / "build" / "libpylstm.a") == ["pylstm_engine", "pylstm_layers"]
    build, prefix, staged = (tmp_path / f"{kind} {name}" for kind in ("build", "prefix", "staged"))
    variables = [f"BUILD={in_make(str(build))}", f"PREFIX={in_make(str(prefix))}"]
    made(source, "install", *variables)
    assert {str(p.relative_to(prefix)) for p in prefix.rglob("*.[ahp]*")} == {
        "include/pylstm.h",
        "lib/libpylstm.a",
        "lib/pkgconfig/pylstm.pc",
    }
    made(source, "install", *variables, f"DESTDIR={in_make(str(staged))}")
    assert (staged / prefix.relative_to("/") / "lib" / "libpylstm.so").exists()
    assert " -c -o " not in made(source, *variables), "nothing has changed"
    made(source, *variables, "clean")
    assert not build.exists()
    away = tmp_path / "elsewhere"
    away.mkdir()
    run(*tool("make"), "-s", "-f", source / "Makefile", "static", cwd=away)
    assert names_in(away / "build" / "libpylstm.a") == ["pylstm_engine", "pylstm_layers"]


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_make_cannot_have(name: str, tmp_path: Path) -> None:
    """In BUILD they are refused; the clone's own may be anything, because make runs inside it."""
    source = core_of_two_files(tmp_path / name)
    made(source)
    done = make(source, f"BUILD={name}")
    assert done.returncode == 2
    letter = next(c for c in name if c in ":%;|*?[\\~")
    assert f"BUILD is '{name}'; expected a name without {letter}" in done.stderr
    assert not (source / name).exists()


def test_values_that_mean_nothing() -> None:
    for setting, message in (
        ("SMALL=yes", "SMALL is 'yes'; expected 0 or 1"),
        ("THREADS=", "THREADS is ''; expected 0 or 1"),
        ("INT8=off", "INT8 is 'off'; expected 0 or 1"),
        ("BUILD=", "BUILD is empty; expected a folder, for example BUILD=build"),
        ("BUILD= ", "BUILD is empty; expected a folder, for example BUILD=build"),
    ):
        done = make(SOURCE, "-n", setting)
        assert done.returncode == 2
        assert message in done.stderr


# --- flags ---------------------------------------------------------------------------------------

GIVEN = [
    ({"CFLAGS": "-g"}, ["-O3", "-g"], ["-O3", "-g"]),
    ({"CFLAGS": "-O0 -g"}, ["-O3", "-O0"], ["-O3", "-O0"]),
    ({"CFLAGS": "-g3", "CPPFLAGS": "-DNOTE=1"}, ["-O3", "-DNOTE=1", "-g3"], ["-O3", "-g3"]),
    ({"LDFLAGS": "-Wl,-z,now"}, ["-O3"], ["-Wl,-z,now"]),
    ({"CC": "ccache gcc -m64"}, ["ccache gcc -m64 ", "-O3"], ["ccache gcc -m64 "]),
    ({"OPTIMISE": "-O2"}, ["-O2"], ["-O2"]),
]


@pytest.mark.parametrize("environment", [False, True])
@pytest.mark.parametrize(("given", "compiles", "links"), GIVEN)
def test_flags_stand_beside(
    given: dict[str, str], compiles: list[str], links: list[str], environment: bool
) -> None:
    """From the command line or the environment; what results depend on stands behind them."""
    words = [] if environment else [f"{name}={value}" for name, value in given.items()]
    told = made(SOURCE, "-n", "BUILD=b", *words, **(given if environment else {}))
    compiled = [line for line in told.splitlines() if " -c -o " in line]
    (linked,) = re.findall(r"^.* -shared .*\n.*$", told, re.MULTILINE)
    assert len(compiled) > 50
    for line, expected in [*((line, compiles) for line in compiled), (linked, links)]:
        places = [line.index(word) for word in expected]
        assert places == sorted(places)
    for line in compiled:
        assert line.index("-ffp-contract=off") > line.index(compiles[-1])
        assert "-std=c11" in line


def test_archiver_with_arguments(tmp_path: Path) -> None:
    source = core_of_two_files(tmp_path)
    for told in (made(source, "-n", "AR=zig ar"), made(source, "-n", AR="zig ar")):
        assert "&& zig ar qcs ../../libpylstm.a" in told


@pytest.mark.parametrize("name", ["embed_c", "embed_cpp"])
def test_flags_stand_beside_in_the_examples(name: str) -> None:
    """There, too, and they reach the core."""
    told = made(ROOT / "examples" / name, "-n", "BUILD=b", "CFLAGS=-g")
    lines = [line for line in told.splitlines() if line.startswith(("cc ", "c++ "))]
    assert len(lines) > 20
    assert all("-O3" in line and " -g " in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("flags", ["-ffast-math", "-Ofast -g0", "-O1 -funsafe-math-optimizations"])
def test_flags_that_change_results_do_not(flags: str, tmp_path: Path) -> None:
    """One kernel's text: the compiler's own account of what it may do."""
    asked = "--eval=ask:;@echo $(COMPILE)"
    words = made(SOURCE, "-s", asked, "ask", f"CFLAGS={flags}").split()
    options = [word for word in words[1:] if word.startswith(("-O", "-f", "-std"))]
    query = [*compiler(), *options, "-Q", "--help=optimizers"]
    plain = [*compiler(), "-std=c11", "-O3", "-ffp-contract=off", "-Q", "--help=optimizers"]
    if "Free Software" not in run(*compiler(), "--version"):
        pytest.skip("the compiler does not say what it may do; gcc does")
    names = "unsafe-math|finite-math|associative|reciprocal|signed-zeros|fp-contract"
    wanted = rf"(-f(?:{names})\S*)\s+(\S+)"
    assert re.findall(wanted, run(*query)) == re.findall(wanted, run(*plain))
    assert len(re.findall(wanted, run(*plain))) > 4


def test_the_sources_refuse_fast_math_elsewhere(tmp_path: Path) -> None:
    command = [
        *compiler(),
        "-std=c11",
        f"-I{SOURCE}",
        "-fsyntax-only",
        SOURCE / "engine/pipeline.c",
    ]
    run(*command)
    for flag in ("-ffast-math", "-Ofast", "-ffinite-math-only"):
        refused = subprocess.run([*command, flag], capture_output=True, text=True)
        assert refused.returncode != 0
        assert "expected no -ffast-math, -Ofast" in refused.stderr


# --- anew, and away ------------------------------------------------------------------------------


def test_what_has_changed_is_compiled_anew(tmp_path: Path) -> None:
    source = core_of_two_files(tmp_path)

    def compiled(*arguments: str, **environment: str) -> int:
        told = made(source, "static", *arguments, **environment)
        return sum(" -c -o " in line for line in told.splitlines())

    assert compiled() == 2
    assert compiled() == 0
    (source / "engine" / "engine_file.c").touch()
    assert compiled() == 1
    (source / "layers" / "layers_file.h").touch()
    assert compiled() == 2
    assert compiled("CFLAGS=-g") == 2
    assert compiled("CFLAGS=-g") == 0
    assert compiled(CFLAGS="-g") == 0
    assert compiled("CPPFLAGS=-DX='\"a b\"'") == 2
    assert compiled("THREADS=0") == 2
    assert compiled("SMALL=1") == 2
    assert compiled("SMALL=1", "INT8=0") == 2
    assert compiled() == 2
    (source / "engine" / "engine_file.c").unlink()
    made(source, "static")
    assert names_in(source / "build" / "libpylstm.a") == ["pylstm_layers"]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    source = core_of_two_files(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for target in ("all", "static", "shared", "install", "clean"):
        made(source, "-n", target, f"PREFIX={tmp_path / 'p'}")
    assert sorted(tmp_path.rglob("*")) == before


def test_many_jobs(tmp_path: Path) -> None:
    source = core_of_two_files(tmp_path)
    made(source, "-j8", "install", f"DESTDIR={tmp_path / 'd'}", "PREFIX=/usr")
    assert (tmp_path / "d/usr/lib/libpylstm.so").exists()


@pytest.mark.parametrize("build", [".", "..", "engine", "kept"])
def test_clean_removes_what_was_made_and_nothing_else(build: str, tmp_path: Path) -> None:
    source = core_of_two_files(tmp_path)
    (source / "kept").mkdir()
    for name in ("static", "mine.txt"):
        (source / build / name).write_text("mine")
    before = set(tmp_path.rglob("*"))
    made(source, f"BUILD={build}")
    assert set(tmp_path.rglob("*")) > before
    for _ in range(2):
        made(source, f"BUILD={build}", "clean")
        assert set(tmp_path.rglob("*")) == before
