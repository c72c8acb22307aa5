"""From posteriors to decisions: words, segments of speech, symbols of a transcript.

The engine decides (``src/decisions/``); here is how its settings are written, and what works on
posteriors that were computed elsewhere.
"""

from pylstm.decisions.beam_search import Hypothesis, prefix_beam_search
from pylstm.decisions.detector import Detector
from pylstm.decisions.event import Event
from pylstm.decisions.probabilities import segments_from_probabilities
from pylstm.decisions.settings import DecisionSettings

__all__ = [
    "DecisionSettings",
    "Detector",
    "Event",
    "Hypothesis",
    "prefix_beam_search",
    "segments_from_probabilities",
]
