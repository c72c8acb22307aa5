"""Mean and standard deviation of the frames of many recordings."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_and_std"]

# A value that changes by less is a constant, whose rounding must not be amplified.
_LEAST = 1e-6


def mean_and_std(
    frames: Iterable[NDArray[np.float32]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    r"""Mean and standard deviation of each value over all frames, one sequence in memory at a time.

    .. math::

        μ_n = \frac{1}{T} \sum_t x_{tn}, \qquad
        σ_n = \sqrt{\frac{1}{T} \sum_t (x_{tn} - μ_n)^2}

    Parameters
    ----------
    frames : iterable of arrays, shape (T_i, n_features), float32
        At least one.

    Returns
    -------
    mean, std : array, shape (n_features,), float32
        1 in place of a standard deviation below 1e-6.

    Raises
    ------
    ValueError
        There are no frames.

    Notes
    -----
    Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979; in float64.

    Examples
    --------
    >>> mean_and_std([np.float32([[1, 5], [3, 5]]), np.float32([[5, 5]])])
    (array([3., 5.], dtype=float32), array([1.6329932, 1.       ], dtype=float32))
    """
    n = 0
    mean: NDArray[np.float64] = np.zeros(0)
    squares: NDArray[np.float64] = np.zeros(0)
    for x in frames:
        there = x.mean(axis=0, dtype=np.float64)
        if n == 0:
            mean, squares = np.zeros_like(there), np.zeros_like(there)
        share = len(x) / (n + len(x))
        squares += ((x - there) ** 2).sum(axis=0) + (there - mean) ** 2 * (n * share)
        mean += (there - mean) * share
        n += len(x)
    if n == 0:
        raise ValueError("frames is empty; expected at least one frame")
    std = np.sqrt(squares / n)
    return mean.astype(np.float32), np.where(std < _LEAST, 1.0, std).astype(np.float32)
