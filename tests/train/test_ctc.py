"""CTC against PyTorch, against the sum over all paths, and against finite differences."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.train.losses.ctc import CTC

RNG = np.random.default_rng


def batch(T, B, K, longest, seed=0, dtype=np.float64, blank=0, scale=2.0):
    """Logits, targets with many repeats, lengths in any order."""
    rng = RNG(seed)
    x = (scale * rng.standard_normal((T, B, K))).astype(dtype)
    labels = np.delete(np.arange(K), blank)
    targets = [rng.choice(labels, rng.integers(0, longest + 1)) for _ in range(B)]
    return x, targets, rng.integers(1, T + 1, B)


def collapsed(path, blank=0):
    return [k for k, _ in itertools.groupby(path) if k != blank]


def sum_over_paths(x, target, blank=0):
    """-log of the probability of all paths that give the target; x (n, K)."""
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    total = sum(
        np.prod(p[np.arange(len(x)), path])
        for path in itertools.product(range(x.shape[1]), repeat=len(x))
        if collapsed(path, blank) == list(target)
    )
    return -np.log(total) if total else np.inf


@settings(max_examples=40, deadline=None)
@given(
    T=st.integers(1, 5),
    K=st.integers(2, 3),
    longest=st.integers(0, 4),
    blank=st.integers(0, 1),
    seed=st.integers(0, 2**31),
)
def test_value_is_the_sum_over_all_paths(T, K, longest, blank, seed):
    x, targets, n = batch(T, 3, K, longest, seed, blank=blank)
    each = np.array(
        [sum_over_paths(x[: n[b], b], targets[b], blank) for b in range(3)]
    ) / np.maximum([len(target) for target in targets], 1)
    assert CTC(blank)(x, targets, n).value == pytest.approx(each.mean(), rel=1e-12)
    each[np.isinf(each)] = 0
    result = CTC(blank, zero_infinity=True)(x, targets, n)
    assert result.value == pytest.approx(each.mean(), rel=1e-12)
    u = RNG(seed).random(3)
    result = CTC(blank, zero_infinity=True)(x, targets, n, u)
    assert result.value == pytest.approx((u * each).sum() / u.sum(), rel=1e-12)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(T=st.integers(1, 6), longest=st.integers(0, 3), seed=st.integers(0, 2**31))
def test_gradient_is_the_difference_quotient(T, longest, seed):
    x, targets, n = batch(T, 3, 4, longest, seed)
    u = RNG(seed).random(3)
    loss, h = CTC(zero_infinity=True), 1e-6
    expected = np.empty_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        rise = loss(up, targets, n, u).value - loss(down, targets, n, u).value
        expected[i] = rise / (2 * h)
    gradient = loss(x, targets, n, u).gradient
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    T=st.integers(1, 40),
    B=st.integers(1, 6),
    K=st.integers(2, 6),
    longest=st.integers(0, 12),
    blank=st.integers(0, 1),
    zero_infinity=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_torch(T, B, K, longest, blank, zero_infinity, seed):
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    x, targets, n = batch(T, B, K, longest, seed, blank=blank)
    z = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.ctc_loss(
        z.log_softmax(-1),
        torch.tensor(np.concatenate(targets)),
        torch.tensor(n),
        torch.tensor([len(target) for target in targets]),
        blank=blank,
        zero_infinity=zero_infinity,
    )
    expected.backward()
    loss = CTC(blank, zero_infinity)
    result = loss(x, targets, n)
    np.testing.assert_allclose(result.value, expected.item(), rtol=1e-10)
    np.testing.assert_allclose(result.gradient, z.grad.numpy(), rtol=1e-8, atol=1e-12)
    result = loss(x.astype(np.float32), targets, n)
    assert result.gradient.dtype == np.float32
    np.testing.assert_allclose(result.value, expected.item(), rtol=1e-5)
    np.testing.assert_allclose(result.gradient, z.grad.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_long_sequences_neither_under_nor_overflow():
    """Probabilities down to e^-30,000 and further: each gradient still sums to 0 over classes."""
    x, _, _ = batch(1000, 2, 5, 0, dtype=np.float32, scale=30.0)
    targets = [RNG(1).integers(1, 5, 400), np.tile([1, 1, 2], 20)]
    result = CTC()(x, targets, np.array([1000, 900]))
    assert 0 < result.value < np.inf
    assert np.isfinite(result.gradient).all()
    np.testing.assert_allclose(result.gradient.sum(axis=2), 0, atol=1e-6)


def test_forced_alignment():
    """As many frames as the target needs: one path, whose loss is the sum along it."""
    x, _, _ = batch(5, 1, 4, 0)
    log_p = x[:, 0] - np.log(np.exp(x[:, 0]).sum(axis=1, keepdims=True))
    result = CTC()(x, [np.array([2, 2, 3, 1])])
    assert result.value == pytest.approx(-log_p[np.arange(5), [2, 0, 2, 3, 1]].sum() / 4)


@pytest.mark.parametrize("target", [[1, 2, 3, 1], [1, 1, 2]])
def test_too_few_frames(target):
    x, targets, n = batch(3, 2, 4, 0)
    targets[0], n[:] = np.array(target), 3
    result = CTC()(x, targets, n)
    assert result.value == np.inf
    assert np.isnan(result.gradient[:, 0]).all()
    assert np.isfinite(result.gradient[:, 1]).all()
    result = CTC(zero_infinity=True)(x, targets, n)
    alone = CTC()(x[:, 1:], targets[1:], n[1:])
    assert result.value == pytest.approx(alone.value / 2)
    assert not result.gradient[:, 0].any()
    np.testing.assert_allclose(result.gradient[:, 1:], alone.gradient / 2, rtol=1e-12)
    left_out = CTC()(x, targets, n, np.array([0.0, 1.0]))
    assert left_out.value == pytest.approx(alone.value)
    assert not left_out.gradient[:, 0].any()


def test_no_labels():
    """Only blanks: the sum of their losses."""
    x, _, _ = batch(4, 1, 3, 0)
    log_p = x[:, 0] - np.log(np.exp(x[:, 0]).sum(axis=1, keepdims=True))
    assert CTC()(x, [np.array([], int)]).value == pytest.approx(-log_p[:, 0].sum())


def test_what_stands_past_the_lengths_does_not_matter():
    x, targets, n = batch(12, 5, 4, 3, seed=2, dtype=np.float32)
    loss = CTC(zero_infinity=True)
    expected = loss(x, targets, n)
    past = np.arange(12)[:, None] >= n
    x[past] = np.nan
    result = loss(x, targets, n)
    assert result.value == expected.value
    np.testing.assert_array_equal(result.gradient, expected.gradient)
    assert not result.gradient[past].any()
    assert result[2:] == expected[2:]


def test_neighbours_in_the_batch_do_not_matter():
    x, targets, n = batch(12, 5, 4, 5, seed=2)
    n[:] = [12, 3, 12, 8, 11]
    loss = CTC(zero_infinity=True)
    together = loss(x, targets, n).gradient * 5
    for b in range(5):
        alone = loss(x[: n[b], b : b + 1], targets[b : b + 1]).gradient
        np.testing.assert_allclose(together[: n[b], b : b + 1], alone, rtol=1e-10, atol=1e-15)


def test_correct_is_the_best_path():
    path = np.array([[1, 0, 2], [1, 1, 2], [0, 0, 2], [1, 2, 1]])
    x = 5 * np.eye(3, dtype=np.float32)[path]
    targets = [np.array([1, 1]), np.array([1]), np.array([2, 1])]
    assert CTC()(x, targets)[2:] == (2, 3)
    assert CTC()(x, targets, np.array([4, 3, 4]))[2:] == (3, 3)


def test_nothing_counts():
    x, targets, n = batch(5, 2, 3, 1, dtype=np.float32)
    result = CTC()(x, targets, n, np.zeros(2))
    assert np.isnan(result.value)
    assert not result.gradient.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_that_are_no_numbers_make_the_value_none(bad):
    x, targets, n = batch(5, 2, 3, 1, dtype=np.float32)
    x[0, 1, 2] = bad
    assert np.isnan(CTC(zero_infinity=True)(x, targets, n).value)


def test_a_class_that_cannot_be():
    x, _, _ = batch(3, 1, 3, 0)
    x[:, 0, 2] = -np.inf
    assert CTC()(x, [np.array([2])]).value == np.inf
    result = CTC()(x, [np.array([1])])
    assert result.value == pytest.approx(CTC()(x[:, :, :2], [np.array([1])]).value)
    np.testing.assert_array_equal(result.gradient[:, 0, 2], 0)


X, LABELS = np.zeros((4, 2, 3), np.float32), np.array([1, 2])


@pytest.mark.parametrize(
    ("arguments", "named", "error", "message"),
    [
        ((X[0], [LABELS]), {}, ValueError, "outputs has shape (2, 3)"),
        ((X, np.array([[1, 2], [1, 2]])), {}, TypeError, "targets is int64 with shape (2, 2)"),
        ((X, [LABELS]), {}, ValueError, "targets has 1 array; expected 2"),
        ((X, [LABELS, [1, 2]]), {}, TypeError, "targets[1] is list"),
        ((X, [LABELS, LABELS * 1.0]), {}, TypeError, "targets[1] is float64"),
        ((X, [LABELS, LABELS[None]]), {}, TypeError, "targets[1] is int64 with shape (1, 2)"),
        ((X, [LABELS, LABELS + 1]), {}, ValueError, "targets[1] holds 3; expected 0 to 2"),
        ((X, [LABELS - 2, LABELS]), {}, ValueError, "targets[0] holds -1; expected 0 to 2"),
        ((X, [LABELS, LABELS - 1]), {}, ValueError, "targets[1] holds 0, the blank"),
        ((X, [LABELS] * 2, np.array([4, 5])), {}, ValueError, "lengths[1] is 5"),
        ((X, [LABELS] * 2), {"weights": np.ones((4, 2))}, ValueError, "weights has shape (4, 2)"),
    ],
)
def test_refusals(arguments, named, error, message):
    with pytest.raises(error) as caught:
        CTC()(*arguments, **named)
    assert str(caught.value).startswith(message)


def test_settings_refused():
    with pytest.raises(ValueError, match="blank is -1"):
        CTC(blank=-1)
    with pytest.raises(TypeError, match="zero_infinity is 1"):
        CTC(zero_infinity=1)
    with pytest.raises(ValueError, match="blank is 3; expected 0 to 2, as outputs has 3 classes"):
        CTC(blank=3)(X, [LABELS] * 2)
