"""Where in a recording somebody speaks, by its energy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "spoken_blocks", "spoken_part"]

# Seconds over which energy is measured.
BLOCK = 0.01
# Speech is above the floor of a recording by this share of the way to its loudest blocks, in dB,
# and not more than so many decibels below these.
_SHARE = 0.4
_RANGE_DB = 35.0
# Blocks this close to the loudest ones are speech whatever the floor; digital silence is never.
_STEADY_DB = 6.0
_SILENCE_DB = -90.0
# Sounds of one word are no further apart: the pause before the t of "right".
_WITHIN_WORD = 0.16
# Shorter sounds beside a word are clicks.
_SHORTEST = 0.04


def spoken_blocks(y: NDArray[np.float32], sample_rate: int) -> NDArray[np.bool_]:
    r"""Whether there is speech in each block of 10 ms.

    With the energies :math:`E_b` of the blocks in dB, smoothed over 30 ms, their 10th percentile
    as floor and their 98th percentile as peak, block b is speech if

    .. math:: E_b > \max(\min(\max(floor + 0.4\,(peak - floor),\, peak - 35),\; peak - 6),\; -90)

    It is meant for recordings without much noise: what is louder than a floor is speech, and where
    all is about as loud, there is no floor in it.

    Parameters
    ----------
    y : array, shape (n,), float32
    sample_rate : int
        Hz.

    Returns
    -------
    array of bool, shape (ceil(n / block),)
        All false in silence.
    """
    size = max(1, round(BLOCK * sample_rate))
    n = -(-len(y) // size)
    if not n:
        return np.zeros(0, np.bool_)
    padded = np.zeros(n * size, np.float32)
    padded[: len(y)] = y
    power = np.square(padded, dtype=np.float64).reshape(n, size).mean(axis=1)
    power = np.convolve(power, np.full(3, 1 / 3))[1:-1] if n > 2 else power
    level = 10 * np.log10(power + 1e-10)
    ordered = np.sort(level)
    floor, peak = ordered[int(0.1 * (n - 1))], ordered[int(0.98 * (n - 1))]
    least = max(floor + _SHARE * (peak - floor), peak - _RANGE_DB)
    found: NDArray[np.bool_] = level > max(min(least, peak - _STEADY_DB), _SILENCE_DB)
    return found


def spoken_part(y: NDArray[np.float32], sample_rate: int) -> tuple[float, float]:
    """From when to when a word is spoken in a recording of one word.

    Sounds at most 160 ms apart belong together; of several such parts, the one with the most
    energy is the word.

    Parameters
    ----------
    y : array, shape (n,), float32
    sample_rate : int
        Hz.

    Returns
    -------
    (float, float)
        Seconds from the beginning; the whole recording where nothing stands out.

    Examples
    --------
    >>> y = np.zeros(16000, np.float32)
    >>> y[4000:8000] = np.sin(np.arange(4000))
    >>> start, end = spoken_part(y, 16000)  # 0.25 to 0.5 s, and a block more at either end
    >>> round(start, 2), round(end, 2)
    (0.24, 0.51)
    """
    seconds = len(y) / sample_rate
    blocks = np.flatnonzero(spoken_blocks(y, sample_rate))
    if not len(blocks):
        return 0.0, seconds
    apart = np.flatnonzero(np.diff(blocks) > _WITHIN_WORD / BLOCK) + 1
    size = max(1, round(BLOCK * sample_rate))
    best, most = (0.0, seconds), -1.0
    for part in np.split(blocks, apart):
        first, end = int(part[0]), int(part[-1]) + 1
        if end - first < _SHORTEST / BLOCK:
            continue
        energy = float(np.square(y[first * size : end * size], dtype=np.float64).sum())
        if energy > most:
            best, most = (first * BLOCK, min(end * BLOCK, seconds)), energy
    return best
