"""An event as a line for people at a microphone, or as an object for programs."""

from __future__ import annotations

from rich.cells import cell_len

from pylstm.cli.console.output import one_line
from pylstm.decisions import Event

__all__ = ["event_line", "event_object"]


def event_line(event: Event, width: int) -> tuple[str, str, str]:
    """An event in three parts, to be printed one behind the other.

    Parameters
    ----------
    event : Event
    width : int
        Of the label in the terminal's cells, so that what follows is aligned.

    Returns
    -------
    (str, str, str)
        When it was decided; the label; score and times.

    Examples
    --------
    >>> "".join(event_line(Event(0.84, "yes", 0.98, 0.5, 0.85), 4))
    '  0.84 s  yes   0.98  0.50-0.85 s'
    >>> "".join(event_line(Event(0.84, "speech", 0.98, 0.5, None, "start"), 4))
    '  0.84 s  speech  0.98  begins 0.50 s'
    >>> "".join(event_line(Event(2.84, "speech", 0.98, 0.5, 2.6, "end"), 4))
    '  2.84 s  speech  0.98  ends 2.60 s'
    """
    label = one_line(event.label)
    padding = " " * (width - cell_len(label))
    if event.kind == "start":
        times = f"begins {event.onset:.2f} s"
    elif event.kind == "end":
        times = f"ends {event.offset:.2f} s"
    elif event.onset is None or event.offset is None:
        times = ""
    else:
        times = f"{event.onset:.2f}-{event.offset:.2f} s"
    return f"{event.time:6.2f} s  ", label, f"{padding}  {event.score:.2f}  {times}".rstrip()


def event_object(event: Event) -> dict[str, object]:
    """An event for JSON: time, label, score, onset, offset, kind; times in seconds.

    Examples
    --------
    >>> event_object(Event(57 * 0.01, "yes", 0.98, 0.5, 0.58))
    {'time': 0.57, 'label': 'yes', 'score': 0.98, 'onset': 0.5, 'offset': 0.58, 'kind': 'word'}
    """
    return {
        "time": round(event.time, 6),
        "label": event.label,
        "score": round(event.score, 6),
        "onset": None if event.onset is None else round(event.onset, 6),
        "offset": None if event.offset is None else round(event.offset, 6),
        "kind": event.kind,
    }
