"""The lists beside label folders that say which recordings are for validation and for testing."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

__all__ = ["SIDE_LISTS", "read_side_lists"]

SIDE_LISTS = {"validation_list.txt": "validation", "testing_list.txt": "testing"}


def read_side_lists(folder: Path, problems: list[str]) -> dict[str, str]:
    """The side of each file that is in a list, by its path relative to the folder.

    Names that are not UTF-8 are kept as Python has them everywhere, with surrogates.

    Raises
    ------
    OSError
        A list cannot be read.
    """
    sides: dict[str, str] = {}
    for name, side in SIDE_LISTS.items():
        path = folder / name
        if not os.path.lexists(path):
            continue
        # Looked at before it is opened: opening a pipe would wait for its other end.
        if not path.is_file():
            problems.append(f"{path} is not a regular file; expected a list of recordings")
            continue
        data = path.read_bytes()
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            problems.append(f"{path} is UTF-16; expected UTF-8")
            continue
        text = data.decode("utf-8-sig", "surrogateescape")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        for number, line in enumerate(text.split("\n"), 1):
            place = _place(folder, line.strip())
            if place and sides.setdefault(place, side) != side:
                problems.append(
                    f"{path}: line {number}: {place} is in the list for validation as well"
                )
    return sides


def _place(folder: Path, text: str) -> str:
    """A file of the set as its path relative to the folder, with slashes."""
    if "\\" in text and not os.path.lexists(folder / text):  # a list that Windows wrote
        text = text.replace("\\", "/")
    if os.path.isabs(text):
        text = Path(os.path.relpath(text, os.path.abspath(folder))).as_posix()
    return posixpath.normpath(text) if text else ""
