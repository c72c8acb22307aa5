"""How good a model is: counts of confusions, and trade-offs over all thresholds.

A confusion matrix has a row for every true class and a column for every predicted one. A rate whose
denominator is 0 (the precision of a class that was never predicted) is NaN: it is not known, which
is neither 0 nor 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "DetCurve",
    "accuracy",
    "confusion",
    "det_curve",
    "equal_error_rate",
    "f1",
    "precision",
    "recall",
    "roc_auc",
]

Floats = NDArray[np.float64]


# --- decisions ------------------------------------------------------------------------------------


def confusion(targets: ArrayLike, predictions: ArrayLike, n: int) -> NDArray[np.int64]:
    r"""How often which class was taken for which.

    .. math::

        C_{ij} = |\{k : target_k = i, \; prediction_k = j\}|

    Parameters
    ----------
    targets, predictions : arrays of integers, of the same shape
        Classes, 0 to n - 1.
    n : int
        How many classes there are.

    Returns
    -------
    array, shape (n, n), int64
        Rows: what it was; columns: what it was taken for.

    Raises
    ------
    TypeError
        Something other than integers.
    ValueError
        Shapes that differ, or a class outside of 0 to n - 1.

    Examples
    --------
    >>> confusion([0, 0, 1, 2], [0, 1, 1, 0], 3)
    array([[1, 1, 0],
           [0, 1, 0],
           [1, 0, 0]])
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"n is {n!r}; expected a whole number from 1")
    truth, guess = _classes("targets", targets, n), _classes("predictions", predictions, n)
    if truth.shape != guess.shape:
        raise ValueError(
            f"targets have shape {truth.shape}, predictions {guess.shape}; expected the same"
        )
    pairs = truth.ravel() * np.int64(n) + guess.ravel()
    return np.bincount(pairs, minlength=n * n).reshape(n, n).astype(np.int64)


def accuracy(matrix: ArrayLike) -> float:
    r"""The share of decisions that were right: :math:`\sum_i C_{ii} / \sum_{ij} C_{ij}`.

    Parameters
    ----------
    matrix : array, shape (n, n)
        From `confusion`.

    Returns
    -------
    float
        NaN without any decision.

    Examples
    --------
    >>> accuracy([[3, 1], [0, 4]])
    0.875
    """
    counts = _matrix(matrix)
    return float(_share(np.trace(counts), counts.sum()))


def precision(matrix: ArrayLike) -> Floats:
    r"""Of what was taken for a class, the share that was it: :math:`C_{jj} / \sum_i C_{ij}`.

    Parameters
    ----------
    matrix : array, shape (n, n)
        From `confusion`.

    Returns
    -------
    array, shape (n,), float64
        NaN for a class that was never predicted.

    Examples
    --------
    >>> precision([[3, 1], [0, 4]])
    array([1. , 0.8])
    """
    counts = _matrix(matrix)
    return _share(np.diagonal(counts), counts.sum(axis=0))


def recall(matrix: ArrayLike) -> Floats:
    r"""Of what was of a class, the share that was found: :math:`C_{ii} / \sum_j C_{ij}`.

    Parameters
    ----------
    matrix : array, shape (n, n)
        From `confusion`.

    Returns
    -------
    array, shape (n,), float64
        NaN for a class that never occurred.

    Examples
    --------
    >>> recall([[3, 1], [0, 4]])
    array([0.75, 1.  ])
    """
    counts = _matrix(matrix)
    return _share(np.diagonal(counts), counts.sum(axis=1))


def f1(matrix: ArrayLike) -> Floats:
    r"""The harmonic mean of precision and recall.

    .. math::

        F_i = \frac{2 C_{ii}}{\sum_j C_{ij} + \sum_j C_{ji}}

    Parameters
    ----------
    matrix : array, shape (n, n)
        From `confusion`.

    Returns
    -------
    array, shape (n,), float64
        NaN for a class that neither occurred nor was predicted.

    Examples
    --------
    >>> f1([[2, 2], [0, 4]]).round(3)
    array([0.667, 0.8  ])
    """
    counts = _matrix(matrix)
    return _share(2 * np.diagonal(counts), counts.sum(axis=0) + counts.sum(axis=1))


# --- scores ---------------------------------------------------------------------------------------


def roc_auc(scores: ArrayLike, truth: ArrayLike) -> float:
    r"""How likely something true scores higher than something false; ties count half.

    .. math::

        AUC = \frac{1}{n_+ n_-} \sum_{i: true} \sum_{j: false}
              \left([s_i > s_j] + \tfrac12 [s_i = s_j]\right)
            = \frac{R_+ - n_+ (n_+ + 1) / 2}{n_+ n_-}

    with :math:`R_+` the sum of the mean ranks of what is true. It is the area under the curve of
    detections over false alarms.

    Parameters
    ----------
    scores : array, shape (n,), real numbers
        Higher: more likely true. Infinity is a score like others, NaN is none.
    truth : array, shape (n,), bool
        What is true (0 and 1 will do).

    Returns
    -------
    float
        1: all that is true scores above all that is false; 0.5: chance.

    Raises
    ------
    TypeError, ValueError
        Not 1-D, lengths that differ, NaN, or only one of true and false.

    Notes
    -----
    The statistic of Mann and Whitney, "On a test of whether one of two random variables is
    stochastically larger than the other", 1947.

    Examples
    --------
    >>> roc_auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.75
    """
    values, true = _scored(scores, truth)
    n_true = int(true.sum())
    n_false = len(true) - n_true
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2  # the mean of the ranks of those that tie
    total = float(rank[place.ravel()][true].sum())
    return (total - n_true * (n_true + 1) / 2) / (n_true * n_false)


