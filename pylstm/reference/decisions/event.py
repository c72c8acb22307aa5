"""What a decision tells."""

from typing import Literal, NamedTuple


class Event(NamedTuple):
    """Something that was decided; all times in seconds from the start of the recording.

    An event that is given only because the recording ends has the time of the row that would have
    been next.
    """

    kind: Literal["word", "start", "end", "symbol"]
    output: int
    """The column of the posteriors."""
    time: float
    """Of the row on which it was decided."""
    onset: float
    offset: float | None
    """None for a "start"."""
    score: float
    row: int
    """The row after which it is given; T if it is given because the recording ends."""
