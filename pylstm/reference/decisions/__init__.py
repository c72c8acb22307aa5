"""The kinds of decisions: a file each, named as the kind is.

Each has a function that takes the posteriors of a whole recording (T, n_outputs), row t at the time
t · hop, and gives its events in the order in which they are given.
"""

from collections.abc import Callable

from pylstm.reference.decisions.event import Event
from pylstm.reference.decisions.segments import segments
from pylstm.reference.decisions.symbols import symbols
from pylstm.reference.decisions.words import words

DECISIONS: dict[str, Callable[..., list[Event]]] = {
    "words": words,
    "segments": segments,
    "symbols": symbols,
}
"""What each kind of decision does, under its name in model files."""

__all__ = ["DECISIONS", "Event", "segments", "symbols", "words"]
