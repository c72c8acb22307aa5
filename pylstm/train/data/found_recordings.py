"""What reading a folder or a manifest gives: recordings, files of noise, and what was not used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pylstm.train.data.recording import Recording, names_of

__all__ = ["FoundRecordings", "Note", "without_recordings"]


class Note(NamedTuple):
    """A sentence about the set; in Python it is a warning, too, unless it is about what nobody
    would expect to be used, such as a hidden file."""

    text: str
    warns: bool = True


class FoundRecordings(NamedTuple):
    """Recordings in a stable order, paths of noise, and notes."""

    items: list[Recording]
    noises: list[str]
    notes: list[Note]


def without_recordings(labels: Iterable[str], items: Iterable[Recording]) -> list[str]:
    """A problem for each label that has lost all its recordings because files were left out."""
    left = {label for item in items for label in names_of(item)}
    return [
        f"label {label!r} has no recording left; expected one or more"
        for label in sorted(set(labels) - left)
    ]
