"""The C core in projects that are built with CMake: each way of getting it, what reaches them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

import pylstm
from tests.core_builds import FEW_KINDS, FLAGS, ROOT, SOURCE, compiler, installed_core, run, tool
from tests.embed.c_programs import KEYWORDS, MODELS
from tools import sources

pytestmark = [pytest.mark.slow, pytest.mark.builds]

LIBRARY = ("CMakeLists.txt", "cmake", "src")
SMALL = "-DPYLSTM_SMALL=ON"
FEW = f"-DPYLSTM_KINDS={';'.join(FEW_KINDS)}"  # compiles in a fraction of the time
# A program in C, which makes the posteriors of a recording, and one in C++.
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(app LANGUAGES {languages})
{before}
add_executable(listen "{example}/listen.c")
target_link_libraries(listen PRIVATE pylstm::pylstm)
add_executable(version version.cpp)
target_link_libraries(version PRIVATE pylstm::pylstm)
"""
IN_CPP = """
#include <pylstm.h>
#include <cstdio>
int main() { return std::puts(pylstm_version()) < 0 || !pylstm_isa(nullptr); }
"""


def cmake(*arguments: object, **environment: str) -> str:
    """What CMake prints; the compilers are those of these tests."""
    tool("c++", "CXX")
    settings = {"CC": " ".join(compiler()), **environment}
    return run(*tool("cmake"), *arguments, **settings)


def build(source: Path, folder: Path, *options: str, **environment: str) -> Path:
    """Configures and builds a project in a folder."""
    cmake("-S", source, "-B", folder, *options, **environment)
    cmake("--build", folder, "--parallel", str(os.cpu_count()))
    return folder


def write_project(folder: Path, before: str, languages: str = "C CXX") -> Path:
    """A project whose programs link with pylstm, which the lines `before` bring in."""
    folder.mkdir(parents=True)
    example = (ROOT / "examples" / "embed_c").as_posix()
    text = PROJECT.format(languages=languages, before=before, example=example)
    (folder / "CMakeLists.txt").write_text(text)
    (folder / "version.cpp").write_text(IN_CPP)
    return folder


