"""Files that stand beside others until they are whole, and what killed processes left of them."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import zlib
from pathlib import Path
from typing import Self

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed
    fcntl = None  # type: ignore[assignment]

__all__ = ["TemporaryFile", "remove_dead"]

# Locks of a shared file system may hold on one machine only: nobody removes another machine's.
_MACHINE = f"{zlib.crc32(os.fsencode(os.uname().nodename if os.name == 'posix' else '')):08x}"
_NAME = re.compile(rf"\.pylstm-{_MACHINE}-[0-9a-f]{{16}}\.tmp")
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class TemporaryFile:
    """A new file, locked as long as its writer lives; a context manager that removes it at the end.

    The system drops the lock when the process ends, however it ends: that is how `remove_dead`
    tells a dead file from one that is being written.

    Parameters
    ----------
    folder : Path
        Where it is made, under a short name of its own: the name of the file whose place it takes
        may already have the maximal length.
    mode : int
        Its permissions, from which the system takes away what the process's umask says.

    Raises
    ------
    OSError
        The folder or the disk refused.
    """

    def __init__(self, folder: Path, mode: int = 0o666) -> None:
        while True:
            self.path = folder / f".pylstm-{_MACHINE}-{os.urandom(8).hex()}.tmp"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS
            self._descriptor = os.open(self.path, flags, mode)
            # Before the lock was there, another process may have taken the file for a dead one.
            if _locked(self._descriptor) is not False and _is_at(self._descriptor, self.path):
                return
            os.close(self._descriptor)

    def write(self, data: bytes, *, durable: bool = True) -> None:
        """Writes the content.

        Parameters
        ----------
        data : bytes
        durable : bool
            Whether it is synced to the disk and read back.

        Raises
        ------
        OSError
            The disk refused, or does not give back what it was given.
        """
        with open(self._descriptor, "r+b", closefd=False) as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
                file.seek(0)
                if file.read() != data:
                    raise OSError(errno.EIO, "it does not read back as it was written")

    def resemble(self, former: os.stat_result) -> None:
        """Takes over the permissions of another file, and its owner where that is allowed."""
        if os.name == "posix":
            # Only an administrator may give a file to another user, or to any group.
            for owner in ((-1, former.st_gid), (former.st_uid, -1)):
                with contextlib.suppress(OSError):
                    os.fchown(self._descriptor, *owner)
        os.chmod(self.path, stat.S_IMODE(former.st_mode))

    def take_the_place_of(self, target: Path) -> None:
        """Renames it; whoever opens `target` finds the old content or the new one.

        Raises
        ------
        OSError
            The folder refused.
        """
        if fcntl is None:
            self._close()
        # Locked until it has its new name: else it could be taken for a dead one in between.
        os.replace(self.path, target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if fcntl is None:
            self._close()
        # It has another name if all went well. An error here follows an earlier one, which is the
        # one to report.
        with contextlib.suppress(OSError):
            self.path.unlink()
        self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def remove_dead(folder: Path) -> None:
    """Removes the temporary files that processes of this machine left when they were killed.

    Files of living writers stay, and so does everything that `TemporaryFile` has not made. Where
    the file system has no locks nothing is removed.
    """
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if _NAME.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                _remove_if_dead(folder / name)


def _remove_if_dead(path: Path) -> None:
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        return
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | _FLAGS)
    try:
        # Whoever has locked it has not renamed it: the name is still that of this very file.
        if _locked(descriptor) and _is_at(descriptor, path):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool | None:
    """Locks an open file: True; False where another has locked it; None without locks here."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that stands at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
