"""What this folder takes from ``training/keywords``: speech with its times, and plain noises.

That folder's programs import each other by bare names, so it joins the path here and nowhere else;
it comes last there, for both folders have a ``train.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "keywords"))

from acoustics import clicks, coloured_noise, filter_gains, hum, room_response, shaped_noise, tones
from synthesise import lines
from synthesisers import SAMPLE_RATE, Flite, to_int16
from voices import another_speaker

__all__ = [
    "SAMPLE_RATE",
    "Flite",
    "another_speaker",
    "clicks",
    "coloured_noise",
    "filter_gains",
    "hum",
    "lines",
    "room_response",
    "shaped_noise",
    "to_int16",
    "tones",
]
