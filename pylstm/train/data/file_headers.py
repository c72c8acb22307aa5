"""The headers of all files of a set: each is opened once, and what is wrong is gathered."""

from __future__ import annotations

import os

from pylstm.arguments import flag
from pylstm.audio import AudioError
from pylstm.audio.header import Header
from pylstm.train.data.errors import Remedy
from pylstm.train.data.found_recordings import Note, few

__all__ = ["FileHeaders"]


class FileHeaders:
    """Opens the files of a set, and leaves out those that may be left out.

    Parameters
    ----------
    skip_missing, skip_unreadable : bool
        Whether files that do not exist, or that cannot be read as audio, are left out with a note.
        Else they are refused.
    """

    def __init__(self, skip_missing: bool, skip_unreadable: bool) -> None:
        self._skip_missing = flag("skip_missing", skip_missing)
        self._skip_unreadable = flag("skip_unreadable", skip_unreadable)
        self._missing: list[str] = []
        self._unreadable: list[str] = []

    def of(self, path: str) -> Header | None:
        """The header of a file; None: it is left out.

        Raises
        ------
        AudioError
            It is refused; the message names it.
        """
        try:
            # Whoever leaves out what is damaged wants to know now: its header may be sound.
            return Header.of(path, decode=self._skip_unreadable)
        except AudioError:
            missing = is_missing(path)
            (self._missing if missing else self._unreadable).append(path)
            if self._skip_missing if missing else self._skip_unreadable:
                return None
            raise

    def leaves_out_missing(self, path: str) -> bool:
        """Counts a file of which a list says that it is there; whether it may be left out."""
        self._missing.append(path)
        return self._skip_missing

    def remedies(self) -> list[Remedy]:
        """What would leave out the files that were refused."""
        found = []
        for argument, skipped, paths, what in (
            ("skip_missing", self._skip_missing, self._missing, "not there"),
            ("skip_unreadable", self._skip_unreadable, self._unreadable, "unreadable"),
        ):
            if paths and not skipped:
                files = "files that are" if len(paths) > 1 else "file that is"
                found.append(Remedy(argument, True, f"leaves out {len(paths)} {files} {what}"))
        return found

    def notes(self) -> list[Note]:
        """What was left out, in words."""
        found = []
        for paths, why in (
            (self._missing, "not there"),
            (self._unreadable, "not readable as audio"),
        ):
            if paths:
                files = "files that are" if len(paths) > 1 else "file that is"
                found.append(Note(f"left out {len(paths)} {files} {why}: {few(paths)}"))
        return found


def is_missing(path: str) -> bool:
    """Whether nothing is there under a path: no file, or a link to none."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):  # a circle of links, a name with a NUL in it
        return False
    return False
