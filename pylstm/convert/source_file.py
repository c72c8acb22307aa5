"""Files of other programs, as far as they are files: regular ones, and zip archives."""

from __future__ import annotations

import errno
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pylstm.arguments import number_of, shown

__all__ = ["check_regular", "opened_archive"]

# What zipfile and zlib make of a broken archive.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    UnicodeError,
)


def check_regular(
    path: str | os.PathLike[str], name: str = "source", most: int | None = None
) -> None:
    """Refuses what is no file of a program, before it is opened: opening a pipe waits for its
    other end, and a device may have no end.

    Parameters
    ----------
    path : str or path
    name : str
        What errors call it.
    most : int, optional
        The bytes that it may have.

    Raises
    ------
    ValueError
        It is a folder, a pipe or a device, or larger than `most`.
    OSError
        There is no such file.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(
            f"{name} is {shown(os.fspath(path))}, which is not a regular file; expected a file"
        )
    if most is not None and found.st_size > most:
        raise ValueError(
            f"{name} is {shown(os.fspath(path))} of {number_of(found.st_size, 'byte')}; expected at"
            f" most {most}"
        )


@contextmanager
def opened_archive(source: Any, name: str) -> Iterator[zipfile.ZipFile]:
    """A zip archive, open for reading.

    Parameters
    ----------
    source : path or file
    name : str
        What errors call it.

    Raises
    ------
    ValueError
        It is broken, or what is read of it while it is open.
    OSError
        It cannot be read.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except OSError as error:
        # A place before the beginning of the file, which a broken archive may name.
        if error.errno != errno.EINVAL:
            raise
        raise ValueError(f"{name} is broken: it names a place outside of it") from None
    except _BROKEN as error:
        raise ValueError(f"{name} is broken: {error}") from None
