"""Builds the extensions: a Cython module and a list of C sources each, against the stable ABI.

``python setup.py build_ext --inplace`` compiles what has changed and links. ``PYLSTM_DEBUG=1``
turns on Cython's bounds checks, C assertions, a stop at undefined behaviour, debug information.
"""

import hashlib
import os
import re
import runpy
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

DEBUG = os.environ.get("PYLSTM_DEBUG") == "1"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
EMSCRIPTEN = sysconfig.get_platform().startswith(("emscripten", "pyodide"))
runpy.run_path("tools/c_api.py")["write"]()
# The real-time core, and the kernels of bulk passes, which programs that embed the core do without.
SOURCES = runpy.run_path("tools/sources.py")
CORE, BULK, HEADERS = (
    [path.as_posix() for path in SOURCES[name](Path("src"))] for name in ("core", "bulk", "headers")
)

# Results must not depend on the compiler's mood: no contraction, and never the fast-math family.
UNIX_FLAGS = ["-std=c11", "-O3", "-ffp-contract=off", "-fvisibility=hidden", "-Wno-psabi"]
# Undefined behaviour ends the process (SIGILL), and a debugger shows the line.
DEBUG_FLAGS = [
    "-Og",
    "-g",
    "-UNDEBUG",
    "-fsanitize=undefined",
    "-fsanitize-undefined-trap-on-error",
]
MSVC_FLAGS = ["/std:c11", "/O2", "/fp:precise", "/experimental:c11atomics"]


class BuildExt(build_ext):
    """Picks the flags of the compiler that is there; compiles what has changed, in parallel."""

    def build_extensions(self):
        msvc = self.compiler.compiler_type == "msvc"
        flags = MSVC_FLAGS if msvc else UNIX_FLAGS
        if DEBUG and not msvc:
            flags = [*flags, *DEBUG_FLAGS]
        for extension in self.extensions:
            extension.extra_compile_args = flags
        if self.compiler.compiler_type == "unix":
            # By themselves setuptools compile all files or none, and link what is newer.
            self.force = self.compiler.force = True
            self.compile, self.compiler.compile = self.compiler.compile, self.compile_changed
        super().build_extensions()

    def compile_changed(self, sources, output_dir, depends, extra_postargs, **settings):
        """The objects of the sources. Each set of flags has a folder of its own, which is kept."""
        # -MMD writes the names of the headers beside the object.
        settings["extra_postargs"] = [*extra_postargs, "-MMD"]
        flags = hashlib.sha256(repr((self.compiler.compiler_so, settings)).encode()).hexdigest()
        folder = f"build/objects/{flags[:12]}"
        objects = self.compiler.object_filenames(sources, output_dir=folder)
        for path in objects:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        both = zip(sources, objects, strict=True)
        changed = [source for source, path in both if not is_current(Path(path))]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda s: self.compile([s], output_dir=folder, **settings), changed))
        return objects


def is_current(path: Path) -> bool:
    """Whether an object is at least as new as every file that it was made from."""
    listed = path.with_suffix(".d")
    if not path.exists() or not listed.exists():
        return False
    names = re.findall(r"(?:\\[ #]|[^\s\\])+", listed.read_text().partition(": ")[2])
    # As make would read them: \-space, \# and $$.
    files = [Path(re.sub(r"\\([ #])", r"\1", name).replace("$$", "$")) for name in names]
    return all(f.exists() and f.stat().st_mtime <= path.stat().st_mtime for f in files)


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
        build_dir="build/cython-debug" if DEBUG else "build/cython",
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
