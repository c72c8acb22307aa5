"""What reading a folder or a manifest gives: recordings, files of noise, and what was not used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pylstm.train.data.recording import Recording, names_of

__all__ = ["FoundRecordings", "Note", "few", "without_recordings"]

_NAMED = 3


class Note(NamedTuple):
    """A sentence about the set. With a category it is a warning in Python; without, nobody could
    have meant otherwise, such as a hidden file."""

    text: str
    category: type[Warning] | None = UserWarning


class FoundRecordings(NamedTuple):
    """Recordings in a stable order, paths of noise, and notes."""

    items: list[Recording]
    noises: list[str]
    notes: list[Note]


def few(names: Sequence[str]) -> str:
    """The first names of a list.

    Examples
    --------
    >>> few(["a", "b"]), few(list("abcde"))
    ('a, b', 'a, b, c, ...')
    """
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])


def without_recordings(labels: Iterable[str], items: Iterable[Recording]) -> list[str]:
    """A problem for each label that has lost all its recordings because files were left out."""
    left = {label for item in items for label in names_of(item)}
    return [
        f"label {label!r} has no recording left; expected one or more"
        for label in sorted(set(labels) - left)
    ]
