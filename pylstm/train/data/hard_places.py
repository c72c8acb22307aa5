"""Where a model finds words in audio that has none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pylstm.audio import AudioFile
from pylstm.model import Model
from pylstm.train.data.stretches import Place, Stretches

__all__ = ["hard_places"]

# A posterior, averaged over so many seconds, from which on a place is hard.
_SMOOTHING = 0.2
_HARD = 0.3
# Places nearer to each other than this are one, seconds.
_APART = 1.0
# What is listened to in one go, at most, seconds: a minute's work for a model of usual size.
_MOST_SECONDS = 3600.0


def hard_places(
    model: Model, stretches: Stretches, words: Sequence[int], begin: int = 0
) -> tuple[Place, ...]:
    """Listens to files as one stream, and gives the places where a word seems to be.

    Parameters
    ----------
    model : Model
        With features.
    stretches : Stretches
        Audio without the words.
    words : sequence of int
        The outputs that are words.
    begin : int
        The file to begin with. An hour of audio is listened to at most.

    Returns
    -------
    tuple of Place

    Raises
    ------
    AudioError
        A file cannot be read.
    """
    found: list[Place] = []
    stream, features = model.stream(), model.features
    assert features is not None
    assert model.hop_length is not None
    seconds = model.hop_length / features.sr
    heard = 0.0
    for k in range(len(stretches)):
        file = (begin + k) % len(stretches)
        stream.reset()
        with AudioFile(stretches.paths[file], features.sr) as audio:
            rows = [stream.push(chunk) for chunk in audio.chunks(features.sr)]
        posteriors = np.concatenate([*rows, stream.flush()])[:, list(words)]
        found += [Place(file, at) for at in _peaks(posteriors.max(axis=1), seconds)]
        heard += float(stretches.lengths[file])
        if heard >= _MOST_SECONDS:
            break
    return tuple(found)


def _peaks(scores: NDArray[np.float32], hop: float) -> list[float]:
    """The times of the highest averages, highest first; none is near another."""
    n = max(1, round(_SMOOTHING / hop))
    if len(scores) < n:
        return []
    smooth = np.convolve(scores, np.full(n, 1 / n, np.float32), "valid")
    peaks: list[float] = []
    for place in np.argsort(-smooth, kind="stable"):
        if smooth[place] < _HARD:
            break
        at = (float(place) + n / 2) * hop
        if all(abs(at - other) >= _APART for other in peaks):
            peaks.append(at)
    return peaks
