"""What a target of the Makefile needs, and how to get what is missing.

    python tools/prerequisites.py lint

It needs nothing but Python itself, and says all that is missing at once.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 11)
ENVIRONMENT = "python3 -m venv .venv && . .venv/bin/activate"
DEBIAN = {"cc": "gcc", "Python.h": "python3-dev"}
BUILT = "pylstm._engine"  # importable once the package is installed and compiled
# For each target what Python imports, what it starts, and the extra of the package that brings it.
MODULES = {
    "amalgamation": {},
    "build": {"Cython": "test", "setuptools": "test"},
    "test": {BUILT: "test", "pytest": "test", "xdist": "test", "hypothesis": "test"},
    "stubs": {BUILT: "test", "mypy": "lint", "torch": ""},
    "lint": {"ruff": "lint"},
    "format": {"ruff": "lint"},
}
PROGRAMS = {
    "lint": {"cython-lint": "lint", "clang-format": "lint"},
    "format": {"clang-format": "lint"},
}


def missing_modules(target: str) -> Iterator[tuple[str, str]]:
    """What Python cannot import, and the extra of the package that brings it."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    for name, extra in MODULES[target].items():
        try:
            found = importlib.util.find_spec(name)
        except ImportError:
            found = None
        if found is None:
            yield name, extra
    for name, extra in PROGRAMS.get(target, {}).items():
        beside = Path(sys.executable).parent / name
        if not (shutil.which(name) or beside.exists()):
            yield name, extra


def missing_tools(target: str) -> Iterator[str]:
    """What compiling needs beside Python's packages."""
    if target == "build":
        if not shutil.which(os.environ.get("CC", "cc").split()[0]):
            yield "cc"
        if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
            yield "Python.h"


def advice(target: str) -> list[str]:
    """Lines to print; none where nothing is missing."""
    lines = [
        f"{name} is missing; Debian has it as {DEBIAN[name]}" for name in missing_tools(target)
    ]
    if sys.version_info < OLDEST:
        lines.append(
            f"Python is {sys.version.split()[0]}; expected {OLDEST[0]}.{OLDEST[1]} or later"
        )
    modules = dict(missing_modules(target))
    lines += [f"{name} is missing" for name in modules]
    if modules:
        extras = ",".join(sorted({"test", "lint"} & {"test", *modules.values()}, reverse=True))
        lines.append("")
        lines.append("These commands bring what Python needs:")
        if sys.prefix == sys.base_prefix:
            lines.append(f"    {ENVIRONMENT}")
        lines.append(f'    python -m pip install -e ".[{extras}]"')
        if "torch" in modules:
            lines.append("    python -m pip install torch")
    return lines


if __name__ == "__main__":
    told = advice(sys.argv[1])
    if told:
        print(f"make {sys.argv[1]} cannot begin.", *told, sep="\n", file=sys.stderr)
        sys.exit(1)
