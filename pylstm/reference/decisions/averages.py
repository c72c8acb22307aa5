r"""Averages of posteriors that no order of summation changes.

Sums of binary fractions are exact as long as they fit, and then there is no first and no last
summand: a stream that adds what comes and subtracts what goes has the sum that a whole recording
has.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Integers = NDArray[np.int64]

ONE = 2**32
"""The integer that stands for 1."""

LARGEST = 256.0
"""Posteriors beyond it, of either sign, count as this much."""


def on_grid(values: ArrayLike) -> Integers:
    r"""Values as multiples of :math:`2^{-32}`.

    .. math:: q(x) = \mathrm{round}(2^{32} \max(-256, \min(256, x)))

    where halves are rounded away from 0, and NaN is 0.

    Examples
    --------
    >>> on_grid([0.5, 1000.0, float("nan")])
    array([   2147483648, 1099511627776,             0])
    """
    x = np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=LARGEST, neginf=-LARGEST)
    x = np.clip(x, -LARGEST, LARGEST) * ONE
    return np.trunc(x + np.copysign(0.5, x)).astype(np.int64)


def sums(posteriors: ArrayLike, smoothing_frames: int) -> Integers:
    r"""The sum of the last rows, for each row; rows before the first count as 0.

    .. math:: S_k(t) = \sum_{u = \max(0, t - n + 1)}^{t} q(p_k(u))

    with n = smoothing_frames. :math:`S_k(t) / (2^{32} n)` is the average of label k on row t. It
    reaches a threshold θ if :math:`S_k(t) \ge n \, q(θ)`.

    Parameters
    ----------
    posteriors : (T, n_outputs) or (T,)
    smoothing_frames : int

    Returns
    -------
    as posteriors, int64

    Examples
    --------
    >>> sums([1.0, 1.0, 0.0, 0.0], 2) / ONE
    array([1., 2., 1., 0.])
    """
    q = on_grid(posteriors)
    found = np.zeros_like(q)
    for t in range(len(q)):
        found[t] = q[max(0, t - smoothing_frames + 1) : t + 1].sum(axis=0)
    return found
