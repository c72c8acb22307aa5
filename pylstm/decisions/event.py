"""What a decision says: a word, a start or an end of speech, a symbol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Event", "event", "spans"]

Kind = Literal["word", "start", "end", "symbol"]


@dataclass(frozen=True)
class Event:
    """Something that was heard. Times are seconds from the start of the stream.

    Attributes
    ----------
    time : float
        The time of the frame on which it was decided.
    label : str
        What was heard; the number of the output where a model has no labels.
    score : float
        How sure it is: of a word the smoothed posterior on that frame, of speech the highest
        probability so far, of a symbol the highest posterior of its frames so far.
    onset : float or None
        Where it begins.
    offset : float or None
        Where it ends; None for a start of speech.
    kind : {"word", "start", "end", "symbol"}
        Which kind of decision it comes from; segments have a start and an end.
    """

    time: float
    label: str
    score: float
    onset: float | None = None
    offset: float | None = None
    kind: Kind = "word"


def event(
    kind: Kind, label: str, time: float, onset: float, offset: float | None, score: float
) -> Event:
    """An `Event` of the values that the engine gives, in its order."""
    return Event(time, label, score, onset, offset, kind)


def spans(events: Iterable[Event]) -> list[tuple[float, float]]:
    """Onset and offset of every segment that has ended, of events in their order."""
    return [
        (e.onset, e.offset)
        for e in events
        if e.kind == "end" and e.onset is not None and e.offset is not None
    ]
