"""The headers of all files of a set: each is opened once, and what is wrong is gathered."""

from __future__ import annotations

import os

from pylstm.arguments import flag, number_of
from pylstm.audio import AudioError, scale_problem
from pylstm.audio.header import Header
from pylstm.train.data.cut_files import cut_note
from pylstm.train.data.errors import Remedy
from pylstm.train.data.found_recordings import Note
from pylstm.train.data.shown_names import few

__all__ = ["FileHeaders"]

_NOT_THERE = "not there"
_UNUSABLE = "of no use as audio"


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
        self._cut: dict[str, str] = {}

    def of(self, path: str, any_scale: bool = False) -> Header | None:
        """The header of a file; None: it is left out.

        Parameters
        ----------
        path : str
        any_scale : bool
            Whether float samples need not go from -1 to 1.

        Raises
        ------
        AudioError
            It is refused; the message names it.
        """
        try:
            # Whoever leaves out what is damaged wants to know now: its header may be sound.
            header = Header.of(path, decode=self._skip_unreadable)
            if not any_scale and (problem := scale_problem(header.peak)):
                raise AudioError(f"{path} {problem}")
        except AudioError:
            missing = is_missing(path)
            (self._missing if missing else self._unreadable).append(path)
            if self._skip_missing if missing else self._skip_unreadable:
                return None
            raise
        if header.shortfall is not None:
            self._cut[path] = header.shortfall
        return header

    def leaves_out_missing(self, path: str) -> bool:
        """Counts a file of which a list says that it is there; whether it may be left out."""
        self._missing.append(path)
        return self._skip_missing

    def remedies(self) -> list[Remedy]:
        """What would leave out the files that were refused."""
        found = []
        for argument, skipped, paths, what in (
            ("skip_missing", self._skip_missing, self._missing, _NOT_THERE),
            ("skip_unreadable", self._skip_unreadable, self._unreadable, _UNUSABLE),
        ):
            if paths and not skipped:
                found.append(Remedy(argument, True, f"leaves out {_counted(paths)} {what}"))
        return found

    def notes(self) -> list[Note]:
        """What was left out and what is cut off, in words."""
        found = []
        for paths, why in (
            (self._missing, _NOT_THERE),
            (self._unreadable, _UNUSABLE),
        ):
            if paths:
                found.append(Note(f"left out {_counted(paths)} {why}: {few(paths)}"))
        return [*found, *([Note(cut_note(self._cut))] if self._cut else [])]


def is_missing(path: str) -> bool:
    """Whether nothing is there under a path: no file, or a link to none."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):  # a circle of links, a name with a NUL in it
        return False
    return False


def _counted(paths: list[str]) -> str:
    return f"{number_of(len(paths), 'file')} that {'is' if len(paths) == 1 else 'are'}"