class DetCurve(NamedTuple):
    """What a detector that says "true" from a threshold on gets wrong, for every threshold."""

    thresholds: Floats
    """From low to high: each distinct score, and infinity, from which on nothing is detected."""
    false_alarms: Floats
    """The share of what is false that scores at least the threshold; falls from 1 to 0."""
    misses: Floats
    """The share of what is true that scores less than the threshold; rises from 0 to 1."""


def det_curve(scores: ArrayLike, truth: ArrayLike) -> DetCurve:
    r"""Detection-error trade-off: the rate of misses against that of false alarms.

    .. math::

        P_{fa}(θ) = \frac{|\{j: false, \; s_j \ge θ\}|}{n_-}, \qquad
        P_{miss}(θ) = \frac{|\{i: true, \; s_i < θ\}|}{n_+}

    Parameters
    ----------
    scores : array, shape (n,), real numbers
        Higher: more likely true.
    truth : array, shape (n,), bool
        What is true.

    Returns
    -------
    DetCurve
        A point for each distinct score and one for infinity: every trade-off that there is.

    Raises
    ------
    TypeError, ValueError
        As `roc_auc`.

    Notes
    -----
    Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.
    Unlike ``sklearn.metrics.det_curve`` (1.8), which drops points where one rate is still 0 or 1,
    all points are there, the last at infinity included.

    Examples
    --------
    >>> curve = det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    >>> curve.thresholds, curve.false_alarms, curve.misses
    (array([0.1 , 0.35, 0.4 , 0.8 ,  inf]),
     array([1. , 0.5, 0.5, 0. , 0. ]),
     array([0. , 0. , 0.5, 0.5, 1. ]))
    """
    values, true = _scored(scores, truth)
    if np.isposinf(values).any():
        raise ValueError("scores hold infinity: no threshold is above it")
    thresholds, place = np.unique(values, return_inverse=True)
    place = place.ravel()
    n_true = np.bincount(place[true], minlength=len(thresholds))
    n_false = np.bincount(place[~true], minlength=len(thresholds))
    below_true = np.concatenate([[0], np.cumsum(n_true)])
    below_false = np.concatenate([[0], np.cumsum(n_false)])
    return DetCurve(
        np.append(thresholds, np.inf),
        (below_false[-1] - below_false) / below_false[-1],
        below_true / below_true[-1],
    )


def equal_error_rate(scores: ArrayLike, truth: ArrayLike) -> float:
    """The rate at which misses and false alarms are equally frequent.

    Where no threshold makes them equal, the straight line between the two points of `det_curve`
    around that place is followed to where they are.

    Parameters
    ----------
    scores : array, shape (n,), real numbers
        Higher: more likely true.
    truth : array, shape (n,), bool
        What is true.

    Returns
    -------
    float
        0: a threshold divides them; 0.5: chance.

    Raises
    ------
    TypeError, ValueError
        As `roc_auc`.

    Examples
    --------
    >>> equal_error_rate([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.5
    >>> equal_error_rate([0.1, 0.2, 0.7, 0.8], [False, False, True, True])
    0.0
    """
    curve = det_curve(scores, truth)
    # Falls from 1 to -1, point by point or not at all: it crosses 0 once.
    excess = curve.false_alarms - curve.misses
    after = int(np.argmax(excess <= 0))
    before = after - 1
    part = excess[before] / (excess[before] - excess[after])
    step = curve.misses[after] - curve.misses[before]
    return float(curve.misses[before] + part * step)


# --- what came ------------------------------------------------------------------------------------


def _classes(name: str, values: ArrayLike, n: int) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.size == 0:
        return np.zeros(array.shape, np.int64)  # an empty list has the dtype float64
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} are {array.dtype}; expected integers")
    for extreme in (array.min(), array.max()):
        if not 0 <= extreme < n:
            raise ValueError(f"{name} hold {extreme}; expected 0 to {n - 1}")
    return array.astype(np.int64)


def _matrix(matrix: ArrayLike) -> NDArray[Any]:
    counts = np.asarray(matrix)
    if counts.dtype.kind not in "iuf":
        raise TypeError(f"matrix is {counts.dtype}; expected counts")
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"matrix has shape {counts.shape}; expected (n, n)")
    if not (counts >= 0).all():
        raise ValueError("matrix holds a negative number or NaN; expected counts")
    return counts


def _share(part: Any, whole: Any) -> Floats:
    """part / whole, NaN where there is no whole."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _scored(scores: ArrayLike, truth: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    values, true = np.asarray(scores), np.asarray(truth)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"scores are {values.dtype}; expected real numbers")
    if true.dtype.kind not in "biu" or not np.isin(true, (0, 1)).all():
        raise TypeError(f"truth is {true.dtype}; expected True and False, or 0 and 1")
    if values.ndim != 1 or values.shape != true.shape:
        raise ValueError(
            f"scores have shape {values.shape}, truth {true.shape}; expected (n,), the same"
        )
    values = values.astype(np.float64)
    if np.isnan(values).any():
        raise ValueError("scores hold NaN; expected numbers")
    true = true.astype(bool)
    for is_true in (True, False):
        if not (true == is_true).any():
            raise ValueError(f"nothing in truth is {is_true}; expected both True and False")
    return values, true
