"""Posteriors that come and go, and settings of decisions about them, by kind."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)


def drawn_posteriors(seed: int, n_rows: int, n_outputs: int) -> np.ndarray:
    """Posteriors that come and go, in multiples of 1/64; averages of 64 of them are exact."""
    draw = np.random.default_rng(seed)
    walk = np.cumsum(draw.normal(0, 1.2, (n_rows, n_outputs)), axis=0) * draw.choice([0.3, 1.0])
    return np.rint(64 / (1 + np.exp(-walk))) / 64


SETTINGS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "words": st.fixed_dictionaries(
        {
            "smoothing_frames": st.integers(1, 12),
            "refractory_frames": st.integers(0, 20),
            "min_frames": st.integers(1, 5),
            "threshold": st.sampled_from([0.25, 0.5, [0.5, 0.75, 0.25], [0.3, 0.2, 0.6]]),
            "background": st.sampled_from([(), (0,), (1, 2)]),
            "exclusive": st.booleans(),
        }
    ),
    "segments": st.fixed_dictionaries(
        {
            "label": st.integers(0, 2),
            "smoothing_frames": st.sampled_from([1, 1, 3]),
            "min_speech": st.sampled_from([0.0, 0.04, 0.1, 0.33]),
            "min_silence": st.sampled_from([0.0, 0.03, 0.1, 0.4]),
            "pad": st.sampled_from([0.0, 0.004, 0.03, 0.1]),
            "max_speech": st.sampled_from([math.inf, 0.05, 0.3, 0.7]),
            "min_silence_at_max_speech": st.sampled_from([0.0, 0.02, 0.098]),
        }
    ),
    "symbols": st.fixed_dictionaries({"blank": st.integers(0, 2)}),
}


def columns(*texts: str) -> np.ndarray:
    """Posteriors in tenths, a text an output: "0055" is 0, 0, 0.5, 0.5; "x" is 1."""
    return np.array([[10 if c == "x" else int(c) for c in text] for text in texts]).T / 10
