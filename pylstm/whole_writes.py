"""Files that are written whole or not at all, one or several together."""

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
    """Replaces a file as a whole or not at all, whatever happens meanwhile.

    A temporary file in the same folder, fsync, read back, rename, fsync of the folder: after a
    crash the old file or the new one is there, never a part.

    Raises
    ------
    OSError
        The folder or the disk refused; what stood at `path` is as it was.
    """
    write_together({Path(path): data})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """The same for files that belong together: where one cannot be written, none is.

    Only a crash between two renames can leave an old one beside a new one.

    Raises
    ------
    OSError
        With the path that refused as `filename`; all files are as they were.
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
            # What refuses here has refused before, and that is what is to be told.
            with contextlib.suppress(OSError):
                if left is not None:
                    left.unlink()
    if os.name == "posix":
        for parent in {path.parent for path in written}:
            # Written it is: where a folder may not be read, or its file system does not sync
            # folders, an error would say that it is not.
            with contextlib.suppress(OSError):
                folder = os.open(parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)


def _beside(path: Path) -> Path:
    """A new name in the same folder; short, for the name of `path` may be as long as names get."""
    return path.parent / f".{secrets.token_hex(8)}.tmp"


@contextlib.contextmanager
def _refused_by(name: Path) -> Iterator[None]:
    """Errors name the file that was to be written, not one that nobody has heard of."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:  # else the message is all that it has, and would be lost
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
        # A pipe or a device: renamed over, it would be gone for all who use it.
        raise OSError(errno.EINVAL, "it is no regular file")
    with open(temporary, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if temporary.read_bytes() != data:
        raise OSError(errno.EIO, "it does not read back as it was written")
    if mode is not None:
        os.chmod(temporary, stat.S_IMODE(mode))
