"""The units of transcripts: what a model of symbols hears, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

from pylstm.cli.console.errors import USAGE, CliError

if TYPE_CHECKING:
    from pylstm.train.data.recording_set import RecordingSet

__all__ = ["UNITS_KEY", "TranscriptUnits", "check_units", "joined", "unit_counts"]

UNITS_KEY = "training.units"
"""Under which a model's notes have the units that it was trained on."""


class TranscriptUnits(StrEnum):
    """What a transcript that is text is cut into; one that is a list has units already."""

    CHARACTERS = "characters"
    WORDS = "words"


def check_units(units: TranscriptUnits | None, recordings: RecordingSet) -> None:
    """Refuses ``--units`` where there are no transcripts.

    Parameters
    ----------
    units : TranscriptUnits or None
        What the user gave, if anything.
    recordings : RecordingSet

    Raises
    ------
    CliError
        The recordings have labels.
    """
    if units is not None and recordings.per != "transcript":
        raise CliError(
            f"--units is {units.value} and {recordings.name} has labels; expected a manifest with"
            " transcripts",
            USAGE,
        )


def unit_counts(recordings: RecordingSet) -> str:
    """How often each unit is said, in words; the blank, which is not, is left out."""
    counts = list(recordings.counts().items())[1:]
    return ", ".join(f"{unit if unit.strip() else repr(unit)} {n}" for unit, n in counts)


def joined(units: Iterable[str]) -> str:
    """Units as a line of text: characters side by side, longer ones with spaces between them.

    Examples
    --------
    >>> joined("go on"), joined(["go", "on"])
    ('go on', 'go on')
    """
    listed = list(units)
    return ("" if all(len(unit) == 1 for unit in listed) else " ").join(listed)
