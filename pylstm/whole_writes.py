"""Writes files whole or not at all, one or several together."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["write", "write_together"]


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces a file as a whole or not at all, even if the system crashes meanwhile.

    Writes a temporary file in the same folder, syncs it, reads it back, renames it and syncs the
    folder: after a crash the old file or the new one is there, never a part.

    Raises
    ------
    OSError
        The folder or the disk refused; a file that existed at `path` is unchanged.
    """
    write_together({Path(path): data})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Does the same for files that belong together: if one cannot be written, none is.

    Only a crash between two renames can leave an old one beside a new one.

    Raises
    ------
    OSError
        A folder or the disk refused; `filename` is the path concerned, and all files are unchanged.
    ValueError
        Two of the paths are the same file; none is written.
    """
    written: dict[Path, Path] = {}
    before: dict[Path, Path | None] = {}
    given: dict[Path, Path] = {}
    try:
        for name, data in contents.items():
            # The folder as the system finds it: "a/../b" is not "b" where a is a link.
            path = Path(os.path.realpath(name.parent), name.name)
            if path in written:
                raise ValueError(f"{given[path]} and {name} are one file; expected a path for each")
            given[path], written[path] = name, _beside(path)
            with _refused_by(name):
                _write_temporary(written[path], data, path)
        for path, temporary in written.items():
            with _refused_by(given[path]):
                if len(written) > 1:
                    before[path] = copy = _beside(path) if os.path.lexists(path) else None
                    if copy is not None:
                        shutil.copy2(path, copy, follow_symlinks=False)
                os.replace(temporary, path)
    except BaseException:
        for path, kept in before.items():
            if os.path.lexists(written[path]):
                continue  # it was not replaced
            if kept is None:
                path.unlink()
            else:
                os.replace(kept, path)
        raise
    finally:
        for left in (*written.values(), *before.values()):
            # An error here follows an earlier one, which is the one to report.
            with contextlib.suppress(OSError):
                if left is not None:
                    left.unlink()
    if os.name == "posix":
        for parent in {path.parent for path in written}:
            # The file has been written; if the folder cannot be read, or its file system does not
            # sync folders, an error would wrongly say that it has not.
            with contextlib.suppress(OSError):
                folder = os.open(parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)


def _beside(path: Path) -> Path:
    """A new name in the same folder; it is short, because the name of `path` may already have the
    maximal length."""
    return path.parent / f".{secrets.token_hex(8)}.tmp"


@contextlib.contextmanager
def _refused_by(name: Path) -> Iterator[None]:
    """Makes errors name the file that was to be written instead of the temporary one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:  # without errno it has only its message
            error.filename = os.fspath(name)
            del error.filename2  # of a rename
        raise


def _write_temporary(temporary: Path, data: bytes, path: Path) -> None:
    """A whole file that can take the place of `path`, with its permissions."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if mode is not None and not stat.S_ISREG(mode):
        # Replacing a pipe or a device by rename would remove it for everyone who uses it.
        raise OSError(errno.EINVAL, "it is not a regular file")
    with open(temporary, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if temporary.read_bytes() != data:
        raise OSError(errno.EIO, "it does not read back as it was written")
    if mode is not None:
        os.chmod(temporary, stat.S_IMODE(mode))
