"""Confusions and trade-offs, held against definitions taken word by word, and against sklearn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylstm.evaluation import metrics

# Few distinct values, so that ties are the rule.
SCORED = st.lists(
    st.tuples(st.sampled_from([-1.5, 0.0, 0.1, 0.25, 0.5, 2.0]), st.booleans()), min_size=2
).filter(lambda pairs: len({true for _, true in pairs}) == 2)
DECIDED = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)))


def split(pairs):
    scores, truth = zip(*pairs, strict=True)
    return np.array(scores), np.array(truth)


# --- decisions ------------------------------------------------------------------------------------


@given(DECIDED)
def test_a_confusion_matrix_counts_pairs(pairs):
    targets, predictions = [a for a, _ in pairs], [b for _, b in pairs]
    expected = [[pairs.count((i, j)) for j in range(5)] for i in range(5)]
    np.testing.assert_array_equal(metrics.confusion(targets, predictions, 5), expected)


@given(DECIDED)
def test_rates_are_what_their_names_say(pairs):
    matrix = metrics.confusion([a for a, _ in pairs], [b for _, b in pairs], 5)

    def share(part, whole):
        return part / whole if whole else np.nan

    precision, recall, f1 = (f(matrix) for f in (metrics.precision, metrics.recall, metrics.f1))
    right = sum(a == b for a, b in pairs)
    np.testing.assert_equal(metrics.accuracy(matrix), share(right, len(pairs)))
    for k in range(5):
        hit = sum(a == b == k for a, b in pairs)
        was = sum(a == k for a, _ in pairs)
        said = sum(b == k for _, b in pairs)
        np.testing.assert_equal(precision[k], share(hit, said))
        np.testing.assert_equal(recall[k], share(hit, was))
        np.testing.assert_equal(f1[k], share(2 * hit, was + said))
        if hit:
            p, r = precision[k], recall[k]
            assert f1[k] == pytest.approx(2 * p * r / (p + r))


def test_frames_and_recordings_of_any_shape():
    targets = np.array([[0, 1], [1, 1]])
    matrix = metrics.confusion(targets, targets[::-1], 2)
    np.testing.assert_array_equal(matrix, [[0, 1], [1, 2]])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0.5], [0], 2), TypeError, "targets are float64; expected integers"),
        (([0], [True], 2), TypeError, "predictions are bool"),
        (([0, 1], [0], 2), ValueError, r"shape \(2,\), predictions \(1,\)"),
        (([2], [0], 2), ValueError, "targets hold 2; expected 0 to 1"),
        (([0], [-1], 2), ValueError, "predictions hold -1; expected 0 to 1"),
        (([0], [0], 0), ValueError, "n is 0"),
        (([0], [0], 2.0), ValueError, "n is 2.0"),
    ],
)
def test_classes_that_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        metrics.confusion(*arguments)


@pytest.mark.parametrize(
    ("matrix", "error"), [([1], ValueError), ([[1, -1], [0, 0]], ValueError), ([["a"]], TypeError)]
)
def test_matrices_that_are_refused(matrix, error):
    with pytest.raises(error, match="matrix"):
        metrics.recall(matrix)


# --- scores ---------------------------------------------------------------------------------------


@given(SCORED)
def test_auc_is_the_chance_of_the_right_order(pairs):
    scores, truth = split(pairs)
    difference = scores[truth][:, None] - scores[~truth][None, :]
    expected = ((difference > 0) + 0.5 * (difference == 0)).mean()
    assert metrics.roc_auc(scores, truth) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
@given(SCORED)
def test_auc_of_the_opposite_is_the_rest(pairs):
    scores, truth = split(pairs)
    value = metrics.roc_auc(scores, truth)
    assert metrics.roc_auc(-scores, truth) == pytest.approx(1 - value, abs=1e-12)
    assert metrics.roc_auc(np.exp(scores), truth) == value  # only the order counts


@given(SCORED)
def test_a_det_curve_counts_errors_at_every_threshold(pairs):
    scores, truth = split(pairs)
    curve = metrics.det_curve(scores, truth)
    assert set(curve.thresholds) == {*scores, np.inf}
    assert (np.diff(curve.thresholds) > 0).all()
    for threshold, alarm, miss in zip(*curve, strict=True):
        assert alarm == pytest.approx((scores[~truth] >= threshold).mean())
        assert miss == pytest.approx((scores[truth] < threshold).mean())


@given(SCORED)
def test_the_area_under_the_trade_off_is_the_rest_of_the_auc(pairs):
    scores, truth = split(pairs)
    curve = metrics.det_curve(scores, truth)
    widths = -np.diff(curve.false_alarms)
    area = (widths * (curve.misses[1:] + curve.misses[:-1]) / 2).sum()
    assert 1 - area == pytest.approx(metrics.roc_auc(scores, truth), abs=1e-12)


@pytest.mark.slow
@given(SCORED)
def test_equal_errors_lie_on_the_curve(pairs):
    scores, truth = split(pairs)
    curve = metrics.det_curve(scores, truth)
    rate = metrics.equal_error_rate(scores, truth)
    at_most = min(max(a, m) for a, m in zip(curve.false_alarms, curve.misses, strict=True))
    at_least = max(min(a, m) for a, m in zip(curve.false_alarms, curve.misses, strict=True))
    assert at_least - 1e-12 <= rate <= at_most + 1e-12
    if (curve.false_alarms == curve.misses).any():
        assert rate == pytest.approx(at_most)


@pytest.mark.slow
def test_sklearn_agrees():
    sklearn = pytest.importorskip("sklearn.metrics", reason="pip install scikit-learn")
    draw = np.random.default_rng(0)
    truth = draw.random(300) < 0.3
    scores = np.round(draw.normal(size=300) + truth, 1)  # ties
    assert metrics.roc_auc(scores, truth) == pytest.approx(sklearn.roc_auc_score(truth, scores))
    curve = metrics.det_curve(scores, truth)
    ours = {t: (a, m) for t, a, m in zip(*curve, strict=True)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sklearn.det_curve(truth, scores)
    for alarm, miss, threshold in zip(*theirs, strict=True):
        assert ours[threshold] == pytest.approx((alarm, miss))
    targets, guesses = draw.integers(0, 4, (2, 500))
    matrix = metrics.confusion(targets, guesses, 4)
    np.testing.assert_array_equal(matrix, sklearn.confusion_matrix(targets, guesses))
    p, r, f, _ = sklearn.precision_recall_fscore_support(targets, guesses)
    np.testing.assert_allclose(metrics.precision(matrix), p)
    np.testing.assert_allclose(metrics.recall(matrix), r)
    np.testing.assert_allclose(metrics.f1(matrix), f)


@pytest.mark.parametrize("measure", [metrics.roc_auc, metrics.det_curve, metrics.equal_error_rate])
@pytest.mark.parametrize(
    ("scores", "truth", "error", "message"),
    [
        ([0.1, 0.2], [True, True], ValueError, "nothing in truth is False"),
        ([], [], (TypeError, ValueError), "truth"),
        ([0.1, np.nan], [True, False], ValueError, "scores hold NaN"),
        ([0.1], [True, False], ValueError, r"shape \(1,\), truth \(2,\)"),
        (["a", "b"], [True, False], TypeError, "scores are"),
        ([0.1, 0.2], [0, 2], TypeError, "truth is"),
        ([0.1, 0.2], [0.0, 1.0], TypeError, "truth is float64"),
    ],
)
def test_scores_that_are_refused(measure, scores, truth, error, message):
    with pytest.raises(error, match=message):
        measure(scores, truth)


def test_infinite_scores_have_a_rank_but_no_threshold_above():
    assert metrics.roc_auc([np.inf, 0.0], [True, False]) == 1.0
    with pytest.raises(ValueError, match="infinity"):
        metrics.det_curve([np.inf, 0.0], [True, False])
