"""Whether a conversion gives the rows that its source gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.model import Model

__all__ = ["TOLERANCE", "largest_difference", "largest_difference_of_audio"]

Array = NDArray[np.float32]

TOLERANCE = 1e-4
"""What no file is written above. Sums of float32 in another order stay far below it, unless values
are much larger than 1."""

# Cuts of one frame, of a few, and of many, which the engine runs in different ways.
_CUTS = (1, 2, 5, 13, 40)


def largest_difference(
    layers: Any, run_source: Callable[[Array], Array], n_frames: int = 400, seed: int = 0
) -> float:
    """Runs the source and what was made of it side by side, over random frames.

    .. math:: \\max_{t,k} |y_{t,k} - y'_{t,k}|

    Parameters
    ----------
    layers : list of Layer, or dict of str to tuple
        What was made of the source, as `Model` takes it. It streams the frames in random cuts.
    run_source : callable
        Frames (T, n_features), float32, to the rows (T', n_outputs) of the source, from the
        beginning.
    n_frames : int
        T. The frames are normally distributed.
    seed : int
        Of the frames and the cuts.

    Returns
    -------
    float
        The largest distance of two values.

    Raises
    ------
    ValueError
        The source gives other rows in number or width, or rows that are not finite.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> dense = pylstm.Dense(3, 2, seed=0)
    >>> weight, bias = dense.weights["weight"], dense.weights["bias"]
    >>> largest_difference([dense], lambda x: x @ weight.T + bias) < 1e-5
    True
    """
    rng = np.random.default_rng(seed)
    model = Model(None, layers)
    frames = rng.standard_normal((n_frames, model.n_features)).astype(np.float32)
    expected = np.asarray(run_source(frames.copy()), np.float32)
    stream = model.stream()
    given = _in_cuts(frames, rng, 1, stream.push_frames, stream.flush)
    return _distance(expected, given, number_of(n_frames, "frame"))


def largest_difference_of_audio(
    model: Model, run_source: Callable[[Array], Array], seconds: float = 10.0, seed: int = 0
) -> float:
    """The same for a model that takes audio: tones in noise, loud and soft, in random cuts.

    Parameters
    ----------
    model : Model
        What was made of the source, with its features.
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
    expected = np.asarray(run_source(samples.copy()), np.float32)
    stream = model.stream()
    given = _in_cuts(samples, rng, rate // 50, stream.push, stream.flush)
    return _distance(expected, given, f"{seconds:g} s of audio")


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


def _in_cuts(
    values: Array,
    rng: np.random.Generator,
    unit: int,
    push: Callable[[Array], Array],
    flush: Callable[[], Array],
) -> Array:
    """All rows of a stream that is given values in random cuts of about so many units."""
    rows, done = [], 0
    while done < len(values):
        count = int(rng.choice(_CUTS)) * unit + (int(rng.integers(unit)) if unit > 1 else 0)
        rows.append(push(values[done : done + count]))
        done += count
    return np.concatenate([*rows, flush()])


def _distance(expected: Array, given: Array, of_what: str) -> float:
    if expected.shape != given.shape:
        raise ValueError(
            f"the source gives rows of shape {expected.shape} for {of_what};"
            f" expected {given.shape}, as the layers give"
        )
    if not np.isfinite(expected).all():
        raise ValueError("the source gives rows that are not finite; expected numbers")
    return float(np.abs(given - expected).max(initial=0.0))
