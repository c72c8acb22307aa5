"""Confusions and trade-offs, held against their definitions and figures worked out by hand."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.evaluation import metrics

pytest.importorskip("sklearn.metrics", reason="metrics: pip install 'pylstm[train]'")

# Few distinct values, so that ties are the rule.
SCORED = st.lists(
    st.tuples(st.sampled_from([-1.5, 0.0, 0.1, 0.25, 0.5, 2.0]), st.booleans()), min_size=2
).filter(lambda pairs: len({true for _, true in pairs}) == 2)
DECIDED = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)))


def split(pairs):
    scores, truth = zip(*pairs, strict=True)
    return np.array(scores), np.array(truth)


# --- decisions ------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(deadline=None)
@given(DECIDED)
def test_a_confusion_matrix_counts_pairs(pairs):
    targets, predictions = [a for a, _ in pairs], [b for _, b in pairs]
    expected = [[pairs.count((i, j)) for j in range(5)] for i in range(5)]
    np.testing.assert_array_equal(metrics.confusion(targets, predictions, 5), expected)


@pytest.mark.slow
@settings(deadline=None)
@given(DECIDED)
def test_rates_are_what_their_names_say(pairs):
    targets, predictions = [a for a, _ in pairs], [b for _, b in pairs]

    def share(part, whole):
        return part / whole if whole else np.nan

    precision, recall, f1 = metrics.class_rates(targets, predictions, 5)
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
    assert metrics.class_rates(targets, targets[::-1], 2).recall.tolist() == [0, 2 / 3]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0.5], [0], 2), TypeError, "targets is float64; expected integers"),
        (([0], [True], 2), TypeError, "predictions is bool; expected integers"),
        (([0, 1], [0], 2), ValueError, r"predictions has shape \(1,\); expected \(2,\)"),
        (([2], [0], 2), ValueError, "targets holds 2; expected 0 to 1"),
        (([0], [-1], 2), ValueError, "predictions holds -1; expected 0 to 1"),
        (([0], [0], 0), ValueError, "n is 0"),
        (([0], [0], 2.0), TypeError, "n is 2.0"),
    ],
)
@pytest.mark.parametrize("measure", [metrics.confusion, metrics.class_rates])
def test_classes_that_are_refused(measure, arguments, error, message):
    with pytest.raises(error, match=message):
        measure(*arguments)


# --- scores ---------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(deadline=None)
@given(SCORED)
def test_auc_is_the_chance_of_the_right_order(pairs):
    scores, truth = split(pairs)
    difference = scores[truth][:, None] - scores[~truth][None, :]
    expected = ((difference > 0) + 0.5 * (difference == 0)).mean()
    assert metrics.roc_auc(scores, truth) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
@settings(deadline=None)
@given(SCORED)
def test_auc_of_the_opposite_is_the_rest(pairs):
    scores, truth = split(pairs)
    value = metrics.roc_auc(scores, truth)
    assert metrics.roc_auc(-scores, truth) == pytest.approx(1 - value, abs=1e-12)
    assert metrics.roc_auc(np.exp(scores), truth) == value  # only the order counts


@pytest.mark.slow
@settings(deadline=None)
@given(SCORED)
def test_a_det_curve_counts_errors_at_every_threshold(pairs):
    scores, truth = split(pairs)
    curve = metrics.det_curve(scores, truth)
    assert set(curve.thresholds) == {*scores, np.inf}
    assert (np.diff(curve.thresholds) > 0).all()
    for threshold, alarm, miss in zip(*curve, strict=True):
        assert alarm == pytest.approx((scores[~truth] >= threshold).mean())
        assert miss == pytest.approx((scores[truth] < threshold).mean())


@pytest.mark.slow
@settings(deadline=None)
@given(SCORED)
def test_the_area_under_the_trade_off_is_the_rest_of_the_auc(pairs):
    scores, truth = split(pairs)
    curve = metrics.det_curve(scores, truth)
    widths = -np.diff(curve.false_alarms)
    area = (widths * (curve.misses[1:] + curve.misses[:-1]) / 2).sum()
    assert 1 - area == pytest.approx(metrics.roc_auc(scores, truth), abs=1e-12)


@pytest.mark.slow
@settings(deadline=None)
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


def test_figures_worked_out_by_hand():
    """Four recordings of the first class, three of the second, one of the third."""
    targets = [0, 0, 0, 0, 1, 1, 1, 2]
    guesses = [0, 0, 0, 1, 1, 1, 0, 1]
    matrix = metrics.confusion(targets, guesses, 4)
    expected = [[3, 1, 0, 0], [1, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(matrix, expected)
    assert matrix.dtype == np.int64
    precision, recall, f1 = metrics.class_rates(targets, guesses, 4)
    np.testing.assert_allclose(precision, [3 / 4, 2 / 4, np.nan, np.nan])
    np.testing.assert_allclose(recall, [3 / 4, 2 / 3, 0, np.nan])
    np.testing.assert_allclose(f1, [6 / 8, 4 / 7, 0, np.nan])
    scores, truth = np.array([0.1, 0.2, 0.2, 0.3, 0.9]), np.array([0, 0, 1, 0, 1])
    # Of six pairs four are in the right order and one ties.
    assert metrics.roc_auc(scores, truth) == pytest.approx(4.5 / 6)
    curve = metrics.det_curve(scores, truth)
    np.testing.assert_allclose(curve.thresholds, [0.1, 0.2, 0.3, 0.9, np.inf])
    np.testing.assert_allclose(curve.false_alarms, [1, 2 / 3, 1 / 3, 0, 0])
    np.testing.assert_allclose(curve.misses, [0, 0, 1 / 2, 1 / 2, 1], atol=1e-15)
    # From (2/3, 0) to (1/3, 1/2): the rates are equal at 2/5.
    assert metrics.equal_error_rate(scores, truth) == pytest.approx(2 / 5)


@pytest.mark.parametrize(
    "measure",
    [
        lambda: metrics.confusion([0], [0], 1),
        lambda: metrics.class_rates([0], [0], 1),
        lambda: metrics.roc_auc([0.0, 1.0], [0, 1]),
    ],
)
def test_without_scikit_learn_the_error_names_the_extra(monkeypatch, measure):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(ImportError, match=r"need scikit-learn: pip install \"pylstm\[train\]\""):
        measure()


@pytest.mark.parametrize("measure", [metrics.roc_auc, metrics.det_curve, metrics.equal_error_rate])
@pytest.mark.parametrize(
    ("scores", "truth", "error", "message"),
    [
        ([0.1, 0.2], [True, True], ValueError, "truth holds no False"),
        ([], [], (TypeError, ValueError), "truth"),
        ([0.1, np.nan], [True, False], ValueError, "scores holds NaN"),
        ([0.1], [True, False], ValueError, r"truth has shape \(2,\); expected \(1,\)"),
        (["a", "b"], [True, False], TypeError, "scores is"),
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
