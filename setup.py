"""Builds the extensions: plain lists of C sources and a Cython module each, against the stable ABI.

``PYLSTM_DEBUG=1`` turns Cython's bounds checks, C assertions and debug information on.
"""

import os
import runpy
import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

DEBUG = os.environ.get("PYLSTM_DEBUG") == "1"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
EMSCRIPTEN = sysconfig.get_platform().startswith(("emscripten", "pyodide"))
# The real-time core, and the kernels of bulk passes, which programs that embed the core do without.
SOURCES = runpy.run_path("tools/sources.py")
CORE, BULK, HEADERS = (
    [path.as_posix() for path in SOURCES[name](Path("src"))] for name in ("core", "bulk", "headers")
)

# Results must not depend on the compiler's mood: no contraction, and never the fast-math family.
UNIX_FLAGS = ["-std=c11", "-O3", "-ffp-contract=off", "-fvisibility=hidden", "-Wno-psabi"]
MSVC_FLAGS = ["/std:c11", "/O2", "/fp:precise", "/experimental:c11atomics"]


class BuildExt(build_ext):
    """Picks the flags of the compiler that is really used."""

    def build_extensions(self):
        flags = MSVC_FLAGS if self.compiler.compiler_type == "msvc" else UNIX_FLAGS
        if DEBUG and self.compiler.compiler_type != "msvc":
            flags = [*flags, "-O1", "-g", "-UNDEBUG"]
        for extension in self.extensions:
            extension.extra_compile_args = flags
        super().build_extensions()


class BuildPy(build_py):
    """Puts the public C header where ``pylstm.get_include()`` finds it, and says what was built."""

    def run(self):
        super().run()
        if not self.editable_mode:
            package = Path(self.build_lib) / "pylstm"
            self.mkpath(str(package / "include"))
            self.copy_file("src/pylstm.h", str(package / "include" / "pylstm.h"))
            source = runpy.run_path("wheels/source.py")
            number = source["digest"](source["files"](Path(".")).items())
            (package / "source.sha256").write_text(f"{number}\n")


class BdistWheel(bdist_wheel):
    """One wheel for every Python from 3.11 on; free-threaded Python has no stable ABI yet."""

    def finalize_options(self):
        if not FREE_THREADED:
            self.py_limited_api = "cp311"
        super().finalize_options()


def extension(name: str, sources: list[str]) -> Extension:
    macros = [] if FREE_THREADED else [("Py_LIMITED_API", "0x030B0000")]
    if EMSCRIPTEN:
        macros.append(("PYLSTM_NO_THREADS", "1"))
    return Extension(
        name,
        [name.replace(".", "/") + ".pyx", *sources],
        include_dirs=["src"],
        depends=[*HEADERS, *sorted(str(path) for path in Path("pylstm").glob("*.px[id]"))],
        define_macros=macros,
        py_limited_api=not FREE_THREADED,
        libraries=[] if sys.platform == "win32" or EMSCRIPTEN else ["m", "pthread"],
    )


setup(
    ext_modules=cythonize(
        [extension("pylstm._engine", CORE), extension("pylstm._bulk", BULK)],
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "binding": True,
            "embedsignature": False,
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "cdivision": True,
            "freethreading_compatible": True,
        },
    ),
    cmdclass={"build_ext": BuildExt, "build_py": BuildPy, "bdist_wheel": BdistWheel},
)
