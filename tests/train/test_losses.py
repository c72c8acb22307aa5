"""Losses against PyTorch, against finite differences in float64, and against laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.train.losses.frame_losses import MSE, BCEWithLogits, CrossEntropy

RNG = np.random.default_rng


def logits(T, B, K, seed=0, dtype=np.float32, scale=3.0):
    return (scale * RNG(seed).standard_normal((T, B, K))).astype(dtype)


def difference_quotient(loss, outputs, *rest, **named):
    """The gradient by central differences; outputs float64."""
    h = 1e-6
    gradient = np.empty_like(outputs)
    for i in np.ndindex(outputs.shape):
        up, down = outputs.copy(), outputs.copy()
        up[i] += h
        down[i] -= h
        rise = loss(up, *rest, **named).value - loss(down, *rest, **named).value
        gradient[i] = rise / (2 * h)
    return gradient


def classes(T, B, K, seed, per, ignore=None):
    y = RNG(seed + 1).integers(0, K, (T, B) if per == "frame" else (B,))
    if ignore is not None:
        y[RNG(seed + 2).random(y.shape) < 0.3] = ignore
    return y


def sizes(most=6):
    return st.integers(1, most)


@pytest.mark.slow
@pytest.mark.parametrize("per", ["frame", "sequence"])
@settings(max_examples=60, deadline=None)
@given(
    T=sizes(),
    B=sizes(),
    K=sizes(),
    seed=st.integers(0, 2**31),
    weighted=st.booleans(),
    ignore=st.sampled_from([None, -100, 0, 7]),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    float32=st.booleans(),
)
def test_cross_entropy_is_that_of_torch(per, T, B, K, seed, weighted, ignore, smoothing, float32):
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    dtype = np.float32 if float32 else np.float64
    x = logits(T, B, K, seed, dtype)
    y = classes(T, B, K, seed, per, ignore)
    w = RNG(seed).random(K).astype(dtype) if weighted else None
    settings = {"ignore_index": -100 if ignore is None else ignore, "label_smoothing": smoothing}
    result = CrossEntropy(w, per=per, **settings)(x, y)

    z = torch.tensor(x, requires_grad=True)
    rows = z.reshape(-1, K) if per == "frame" else z[-1]
    expected = torch.nn.functional.cross_entropy(
        rows, torch.tensor(y.reshape(-1)), torch.tensor(w) if weighted else None, **settings
    )
    expected.backward()
    rtol = 1e-5 if float32 else 1e-12
    if np.isnan(expected.item()):  # all ignored
        assert np.isnan(result.value)
        np.testing.assert_array_equal(result.gradient, 0)
        return
    np.testing.assert_allclose(result.value, expected.item(), rtol=rtol, atol=rtol / 10)
    np.testing.assert_allclose(result.gradient, z.grad.numpy(), rtol=rtol, atol=rtol / 10)
    assert result.gradient.dtype == dtype
    assert result.gradient.shape == x.shape
    assert result.gradient.flags.c_contiguous


CASES = [
    CrossEntropy(),
    CrossEntropy([0.5, 2.0, 1.0], ignore_index=1, label_smoothing=0.2),
    CrossEntropy(per="sequence"),
    CrossEntropy([0.5, 2.0, 1.0], label_smoothing=0.2, per="sequence", pooling="mean"),
    MSE(),
    MSE(per="sequence"),
    MSE(per="sequence", pooling="mean"),
    BCEWithLogits(),
    BCEWithLogits([0.5, 2.0, 3.0]),
    BCEWithLogits([0.5, 2.0, 3.0], per="sequence"),
    BCEWithLogits(per="sequence", pooling="mean"),
]


def material(loss, T=5, B=4, seed=3, dtype=np.float64):
    """Outputs, targets, lengths, weights for one of CASES."""
    rng = RNG(seed)
    x = logits(T, B, 3, seed, dtype)
    shape = (T, B) if loss.per == "frame" else (B,)
    if isinstance(loss, CrossEntropy):
        y = rng.integers(0, 3, shape)
    elif isinstance(loss, MSE):
        y = rng.standard_normal((*shape, 3)).astype(dtype)
    else:
        y = rng.random((*shape, 3)).astype(dtype)
    return x, y, rng.permutation(np.arange(B) % T + 1), rng.random(shape)


@pytest.mark.parametrize("loss", CASES, ids=repr)
@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("weights", [False, True])
def test_gradient_is_the_difference_quotient(loss, lengths, weights):
    x, y, n, u = material(loss)
    named = {"lengths": n if lengths else None, "weights": u if weights else None}
    expected = difference_quotient(loss, x, y, **named)
    np.testing.assert_allclose(loss(x, y, **named).gradient, expected, rtol=1e-6, atol=1e-9)


def row_losses(loss, x, y):
    """Loss of every row of float64 logits, and what it weighs: from the definitions."""
    if isinstance(loss, MSE):
        return np.mean((x - y) ** 2, axis=1), np.ones(len(x))
    if isinstance(loss, BCEWithLogits):
        p = 1 / (1 + np.exp(-x))
        q = 1.0 if loss.pos_weight is None else loss.pos_weight
        return -np.mean(q * y * np.log(p) + (1 - y) * np.log(1 - p), axis=1), np.ones(len(x))
    log_p = np.log(np.exp(x) / np.exp(x).sum(axis=1, keepdims=True))
    w = np.ones(3) if loss.class_weights is None else loss.class_weights
    e = loss.label_smoothing
    target = (1 - e) * np.eye(3)[y] + e / 3
    kept = y != loss.ignore_index
    return -(kept[:, None] * w * target * log_p).sum(axis=1), kept * w[y]


@pytest.mark.parametrize("loss", CASES, ids=repr)
@pytest.mark.parametrize("weights", [False, True])
def test_value_is_the_weighted_mean_over_the_frames_that_count(loss, weights):
    x, y, n, u = material(loss)
    inside = np.arange(len(x))[:, None] < n
    if loss.per == "frame":
        rows, targets, u = x[inside], y[inside], u[inside]
    else:
        frames = [x[: n[b], b] for b in range(len(n))]
        rows = np.stack([f[-1] if loss.pooling == "last" else f.mean(axis=0) for f in frames])
        targets = y
    each, share = row_losses(loss, rows, targets)
    if not weights:
        u = np.ones_like(u)
    # The losses of cross entropy carry the weights of classes already.
    expected = (u * each).sum() / (u * share).sum()
    result = loss(x, y, n, material(loss)[3] if weights else None)
    np.testing.assert_allclose(result.value, expected, rtol=1e-12)


@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_what_stands_past_the_lengths_does_not_matter(loss):
    x, y, n, u = material(loss, dtype=np.float32)
    expected = loss(x, y, n, u)
    past = np.arange(len(x))[:, None] >= n
    x[past] = np.nan
    if loss.per == "frame":
        y[past] = np.nan if y.dtype.kind == "f" else 10_000
    result = loss(x, y, n, u)
    assert result.value == expected.value
    np.testing.assert_array_equal(result.gradient, expected.gradient)
    assert not result.gradient[past].any()
    assert result[2:] == expected[2:]


@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_lengths_of_all_frames_are_no_lengths(loss):
    x, y, _, u = material(loss, dtype=np.float32)
    before = x.copy(), y.copy(), u.copy()
    expected = loss(x, y, None, u)
    result = loss(x, y, np.full(x.shape[1], len(x)), u)
    assert result.value == expected.value
    np.testing.assert_array_equal(result.gradient, expected.gradient)
    for array, unchanged in zip((x, y, u), before, strict=True):
        np.testing.assert_array_equal(array, unchanged)
    assert result.gradient.dtype == np.float32


@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_outputs_of_any_strides(loss):
    x, y, n, u = material(loss, dtype=np.float32)
    result = loss(np.asfortranarray(x), y, n, u)
    expected = loss(x, y, n, u)
    np.testing.assert_allclose(result.value, expected.value, rtol=1e-6)
    np.testing.assert_allclose(result.gradient, expected.gradient, rtol=1e-5, atol=1e-7)
    assert result.gradient.flags.c_contiguous


@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_a_weight_of_two_is_twice_the_same(loss):
    x, y, n, _ = material(loss)
    first = (slice(None), slice(1)) if loss.per == "frame" else slice(1)
    y_twice = np.concatenate([y, y[first]], axis=1 if loss.per == "frame" else 0)
    twice = np.concatenate([x, x[:, :1]], axis=1), y_twice
    u = np.ones((len(x), x.shape[1]) if loss.per == "frame" else x.shape[1])
    u[..., 0] = 2
    expected = loss(*twice, np.append(n, n[0])).value
    assert loss(x, y, n, u).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_when_nothing_counts_the_value_is_nan_and_the_gradient_zero(loss):
    x, y, n, u = material(loss, dtype=np.float32)
    result = loss(x, y, n, u * 0)
    assert np.isnan(result.value)
    assert not result.gradient.any()


def test_all_ignored():
    result = CrossEntropy()(logits(3, 2, 4), np.full((3, 2), -100))
    assert np.isnan(result.value)
    assert not result.gradient.any()
    assert result[2:] == (0, 0)


@pytest.mark.parametrize("loss", CASES, ids=repr)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_that_are_no_numbers_make_the_value_none(loss, bad):
    x, y, _, _ = material(loss, dtype=np.float32)
    y = np.zeros_like(y)
    x[-1, 0, 1] = bad
    assert not np.isfinite(loss(x, y).value)


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_large_logits(size):
    """No overflow: the loss of a sure answer is 0, that of a sure mistake the distance."""
    size = np.float32(size)
    x = np.array([[[size, -size]], [[size, -size]]], np.float32)
    right, wrong = CrossEntropy()(x, np.array([[0], [0]])), CrossEntropy()(x, np.array([[1], [1]]))
    assert right.value == 0
    assert not right.gradient.any()
    assert wrong.value == pytest.approx(2 * size)
    np.testing.assert_array_equal(wrong.gradient, [[[0.5, -0.5]], [[0.5, -0.5]]])
    wrong = BCEWithLogits()(x, np.array([[[0, 1]], [[0, 1]]]))
    assert wrong.value == pytest.approx(size)
    np.testing.assert_array_equal(wrong.gradient, [[[0.25, -0.25]], [[0.25, -0.25]]])
    assert BCEWithLogits()(x, np.array([[[1, 0]], [[1, 0]]])).value == 0


def test_a_class_that_cannot_be_has_no_gradient():
    x = np.array([[[1.0, -np.inf, 2.0]]], np.float32)
    result = CrossEntropy()(x, np.array([[2]]))
    assert result.value == pytest.approx(np.log(1 + np.exp(-1)))
    assert result.gradient[0, 0, 1] == 0
    assert CrossEntropy()(x, np.array([[1]])).value == np.inf


def test_correct_is_what_argmax_says():
    x = logits(20, 5, 4).round()  # many ties
    y = classes(20, 5, 4, 0, "frame", ignore=-100)
    kept = y != -100
    result = CrossEntropy()(x, y)
    assert result.counted == kept.sum()
    assert result.correct == ((x.argmax(axis=2) == y) & kept).sum()
    x += 0.01 * logits(20, 5, 4, seed=1)  # none
    assert CrossEntropy()(x, y).correct == ((x.argmax(axis=2) == y) & kept).sum()
    result = CrossEntropy(per="sequence")(x, y[0].clip(0))
    assert result[2:] == ((x[-1].argmax(axis=1) == y[0].clip(0)).sum(), 5)


def test_correct_of_binary_targets():
    x = np.array([[[1.0, -1.0, 0.5]]], np.float32)
    result = BCEWithLogits()(x, np.array([[[True, True, False]]]))
    assert result[2:] == (1, 3)
    assert MSE()(x, x)[2:] == (0, 0)


@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy_is_that_of_torch(weighted):
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    x, y = logits(7, 5, 3, scale=20), RNG(1).random((7, 5, 3)).astype(np.float32)
    q = np.array([0.5, 2.0, 3.0], np.float32) if weighted else None
    z = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        z, torch.tensor(y), pos_weight=torch.tensor(q) if weighted else None
    )
    expected.backward()
    result = BCEWithLogits(q)(x, y)
    assert result.value == pytest.approx(expected.item(), rel=1e-6)
    np.testing.assert_allclose(result.gradient, z.grad.numpy(), rtol=1e-5, atol=1e-8)


def test_mean_squared_error_is_that_of_torch():
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    x, y = logits(7, 5, 3), logits(7, 5, 3, seed=1)
    z = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.mse_loss(z, torch.tensor(y))
    expected.backward()
    result = MSE()(x, y)
    assert result.value == pytest.approx(expected.item(), rel=1e-6)
    np.testing.assert_allclose(result.gradient, z.grad.numpy(), rtol=1e-6)


X, Y = logits(4, 3, 5), np.zeros((4, 3), int)
REFUSALS = {
    "outputs is list": (CrossEntropy(), (X.tolist(), Y), {}, TypeError),
    "outputs is int64": (CrossEntropy(), (X.astype(int), Y), {}, TypeError),
    "outputs has shape (4, 3)": (CrossEntropy(), (X[..., 0], Y), {}, ValueError),
    "outputs has shape (0, 3, 5)": (CrossEntropy(), (X[:0], Y[:0]), {}, ValueError),
    "targets is float64": (CrossEntropy(), (X, Y * 1.0), {}, TypeError),
    "targets is list": (CrossEntropy(), (X, Y.tolist()), {}, TypeError),
    "targets has shape (3, 4)": (CrossEntropy(), (X, Y.T), {}, ValueError),
    "targets has shape (4, 3)": (CrossEntropy(per="sequence"), (X, Y), {}, ValueError),
    "targets holds 5; expected 0 to 4": (CrossEntropy(), (X, Y + 5), {}, ValueError),
    "targets holds -1; expected 0 to 4": (CrossEntropy(), (X, Y - 1), {}, ValueError),
    "class_weights has shape (2,)": (CrossEntropy([1, 2]), (X, Y), {}, ValueError),
    "lengths is int64 with shape (2,)": (
        CrossEntropy(),
        (X, Y),
        {"lengths": np.array([1, 2])},
        ValueError,
    ),
    "lengths[1] is 0": (CrossEntropy(), (X, Y), {"lengths": np.array([1, 0, 2])}, ValueError),
    "lengths[1] is 5": (CrossEntropy(), (X, Y), {"lengths": np.array([1, 5, 2])}, ValueError),
    "lengths is float64": (CrossEntropy(), (X, Y), {"lengths": np.ones(3)}, TypeError),
    "lengths is list": (CrossEntropy(), (X, Y), {"lengths": [4, 4, 4]}, TypeError),
    "weights has shape (3,)": (CrossEntropy(), (X, Y), {"weights": np.ones(3)}, ValueError),
    "weights holds": (CrossEntropy(), (X, Y), {"weights": Y - 0.5}, ValueError),
    "weights holds ": (CrossEntropy(), (X, Y), {"weights": Y + np.nan}, ValueError),
    "weights is bool": (CrossEntropy(), (X, Y), {"weights": Y > 0}, TypeError),
    "targets is int64": (MSE(), (X, X.astype(int)), {}, TypeError),
    "targets holds NaN": (MSE(), (X, X * np.float32(np.nan)), {}, ValueError),
    "targets holds values from -": (BCEWithLogits(), (X, X * 9), {}, ValueError),
    "targets holds values from nan to nan": (BCEWithLogits(), (X, X * np.nan), {}, ValueError),
    "targets is complex": (BCEWithLogits(), (X, X * 1j * 1.0), {}, TypeError),
    "pos_weight has shape (1,)": (BCEWithLogits([2.0]), (X, X * 0), {}, ValueError),
}


@pytest.mark.parametrize("message", REFUSALS)
def test_refusals(message):
    loss, arguments, named, error = REFUSALS[message]
    with pytest.raises(error) as caught:
        loss(*arguments, **named)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"class_weights": "abc"}, TypeError, "class_weights is 'abc'"),
        ({"class_weights": 2.0}, TypeError, "class_weights is 2.0"),
        ({"class_weights": [1.0, -1.0]}, ValueError, "class_weights holds"),
        ({"class_weights": [1.0, float("nan")]}, ValueError, "class_weights holds"),
        ({"ignore_index": 1.5}, TypeError, "ignore_index is 1.5"),
        ({"ignore_index": True}, TypeError, "ignore_index is True"),
        ({"label_smoothing": 1.1}, ValueError, "label_smoothing is 1.1"),
        ({"label_smoothing": float("nan")}, ValueError, "label_smoothing is nan"),
        ({"label_smoothing": "0.1"}, TypeError, "label_smoothing is '0.1'"),
        ({"per": "batch"}, ValueError, "per is 'batch'; expected 'frame', 'sequence'"),
        ({"per": "sequence", "pooling": "max"}, ValueError, "pooling is 'max'"),
        ({"pooling": "mean"}, ValueError, "pooling is 'mean', per is 'frame'"),
    ],
)
def test_settings_refused(settings, error, message):
    with pytest.raises(error) as caught:
        CrossEntropy(**settings)
    assert str(caught.value).startswith(message)
