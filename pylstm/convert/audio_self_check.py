"""Whether a model that was converted hears what its source hears."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.self_check import in_random_cuts, largest_distance
from pylstm.model import Model

__all__ = ["largest_difference_of_audio"]

Array = NDArray[np.float32]


def largest_difference_of_audio(
    model: Model, run_source: Callable[[Array], Array], seconds: float = 10.0, seed: int = 0
) -> float:
    """Runs the source and the model side by side, over tones in noise, loud and soft.

    Parameters
    ----------
    model : Model
        What was made of the source, with its features. It streams the audio in random cuts.
    run_source : callable
        Samples (n,), float32, to the rows (T, n_outputs) of the source, from the beginning.
    seconds : float
        How much audio.
    seed : int
        Of the audio and the cuts.

    Returns
    -------
    float
        The largest distance of two values.

    Raises
    ------
    ValueError
        As in `largest_difference`.

    Examples
    --------
    >>> import pylstm
    >>> model = pylstm.Model(pylstm.LogMel(), [pylstm.Dense(40, 2, "tanh", seed=0)])
    >>> largest_difference_of_audio(model, model.run, seconds=0.5) < 1e-5
    True
    """
    rng = np.random.default_rng(seed)
    rate = model.sample_rate
    assert rate is not None
    samples = _tones(rng, rate, seconds)
    stream = model.stream()
    given = in_random_cuts(samples, rng, rate // 50, stream.push, stream.flush)
    return largest_distance(given, run_source(samples.copy()), f"{seconds:g} s of audio")


def _tones(rng: np.random.Generator, rate: int, seconds: float) -> Array:
    """Harmonic tones and noise; pitch and loudness are others every tenth of a second."""
    n = int(seconds * rate)
    of_piece = np.arange(n) // (rate // 10)
    pieces = int(of_piece.max(initial=0)) + 1
    pitch = rng.uniform(80, 300, pieces)[of_piece]
    loudness = (10 ** rng.uniform(-3, -0.5, pieces))[of_piece]
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    tone = sum(np.sin(k * phase) / k for k in range(1, 11))
    noise = rng.standard_normal(n)
    samples: Array = (loudness * (0.4 * tone + 0.1 * noise)).astype(np.float32)
    return np.clip(samples, -1, 1)
