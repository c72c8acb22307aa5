"""Which files a wheel is made from, and one number for what is in them.

A wheel carries the number (``pylstm.show_config()["source"]``), so that anyone can tell what it was
built from: ``python wheels/source.py`` prints the number of the folder that it is in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

TOP = {
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "setup.py",
    "tools/c_api.py",
    "tools/sources.py",
    "wheels/source.py",
}
# What setup.py writes from src/pylstm.h beside the sources, and git ignores.
GENERATED = {"pylstm/_engine.pxd", "pylstm/_c_api.pxi"}
KINDS = {
    "src": {".c", ".h"},
    "pylstm": {
        ".py",
        ".pyx",
        ".pxd",
        ".pxi",
        ".pyi",
        ".typed",
        ".safetensors",
        ".md",
        ".wav",
        ".txt",
    },
}


def is_source(path: str) -> bool:
    """Whether wheels are made from the file at a path (from the project's folder, with ``/``)."""
    parts = PurePosixPath(path)
    top = parts.parts[0]
    return path in TOP or (top in KINDS and parts.suffix in KINDS[top])


def files(folder: Path) -> dict[str, bytes]:
    """Every such file under a folder: path -> what is in it."""
    paths = [folder / name for name in TOP]
    for top in KINDS:
        paths += [path for path in (folder / top).rglob("*") if path.is_file()]
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    return {
        name: path.read_bytes()
        for name, path in named.items()
        if is_source(name) and name not in GENERATED
    }


def digest(sources: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 over the lines that ``sha256sum`` prints for the files, sorted by path."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(sources)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


if __name__ == "__main__":
    print(digest(files(Path(__file__).resolve().parent.parent).items()))
