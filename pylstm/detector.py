"""`Detector` and `Event` where version 0.1 had them; they are in `pylstm.decisions`."""

from pylstm.decisions import Detector, Event

__all__ = ["Detector", "Event"]
