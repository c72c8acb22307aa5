"""Model files on disk: names, paths, and reading them whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pylstm import _engine

__all__ = ["SUFFIX", "bundled", "locate", "read"]

MAX_FILE = 256 << 20
SUFFIX = ".safetensors"
_FOLDER = Path(__file__).parent / "models"


def bundled() -> list[str]:
    """Names of the models that come with the package.

    Returns
    -------
    list of str
    """
    return sorted(path.stem for path in _FOLDER.glob("*" + SUFFIX))


def locate(name_or_path: str | os.PathLike[str]) -> Path:
    """The path of a model file.

    Parameters
    ----------
    name_or_path : str or path
        The name of a bundled model, or a path. A string is a path if it ends in ``.safetensors`` or
        contains a separator, so that a folder's contents never change what a name means.

    Raises
    ------
    ValueError
        No bundled model has this name.
    """
    if isinstance(name_or_path, os.PathLike):
        return Path(name_or_path)
    if not isinstance(name_or_path, str):
        raise TypeError(
            f"name_or_path is {type(name_or_path).__name__}; expected a model's name or a path"
        )
    separators = [os.sep, os.altsep] if os.altsep else [os.sep]
    if name_or_path.endswith(SUFFIX) or any(mark in name_or_path for mark in separators):
        return Path(name_or_path)
    if name_or_path in bundled():
        return _FOLDER / (name_or_path + SUFFIX)
    raise ValueError(
        f"no bundled model is named {name_or_path!r}; bundled: {', '.join(bundled()) or 'none'}"
        f" (a path contains a {os.sep!r} or ends in {SUFFIX!r})"
    )


def read(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file of at most 256 MiB, read once.

    The file is never memory-mapped: if a mapped file shrinks, reading it kills the process.

    Raises
    ------
    OSError
        The file cannot be read.
    ModelFileError
        It is not a regular file, or larger than a model file may be.
    """
    # Nothing but a regular file is opened: opening a pipe would wait for its other end.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise _engine.ModelFileError(f"[regular-file] {os.fspath(path)} is not a regular file")
    with open(path, "rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise _engine.ModelFileError(
            f"[file-size] {os.fspath(path)} has more than {MAX_FILE} bytes, the largest model file"
        )
    return data
