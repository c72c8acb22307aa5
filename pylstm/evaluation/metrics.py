"""How good a model is: counts of confusions, and trade-offs over all thresholds.

scikit-learn does the counting. Here is what it leaves to its callers: arguments are checked and
never cast or dropped, a trade-off has all of its points, and a rate whose denominator is 0 (the
precision of a class that was never predicted) is NaN.

A confusion matrix has a row for each true class and a column for each predicted one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylstm.arguments import count
from pylstm.brief_repr import named_values

__all__ = [
    "ClassRates",
    "DetCurve",
    "class_rates",
    "confusion",
    "det_curve",
    "equal_error_rate",
    "roc_auc",
]

Floats = NDArray[np.float64]


# --- decisions ------------------------------------------------------------------------------------


def confusion(targets: ArrayLike, predictions: ArrayLike, n: int) -> NDArray[np.int64]:
    r"""How often each class was predicted as which.

    .. math::

        C_{ij} = |\{k : target_k = i, \; prediction_k = j\}|

    Parameters
    ----------
    targets, predictions : arrays of integers, of the same shape
        Classes, 0 to n - 1.
    n : int
        Number of classes.

    Returns
    -------
    array, shape (n, n), int64
        Rows: true classes; columns: predicted classes.

    Raises
    ------
    TypeError
        Something other than integers.
    ValueError
        Shapes that differ, or a class outside of 0 to n - 1.
    ImportError
        scikit-learn is missing.

    Examples
    --------
    >>> confusion([0, 0, 1, 2], [0, 1, 1, 0], 3)
    array([[1, 1, 0],
           [0, 1, 0],
           [1, 0, 0]])
    """
    true, predicted = _classes(targets, predictions, n)
    if not true.size:  # scikit-learn refuses it
        return np.zeros((n, n), np.int64)
    matrix: NDArray[np.int64] = _sklearn().confusion_matrix(true, predicted, labels=np.arange(n))
    return matrix


class ClassRates(NamedTuple):
    """Rates of each class, (n,) each; NaN where the denominator is 0."""

    precision: Floats
    r"""The share of the predictions of a class that are correct, :math:`C_{jj} / \sum_i C_{ij}`."""
    recall: Floats
    r"""The share of a class that was found, :math:`C_{ii} / \sum_j C_{ij}`."""
    f1: Floats
    """The harmonic mean of precision and recall."""


def class_rates(targets: ArrayLike, predictions: ArrayLike, n: int) -> ClassRates:
    """Precision, recall and F1 of each class.

    Parameters and errors are those of `confusion`.

    Examples
    --------
    >>> class_rates([0, 0, 0, 1], [0, 0, 1, 1], 3)
    ClassRates(precision=array([1. , 0.5, nan]),
               recall=array([0.66666667, 1.        , nan]),
               f1=array([0.8       , 0.66666667, nan]))
    """
    true, predicted = _classes(targets, predictions, n)
    if not true.size:  # scikit-learn refuses it
        return ClassRates(*np.full((3, n), np.nan))
    return ClassRates(
        *_sklearn().precision_recall_fscore_support(
            true, predicted, labels=np.arange(n), zero_division=np.nan
        )[:3]
    )


# --- scores ---------------------------------------------------------------------------------------


def roc_auc(scores: ArrayLike, truth: ArrayLike) -> float:
    r"""The probability that a true example scores higher than a false one; ties count half.

    .. math::

        AUC = \frac{1}{n_+ n_-} \sum_{i: true} \sum_{j: false}
              \left([s_i > s_j] + \tfrac12 [s_i = s_j]\right)

    It is the area under the curve of detections over false alarms.

    Parameters
    ----------
    scores : array, shape (n,), real numbers
        Higher: more likely true. Infinity is a score like others; NaN is refused.
    truth : array, shape (n,), bool
        What is true; 0 and 1 are accepted.

    Returns
    -------
    float
        1: every true example scores above every false one; 0.5: chance.

    Raises
    ------
    TypeError, ValueError
        Not 1-D, lengths that differ, NaN, or only one of true and false.
    ImportError
        scikit-learn is missing.

    Examples
    --------
    >>> roc_auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.75
    """
    _, ranks, true = _ranked(scores, truth)
    return float(_sklearn().roc_auc_score(true, ranks))


class DetCurve(NamedTuple):
    """The errors of a detector that says "true" from a threshold on, for every threshold."""

    thresholds: Floats
    """From low to high: each distinct score, and infinity, at which nothing is detected."""
    false_alarms: Floats
    """The share of false examples that score at least the threshold; falls from 1 to 0."""
    misses: Floats
    """The share of true examples that score less than the threshold; rises from 0 to 1."""

    def __repr__(self) -> str:
        return named_values(self, self._asdict())


def det_curve(scores: ArrayLike, truth: ArrayLike) -> DetCurve:
    r"""Detection-error trade-off: the miss rate against the false-alarm rate.

    .. math::

        P_{fa}(θ) = \frac{|\{j: false, \; s_j \ge θ\}|}{n_-}, \qquad
        P_{miss}(θ) = \frac{|\{i: true, \; s_i < θ\}|}{n_+}

    Parameters are those of `roc_auc`.

    Returns
    -------
    DetCurve
        A point for each distinct score and one for infinity: every trade-off that there is.

    Raises
    ------
    TypeError, ValueError, ImportError
        As `roc_auc`; also for a score of infinity.

    Notes
    -----
    Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.
    From ``sklearn.metrics.roc_curve``, because ``sklearn.metrics.det_curve`` drops points where a
    rate is still 0 or 1.

    Examples
    --------
    >>> curve = det_curve([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    >>> curve.thresholds, curve.false_alarms, curve.misses
    (array([0.1 , 0.35, 0.4 , 0.8 ,  inf]),
     array([1. , 0.5, 0.5, 0. , 0. ]),
     array([0. , 0. , 0.5, 0.5, 1. ]))
    """
    values, ranks, true = _ranked(scores, truth)
    if np.isposinf(values[-1]):
        raise ValueError("scores holds infinity; expected finite scores or -infinity")
    false_alarms, detections, _ = _sklearn().roc_curve(true, ranks, drop_intermediate=False)
    return DetCurve(np.append(values, np.inf), false_alarms[::-1], 1 - detections[::-1])


def equal_error_rate(scores: ArrayLike, truth: ArrayLike) -> float:
    """The rate at which misses and false alarms are equally frequent.

    Where no threshold makes them equal, it lies on the straight line between the two neighbouring
    points of `det_curve`.

    Parameters and errors are those of `det_curve`.

    Returns
    -------
    float
        0: a threshold separates them; 0.5: chance.

    Examples
    --------
    >>> equal_error_rate([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.5
    >>> equal_error_rate([0.1, 0.2, 0.7, 0.8], [False, False, True, True])
    0.0
    """
    curve = det_curve(scores, truth)
    # Falls from 1 to -1, so it crosses 0 once.
    excess = curve.false_alarms - curve.misses
    after = int(np.argmax(excess <= 0))
    before = after - 1
    part = excess[before] / (excess[before] - excess[after])
    step = curve.misses[after] - curve.misses[before]
    return float(curve.misses[before] + part * step)


# --- arguments ------------------------------------------------------------------------------------


def _sklearn() -> Any:
    try:
        import sklearn.metrics
    except ImportError as error:
        raise ImportError(
            f'metrics need scikit-learn: pip install "pylstm[train]" ({error})'
        ) from None
    return sklearn.metrics


def _classes(targets: ArrayLike, predictions: ArrayLike, n: int) -> list[NDArray[np.int64]]:
    """Targets and predictions, flat; scikit-learn would cast floats and drop unknown classes."""
    count("n", n, 1)
    arrays = {"targets": np.asarray(targets), "predictions": np.asarray(predictions)}
    for name, array in arrays.items():
        if array.shape != arrays["targets"].shape:
            raise ValueError(
                f"{name} has shape {array.shape}; expected {arrays['targets'].shape}, as targets"
            )
        if not array.size:
            continue  # an empty list has the dtype float64
        if array.dtype.kind not in "iu":
            raise TypeError(f"{name} is {array.dtype}; expected integers")
        for extreme in (array.min(), array.max()):
            if not 0 <= extreme < n:
                raise ValueError(f"{name} holds {extreme}; expected 0 to {n - 1}")
    return [array.ravel().astype(np.int64) for array in arrays.values()]


def _ranked(
    scores: ArrayLike, truth: ArrayLike
) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
    """The distinct scores, the rank of each score among them, and what is true.

    Ranks stand for scores because scikit-learn refuses infinity.
    """
    values, true = np.asarray(scores), np.asarray(truth)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"scores is {values.dtype}; expected real numbers")
    if true.dtype.kind not in "biu" or not np.isin(true, (0, 1)).all():
        raise TypeError(f"truth is {true.dtype}; expected True and False, or 0 and 1")
    if values.ndim != 1:
        raise ValueError(f"scores has shape {values.shape}; expected (n,)")
    if values.shape != true.shape:
        raise ValueError(f"truth has shape {true.shape}; expected {values.shape}, as scores")
    if np.isnan(values).any():
        raise ValueError("scores holds NaN; expected numbers")
    true = true.astype(bool)
    for is_true in (True, False):
        if not (true == is_true).any():
            raise ValueError(f"truth holds no {is_true}; expected both True and False")
    distinct, ranks = np.unique(values.astype(np.float64), return_inverse=True)
    return distinct, ranks, true
