"""The labels of a model's outputs, and what a target belongs to, from a set of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pylstm.train.data.batch import Per
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.recording import Recording, names_of

__all__ = ["BLANK", "OutputLabels"]

BLANK = "<blank>"


class OutputLabels(NamedTuple):
    """Sorted labels, what a target belongs to, and with events the label of the other frames."""

    labels: list[str]
    per: Per
    background: str | None = None

    @classmethod
    def of(
        cls, what: str, items: Sequence[Recording], background: str | None, one_label: bool = False
    ) -> OutputLabels:
        """The labels of recordings with one label each, with events, or with transcripts.

        Raises
        ------
        RecordingsError
            There is one label only, and that is not enough, or the transcripts cannot be learnt.
        """
        if items[0].transcript is not None:
            return cls(_units(what, items), "transcript")
        events = all(item.label is None for item in items)
        names = {name for item in items for name in names_of(item)}
        if events and background is not None:
            names.add(background)
        if len(names) < 2 and not one_label:
            raise RecordingsError(
                what, [f"has only the label {min(names)!r}; expected at least two"]
            )
        return cls(sorted(names), *(("frame", background) if events else ("sequence", None)))


def _units(what: str, items: Sequence[Recording]) -> list[str]:
    """The units of transcripts, after the blank of `CTC`."""
    said = {unit for item in items for unit in item.transcript or ()}
    if BLANK in said:
        raise RecordingsError(what, [f"a transcript holds {BLANK!r}; expected other units"])
    if not said:
        raise RecordingsError(what, ["has only empty transcripts; expected units"])
    return [BLANK, *sorted(said)]
