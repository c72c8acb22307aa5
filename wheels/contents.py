"""What must and must not be in a wheel."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

LARGEST = 2_000_000  # bytes
MUST = {
    "pylstm/__init__.pxd",
    "pylstm/__init__.py",
    "pylstm/_bulk.pyi",
    "pylstm/_engine.pxd",
    "pylstm/_engine.pyi",
    "pylstm/include/pylstm.h",
    "pylstm/models/keywords.md",
    "pylstm/models/keywords.safetensors",
    "pylstm/py.typed",
    "pylstm/source.sha256",
}
KINDS = {
    ".h",
    ".md",
    ".pxd",
    ".py",
    ".pyi",
    ".safetensors",
    ".sha256",
    ".so",
    ".txt",
    ".typed",
    ".wav",
}
# Paths of the machine that built it, what Cython's tracing and gcc's -ffast-math leave behind, and
# what says that an extension was not stripped.
MARKS = {
    "a build path": rb"(?:/tmp/|/home/|/root/|/work/|/build/|/Users/|pylstm-wheel-)[\w./-]+",
    "Cython's line tracing": rb"__Pyx_call_line_trace_func|CYTHON_TRACE|__Pyx_Monitor",
    "-ffast-math": rb"set_fast_math|crtfastmath",
    "debug information": rb"\.debug_info|\.symtab",
}


def extensions(wheel: Path) -> dict[str, bytes]:
    """The compiled modules in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith((".so", ".pyd"))]
        return {name: archive.read(name) for name in names}


def embedded_source(wheel: Path) -> str:
    """The number of the sources that a wheel was built from."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("pylstm/source.sha256").decode().strip()


def faults(wheel: Path) -> list[str]:
    """What is wrong with a wheel, as sentences; nothing if all is well."""
    found = []
    if wheel.stat().st_size > LARGEST:
        found.append(f"{wheel.stat().st_size} bytes; expected at most {LARGEST}")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    found += [f"{name} is missing" for name in sorted(MUST - set(names))]
    found += [f"{name} does not belong into a wheel" for name in names if not belongs(name)]
    compiled = extensions(wheel)
    stems = sorted(name.split("/")[1].split(".")[0] for name in compiled)
    if stems != ["_bulk", "_engine"]:
        found.append(f"the extensions are {stems}; expected _bulk and _engine")
    for name, data in compiled.items():
        for what, mark in MARKS.items():
            hit = re.search(mark, data)
            if hit:
                found.append(f"{name} holds {what}: {hit.group().decode(errors='replace')}")
    return found


def belongs(name: str) -> bool:
    path = Path(name)
    return (
        path.parts[0] == "pylstm"
        and path.suffix in KINDS
        and "tests" not in path.parts
        and not path.name.startswith(("test_", "conftest"))
        and (path.suffix != ".pxd" or name in MUST)
    )
