"""Writes files whole or not at all, one or several together."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pylstm.temporary_file import TemporaryFile, remove_dead

__all__ = ["write", "write_together"]


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces a file as a whole or not at all, even if the system crashes meanwhile.

    Writes a temporary file in the same folder, syncs it, reads it back, renames it and syncs the
    folder: after a crash the old file or the new one is there, never a part. First it removes the
    temporary files that killed processes left in that folder.

    Parameters
    ----------
    path : str or path
        Where it is a link, what it leads to is replaced, and the link stays. A file that has
        several names (hard links) is replaced under this one; the others keep the old content.
    data : bytes

    Raises
    ------
    OSError
        The folder or the disk refused, or `path` is no regular file (a folder, a pipe, a device);
        a file that existed at `path` is unchanged.
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
    given: dict[Path, Path] = {}
    written: dict[Path, TemporaryFile] = {}
    before: dict[Path, TemporaryFile | None] = {}
    with contextlib.ExitStack() as stack:
        for name, data in contents.items():
            with _refused_by(name):
                target, former = _target(name)
                if target in given:
                    raise ValueError(
                        f"{given[target]} and {name} are one file; expected a path for each"
                    )
                if target.parent not in {path.parent for path in given}:
                    remove_dead(target.parent)
                given[target] = name
                written[target] = stack.enter_context(_beside(target, former))
                written[target].write(data)
                if former is not None:
                    written[target].resemble(former)
        try:
            for target, temporary in written.items():
                with _refused_by(given[target]):
                    if len(written) > 1:
                        before[target] = _copy(target, stack)
                    temporary.take_the_place_of(target)
        except BaseException:
            for target, kept in before.items():
                if os.path.lexists(written[target].path):
                    continue  # it was not replaced
                if kept is None:
                    target.unlink()
                else:
                    kept.take_the_place_of(target)
            raise
    if os.name == "posix":
        for folder in {target.parent for target in written}:
            _sync_folder(folder)


def _target(name: Path) -> tuple[Path, os.stat_result | None]:
    """Where a file really stands, links followed, and what is there."""
    try:
        former = os.stat(name)
    except FileNotFoundError:  # a link that leads nowhere, too: its target is made
        former = None
    if former is not None and stat.S_ISDIR(former.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if former is not None and not stat.S_ISREG(former.st_mode):
        # Replacing a pipe or a device by rename would remove it for everyone who uses it.
        raise OSError(errno.EINVAL, "it is not a regular file")
    # As the system finds it: "a/../b" is not "b" where a is a link.
    return Path(os.path.realpath(name)), former


def _beside(target: Path, former: os.stat_result | None) -> TemporaryFile:
    """A temporary file that nobody may read who may not read the former one."""
    return TemporaryFile(target.parent, 0o666 if former is None else 0o600)


def _copy(target: Path, stack: contextlib.ExitStack) -> TemporaryFile | None:
    """A copy of what will be replaced, to be put back; None if there is nothing."""
    try:
        former = os.stat(target)
    except FileNotFoundError:
        return None
    kept = stack.enter_context(_beside(target, former))
    shutil.copy2(target, kept.path)
    kept.resemble(former)
    return kept


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


def _sync_folder(folder: Path) -> None:
    # The file has been written; if the folder cannot be read, or its file system does not sync
    # folders, an error would wrongly say that it has not.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
