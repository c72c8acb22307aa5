"""When somebody speaks in a clean recording, told by the energy of its frames.

A recording of one person in a quiet room needs no other label: what is loud is speech. The label
is made before any noise is mixed in, so it stays right at every ratio of speech to noise.

A frame is loud if it is above a threshold between the recording's floor and its peaks. Pauses of a
quarter of a second and less belong to the speech around them, and speech ends a tenth of a second
after the last loud frame: people who label conversations by hand bridge such pauses, too.
"""

from __future__ import annotations

import numpy as np
from material import SAMPLE_RATE
from scipy.ndimage import binary_closing, binary_opening

__all__ = ["HOP_LENGTH", "SpanList", "energies", "loud_frames", "speech_frames", "targets"]

HOP_LENGTH = 160
WINDOW = 400
# The floor and the peaks of a recording are these percentiles of its frames.
FLOOR, PEAK = 5, 95
# Recordings with less between the two, dB, are too noisy to be labelled so.
LEAST_RANGE = 15.0
# Frames: the shortest sound that is speech, the longest pause inside of it, and what follows it.
SHORTEST, BRIDGED, HANGOVER = 4, 25, 10
# Frames around a beginning and an end that count for nothing, before and after it.
AROUND_BEGINNING, AROUND_END = (3, 2), (0, 6)

SpanList = list[tuple[float, float]]


def energies(samples: np.ndarray) -> np.ndarray:
    """Energy of 25 ms around each frame, dB; frame t is centred on t * HOP_LENGTH."""
    squares = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    centres = np.arange(len(samples) // HOP_LENGTH) * HOP_LENGTH
    ends = np.minimum(centres + WINDOW // 2, len(samples))
    sums = squares[ends] - squares[np.maximum(centres - WINDOW // 2, 0)]
    return 10 * np.log10(np.maximum(sums, 0.0) / WINDOW + 1e-10)


def loud_frames(samples: np.ndarray) -> np.ndarray | None:
    """Which frames are loud, (T,) bool; None if floor and peaks are too close to tell."""
    levels = energies(samples)
    if not len(levels):
        return None
    floor, peak = np.percentile(levels, [FLOOR, PEAK])
    if peak - floor < LEAST_RANGE:
        return None
    threshold = max(floor + max(6.0, 0.3 * (peak - floor)), peak - 35.0)
    return binary_opening(levels > threshold, np.ones(SHORTEST))


def frames_of_spans(spans: SpanList, count: int) -> np.ndarray:
    """Which of `count` frames lie within spans of seconds, (count,) bool."""
    loud = np.zeros(count, bool)
    for start, end in spans:
        loud[round(start * SAMPLE_RATE / HOP_LENGTH) : round(end * SAMPLE_RATE / HOP_LENGTH)] = True
    return loud


def speech_frames(loud: np.ndarray) -> np.ndarray:
    """Which frames are speech, given the loud ones: short pauses bridged, and a hangover."""
    wide = np.pad(loud, BRIDGED + HANGOVER)
    bridged = binary_closing(wide, np.ones(BRIDGED + 1))
    later = bridged.copy()
    for k in range(1, HANGOVER + 1):
        later[k:] |= bridged[:-k]
    return later[BRIDGED + HANGOVER : len(wide) - BRIDGED - HANGOVER]


def targets(speech: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels (int8) and weights (float32) of frames: what is near an edge counts for nothing."""
    labels, weights = speech.astype(np.int8), np.ones(len(speech), np.float32)
    edges = np.flatnonzero(np.diff(labels)) + 1
    for edge in edges:
        before, after = AROUND_BEGINNING if labels[edge] else AROUND_END
        weights[max(0, edge - before) : edge + after] = 0.0
    return labels, weights