def copy_library(folder: Path) -> Path:
    """What a project needs of a clone."""
    folder.mkdir(parents=True)
    for name in LIBRARY:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("build"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def posteriors(program: Path, folder: Path) -> bytes:
    """Those of the bundled recording, by the kernels that are the same everywhere."""
    run(program, KEYWORDS, MODELS / "demo.wav", folder / "rows.f32", PYLSTM_ISA="scalar")
    return (folder / "rows.f32").read_bytes()


@pytest.fixture(scope="module")
def rows_of_make(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a program gives that links with the library that make has built."""
    folder = tmp_path_factory.mktemp("make")
    library = installed_core() / "lib" / "libpylstm.a"
    source = ROOT / "examples" / "embed_c" / "listen.c"
    run(*compiler(), f"-I{SOURCE}", "-o", folder / "listen", source, library, "-lm", "-pthread")
    return posteriors(folder / "listen", folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An archive and a shared library, each installed in a folder of its own, with a space."""
    folders = {}
    for kind, shared in (("static", "OFF"), ("shared", "ON")):
        folder = tmp_path_factory.mktemp(f"cmake {kind}")
        flags = f"-DCMAKE_C_FLAGS={FLAGS['plain'].replace('-O3 ', '')}"
        options = [FEW, flags, f"-DBUILD_SHARED_LIBS={shared}", f"-DPYLSTM_SMALL={shared}"]
        build(ROOT, folder / "build", *options)
        folders[kind] = folder / "the prefix"
        cmake("--install", folder / "build", "--prefix", folders[kind])
    return folders


def test_sources_are_those_of_the_package(tmp_path: Path) -> None:
    """One rule, said in CMake, in make (tests/project compares that) and in Python."""
    cmake("-S", ROOT, "-B", tmp_path, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
    text = (tmp_path / "compile_commands.json").read_text()
    assert set(re.findall(r'"file": "(.*?)"', text)) == {str(path) for path in sources.core()}


def test_version_is_that_of_the_package(tmp_path: Path) -> None:
    cmake("-S", ROOT, "-B", tmp_path)
    cache = (tmp_path / "CMakeCache.txt").read_text()
    assert f"CMAKE_PROJECT_VERSION:STATIC={pylstm.__version__}\n" in cache
    assert "CMAKE_BUILD_TYPE:STRING=Release\n" in cache


@pytest.mark.parametrize("kind", ["static", "shared"])
def test_installed_as_make_installs(installed: dict[str, Path], kind: str) -> None:
    """The same files at the same places, of those that belong to this kind of library."""
    by_make = {str(p.relative_to(installed_core())) for p in installed_core().rglob("*.*")}
    by_cmake = {str(p.relative_to(installed[kind])) for p in installed[kind].rglob("*.*")}
    package = {name for name in by_cmake if name.startswith("lib/cmake/pylstm/")}
    ending = re.compile(r"\.a$" if kind == "static" else r"\.so[.\d]*$")
    library = {name for name in by_make if ending.search(name)}
    assert by_cmake - package == library | {"include/pylstm.h", "lib/pkgconfig/pylstm.pc"}
    assert {name.rpartition("/")[2] for name in package} > {
        "pylstmConfig.cmake",
        "pylstmConfigVersion.cmake",
    }
    texts = [path.read_text() for path in installed[kind].rglob("*.cmake")]
    assert not any(str(ROOT) in text or str(installed[kind]) in text for text in texts)


@pytest.mark.parametrize("kind", ["static", "shared"])
def test_find_package_after_install(
    installed: dict[str, Path], kind: str, rows_of_make: bytes, tmp_path: Path
) -> None:
    source = write_project(tmp_path / "app", "find_package(pylstm 0.1 REQUIRED)")
    folder = build(source, tmp_path / "b", f"-DCMAKE_PREFIX_PATH={installed[kind]}")
    assert posteriors(folder / "listen", tmp_path) == rows_of_make
    assert run(folder / "version").strip() == pylstm.__version__


def test_another_version_is_not_found(installed: dict[str, Path], tmp_path: Path) -> None:
    source = write_project(tmp_path / "app", "find_package(pylstm 0.2 REQUIRED)")
    prefix = f"-DCMAKE_PREFIX_PATH={installed['static']}"
    ran = subprocess.run(
        [*tool("cmake"), "-S", source, "-B", tmp_path / "b", prefix], capture_output=True, text=True
    )
    assert ran.returncode != 0
    assert 'compatible with requested version "0.2"' in " ".join(ran.stderr.split())


@pytest.mark.parametrize("kind", ["static", "shared"])
def test_pkg_config_after_install(installed: dict[str, Path], kind: str, tmp_path: Path) -> None:
    """The text holds no prefix, so it is right wherever the folder is."""
    place = tmp_path / "moved"
    shutil.copytree(installed[kind], place, symlinks=True)
    found = {"PKG_CONFIG_PATH": str(place / "lib" / "pkgconfig")}
    asked = [*tool("pkg-config"), *(["--static"] if kind == "static" else [])]
    flags = run(*asked, "--cflags", "--libs", "pylstm", **found).split()
    source = tmp_path / "version.cpp"
    source.write_text(IN_CPP)
    last = f"-Wl,-rpath,{place / 'lib'}"
    run(*tool("c++", "CXX"), "-o", tmp_path / "version", source, *flags, last)
    assert run(tmp_path / "version").strip() == pylstm.__version__


@pytest.mark.parametrize(
    ("generator", "kind"), [("Ninja", "Debug"), ("Unix Makefiles", "MinSizeRel"), ("Ninja", "")]
)
def test_add_subdirectory(generator: str, kind: str, rows_of_make: bytes, tmp_path: Path) -> None:
    """Where the project sets for all its targets what would spoil results, bits are kept."""
    tool("ninja" if generator == "Ninja" else "make")
    source = write_project(tmp_path / "the app", 'add_subdirectory("third party/pylstm")')
    copy_library(source / "third party" / "pylstm")
    options = [
        f"-G{generator}",
        SMALL,
        FEW,
        f"-DCMAKE_BUILD_TYPE={kind}",
        "-DCMAKE_C_FLAGS=-ffast-math -Wall -Wextra -Werror",
        "-DCMAKE_UNITY_BUILD=ON",
        "-DCMAKE_C_STANDARD=17",
    ]
    folder = build(source, tmp_path / "the build", *options)
    assert posteriors(folder / "listen", tmp_path) == rows_of_make
    assert run(folder / "version").strip() == pylstm.__version__
    installed = run(*tool("cmake"), "--install", folder, "--prefix", tmp_path / "usr")
    assert "pylstm" not in installed


@pytest.mark.parametrize("by", ["SOURCE_DIR", "URL"])
def test_fetch_content(by: str, rows_of_make: bytes, tmp_path: Path) -> None:
    """From a folder and from an archive; a project in C++ alone."""
    library = copy_library(tmp_path / "pylstm-source")
    place = library
    if by == "URL":
        place = tmp_path / "pylstm.tar.gz"
        with tarfile.open(place, "w:gz") as archive:
            archive.add(library, "pylstm-0")
        shutil.rmtree(library)
    before = (
        "include(FetchContent)\n"
        f'FetchContent_Declare(pylstm {by} "{place}")\n'
        "FetchContent_MakeAvailable(pylstm)\n"
        "enable_language(C)"
    )
    source = write_project(tmp_path / "app", before, languages="CXX")
    options = [SMALL, FEW, "-DPYLSTM_THREADS=OFF", "-DBUILD_SHARED_LIBS=ON"]
    folder = build(source, tmp_path / "b", *options)
    assert posteriors(folder / "listen", tmp_path) == rows_of_make
    assert run(folder / "version").strip() == pylstm.__version__


@pytest.mark.parametrize("way", ["add_subdirectory", "FetchContent", "find_package"])
def test_the_page_says_how(way: str, installed: dict[str, Path], tmp_path: Path) -> None:
    """The lines of docs/embedding.md, with the library where they look for it."""
    page = (ROOT / "docs" / "embedding.md").read_text()
    (lines,) = (text for text in re.findall(r"```cmake\n(.*?)```", page, re.DOTALL) if way in text)
    if way == "FetchContent":
        with tarfile.open(tmp_path / "pylstm.tar.gz", "w:gz") as archive:
            for name in LIBRARY:
                archive.add(ROOT / name, f"pylstm-0/{name}")
    if way == "add_subdirectory":
        (tmp_path / "third_party").mkdir()
        (tmp_path / "third_party" / "pylstm").symlink_to(ROOT)
    (tmp_path / "app.c").write_text("int main(void) { return 0; }\n")
    head = "cmake_minimum_required(VERSION 3.25)\nproject(app C)\nadd_executable(app app.c)\n"
    (tmp_path / "CMakeLists.txt").write_text(head + lines)
    cmake("-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={installed['static']}")


def test_no_flag_of_the_core_reaches_a_program(tmp_path: Path) -> None:
    source = write_project(tmp_path / "app", f'add_subdirectory("{ROOT}" pylstm)')
    cmake("-S", source, "-B", tmp_path / "b", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
    text = (tmp_path / "b" / "compile_commands.json").read_text()
    pairs = re.findall(r'"command": "(.*)",\n.*"file": "(.*?)"', text)
    commands = {name: command for command, name in pairs}
    own = commands[str(source / "version.cpp")]
    flags = [word for word in own.replace('\\"', "").split() if word.startswith("-")]
    assert [f for f in flags if not f.startswith(("-I", "-o", "-c"))] == []
    assert str(SOURCE) not in own
    core = commands[str(SOURCE / "engine" / "stream.c")]
    assert {"-O3", "-ffp-contract=off", "-std=c11", "-fvisibility=hidden"} < set(core.split())
    assert "march" not in text


@pytest.mark.parametrize(
    ("options", "defined"),
    [
        ([SMALL], {"PYLSTM_NO_BFLOAT16", "PYLSTM_NO_AVX512"}),
        (
            [SMALL, "-DPYLSTM_INT8=OFF"],
            {"PYLSTM_NO_BFLOAT16", "PYLSTM_NO_AVX512", "PYLSTM_NO_INT8"},
        ),
        (["-DPYLSTM_THREADS=OFF"], {"PYLSTM_NO_THREADS"}),
        (["-DBUILD_SHARED_LIBS=ON"], {"PYLSTM_BUILD_SHARED", "pylstm_EXPORTS"}),
    ],
)
def test_options_say_what_make_says(options: list[str], defined: set[str], tmp_path: Path) -> None:
    cmake("-S", ROOT, "-B", tmp_path, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *options)
    text = (tmp_path / "compile_commands.json").read_text()
    commands = re.findall(r'"command": "(.*)"', text)
    assert len(commands) == len(sources.core())
    for command in commands:
        assert set(re.findall(r"-D(\w+)", command)) - {"NDEBUG"} == defined
    fast = {command.rpartition("/")[2] for command in commands if " -Os " not in command}
    kernels = {path.name for path in (SOURCE / "kernels").glob("isa_*.c")}
    assert fast == (kernels if SMALL in options else {path.name for path in sources.core()})


def test_bare_metal_toolchain(tmp_path: Path) -> None:
    tool("arm-none-eabi-gcc")
    flags = "-mthumb -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard --specs=nano.specs"
    toolchain = ROOT / "cmake" / "arm-none-eabi.cmake"
    options = [f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", SMALL]
    build(ROOT, tmp_path, *options, f"-DCMAKE_C_FLAGS={flags} -Wall -Wextra -Werror", CC="")
    told = run(*tool("arm-none-eabi-nm"), tmp_path / "libpylstm.a")
    assert "pylstm_stream_push" in told
    assert "__atomic" not in told
