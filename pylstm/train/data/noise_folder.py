"""Recordings of noise in a folder and its subfolders, as collections of noise have them."""

from __future__ import annotations

from pathlib import Path

from pylstm.audio import AudioError
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.file_headers import FileHeaders
from pylstm.train.data.folder_files import recordings_below
from pylstm.train.data.found_recordings import Note
from pylstm.train.data.passed_over import PassedOver

__all__ = ["noises_below", "read_noise_folder"]


def read_noise_folder(folder: Path, skip_unreadable: bool) -> tuple[list[str], list[Note]]:
    """Paths of noise that can be read, and what was passed over or left out.

    Raises
    ------
    RecordingsError
        Files that cannot be read, or there are none.
    OSError
        A folder cannot be read.
    """
    passed_over, problems = PassedOver(folder), list[str]()
    headers = FileHeaders(skip_unreadable, skip_unreadable)
    found = noises_below(folder, headers, passed_over, problems)
    if not found and not problems:
        problems.append("holds no audio files; expected recordings of noise")
    if problems:
        raise RecordingsError(str(folder), problems, headers.remedies())
    return found, [*passed_over.notes(), *headers.notes()]


def noises_below(
    folder: Path, headers: FileHeaders, passed_over: PassedOver, problems: list[str]
) -> list[str]:
    """Paths of noise that can be read; files that are refused become problems."""
    found = []
    for path in recordings_below(folder, passed_over, expected=True):
        try:
            if headers.of(str(path), any_scale=True) is not None:
                found.append(str(path))
        except AudioError as error:
            problems.append(str(error))
    return found
