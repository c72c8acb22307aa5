"""Optimisers against PyTorch, against their formulas in float64, and against laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm.train.optimisers as module
from pylstm.train.optimisers import SGD, Adam, AdamW, clip_global_norm

# What 100 steps in float32 may differ by, relative to the largest parameter: a few roundings each.
TOLERANCE = 1e-6

OPTIMISERS = [
    (SGD, {"lr": 0.05}),
    (SGD, {"lr": 0.05, "weight_decay": 0.1}),
    (SGD, {"lr": 0.01, "momentum": 0.9}),
    (SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (Adam, {}),
    (Adam, {"lr": 0.02, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    (Adam, {"lr": 0.02, "betas": (0.0, 0.0)}),
    (AdamW, {"lr": 0.01}),
    (AdamW, {"lr": 0.02, "betas": (0.8, 0.99), "weight_decay": 0.5}),
]
by_settings = [f"{kind.__name__}-{settings}" for kind, settings in OPTIMISERS]
every = pytest.mark.parametrize(("kind", "settings"), OPTIMISERS, ids=by_settings)


def start(size, seed=0):
    return np.random.default_rng(seed).standard_normal(size).astype(np.float32)


def gradients(size, steps, seed=1):
    """Of all magnitudes, some of them zero."""
    rng = np.random.default_rng(seed)
    size_of_each = 10.0 ** rng.uniform(-6, 1, size) * (rng.random(size) > 0.1)
    return (rng.standard_normal((steps, size)) * size_of_each).astype(np.float32)


def run(optimiser, p, g, lr=None):
    for row in g:
        optimiser.step(p, row, lr)
    return p


@pytest.mark.slow
@every
def test_torch(kind, settings):
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    g = gradients(1000, 100)
    expected = torch.nn.Parameter(torch.tensor(start(1000)))
    optimiser = getattr(torch.optim, kind.__name__)([expected], **settings)
    for row in g:
        expected.grad = torch.tensor(row)
        optimiser.step()
    expected = expected.detach().numpy()
    actual = run(kind(**settings), start(1000), g)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def by_the_formula(kind, settings, p, g):
    """The docstrings' formulas in float64."""
    p, g = p.astype(np.float64), g.astype(np.float64)
    settings = {"weight_decay": 0.01 if kind is AdamW else 0.0, "lr": 1e-3} | settings
    lr, decay = settings["lr"], settings["weight_decay"]
    momentum, (beta1, beta2) = settings.get("momentum", 0), settings.get("betas", (0.9, 0.999))
    m = v = np.zeros_like(p)
    for t, row in enumerate(g, start=1):
        if kind is AdamW:
            p = (1 - lr * decay) * p
        else:
            row = row + decay * p
        if kind is SGD:
            m = momentum * m + row
            p = p - lr * (row + momentum * m if settings.get("nesterov") else m)
        else:
            m = beta1 * m + (1 - beta1) * row
            v = beta2 * v + (1 - beta2) * row**2
            denominator = np.sqrt(v / (1 - beta2**t)) + settings.get("eps", 1e-8)
            p = p - lr * m / (1 - beta1**t) / denominator
    return p


@every
def test_formula(kind, settings):
    g = gradients(500, 100, seed=3)
    expected = by_the_formula(kind, settings, start(500), g)
    actual = run(kind(**settings), start(500), g)
    atol = 5 * TOLERANCE * np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


@every
@pytest.mark.parametrize("size", [1, 6, 7, 8, 20])
def test_blocks_do_not_show(kind, settings, size, monkeypatch):
    g = gradients(size, 5)
    whole = run(kind(**settings), start(size), g)
    monkeypatch.setattr(module, "BLOCK", 7)
    np.testing.assert_array_equal(run(kind(**settings), start(size), g), whole)


@every
@pytest.mark.parametrize("after", [0, 1, 7])
def test_state_round_trips(kind, settings, after):
    g = gradients(50, 20)
    p = start(50)
    first = kind(**settings)
    run(first, p, g[:after])
    state = first.state()
    kept = {name: np.copy(value) for name, value in state.items()}
    second, q = kind(**settings), p.copy()
    second.restore(state)
    run(first, p, g[after:])  # changes neither the state nor the other optimiser
    for name, value in kept.items():
        np.testing.assert_array_equal(state[name], value)
    run(second, q, g[after:])
    np.testing.assert_array_equal(p, q)
    assert second.state().keys() == first.state().keys()
    for name, value in first.state().items():
        np.testing.assert_array_equal(second.state()[name], value)


@every
def test_gradients_stay_and_memory_too(kind, settings):
    p, g = start(30), gradients(30, 1)[0]
    before, address = g.copy(), p.ctypes.data
    g.flags.writeable = False
    kind(**settings).step(p, g)
    np.testing.assert_array_equal(g, before)
    assert p.ctypes.data == address
    assert not np.array_equal(p, start(30))


@every
def test_learning_rate_of_a_step(kind, settings):
    g = gradients(30, 10)
    settings = settings | {"weight_decay": 0.1}
    expected = run(kind(**settings | {"lr": 0.25}), start(30), g)
    np.testing.assert_array_equal(run(kind(**settings), start(30), g, lr=0.25), expected)
    optimiser = kind(**settings)
    optimiser.lr = 0.25
    np.testing.assert_array_equal(run(optimiser, start(30), g), expected)
    np.testing.assert_array_equal(run(kind(**settings), start(30), g, lr=0.0), start(30))


@every
def test_gradients_that_are_no_numbers_give_no_warning(kind, settings):
    p, g = start(3), np.array([np.nan, np.inf, 1.0], np.float32)
    run(kind(**settings), p, [g, g])
    assert np.isnan(p[0])
    assert np.isfinite(p[2])


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(
    size=st.integers(1, 40_000),
    scale=st.sampled_from([1e-20, 1e-3, 1.0, 1e20]),
    max_norm=st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_clipping(size, scale, max_norm):
    g = (scale * start(size)).astype(np.float32)
    before = g.copy()
    norm = clip_global_norm(g, max_norm)
    assert norm == pytest.approx(np.linalg.norm(before.astype(np.float64)), rel=1e-12)
    if norm < max_norm - 1e-6:
        np.testing.assert_array_equal(g, before)
    else:
        assert np.linalg.norm(g.astype(np.float64)) <= max_norm * (1 + 1e-6)
        np.testing.assert_allclose(g / before, max_norm / (norm + 1e-6), rtol=1e-5)


@pytest.mark.parametrize("max_norm", [0.5, 30.0, 32.0, 1e3])
def test_clipping_is_that_of_torch(max_norm):
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    g = start(1000)
    expected = torch.nn.Parameter(torch.zeros(1000))
    expected.grad = torch.tensor(g)
    norm = torch.nn.utils.clip_grad_norm_([expected], max_norm)
    assert clip_global_norm(g, max_norm) == pytest.approx(norm.item(), rel=1e-6)
    np.testing.assert_allclose(g, expected.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clipping_leaves_what_has_no_norm(bad):
    g = np.array([1, bad, 1000], np.float32)
    assert not np.isfinite(clip_global_norm(g, 1.0))
    np.testing.assert_array_equal(g, np.array([1, bad, 1000], np.float32))


@pytest.mark.parametrize("max_norm", [0, -1.0, float("nan"), float("inf")])
def test_clipping_to_nothing_refused(max_norm):
    with pytest.raises(ValueError, match="max_norm is"):
        clip_global_norm(start(3), max_norm)


NAN = float("nan")


@pytest.mark.parametrize(
    ("kind", "settings", "error", "message"),
    [
        (SGD, {"lr": NAN}, ValueError, "lr is nan; expected 0 or more, and finite"),
        (SGD, {"lr": -0.1}, ValueError, "lr is -0.1"),
        (SGD, {"lr": float("inf")}, ValueError, "lr is inf"),
        (SGD, {"lr": "0.1"}, TypeError, "lr is '0.1'; expected a number"),
        (SGD, {"lr": True}, TypeError, "lr is True"),
        (SGD, {"lr": 1, "momentum": 1}, ValueError, "momentum is 1; expected 0 or more, and below"),
        (SGD, {"lr": 1, "momentum": -1}, ValueError, "momentum is -1"),
        (SGD, {"lr": 1, "weight_decay": -1}, ValueError, "weight_decay is -1"),
        (SGD, {"lr": 1, "nesterov": True}, ValueError, "nesterov is True, momentum is 0.0"),
        (SGD, {"lr": 1, "nesterov": 1}, TypeError, "nesterov is 1"),
        (Adam, {"betas": 0.9}, TypeError, "betas is 0.9; expected two numbers"),
        (Adam, {"betas": (0.9,)}, TypeError, "betas is (0.9,)"),
        (Adam, {"betas": (1.0, 0.9)}, ValueError, "betas[0] is 1.0"),
        (Adam, {"betas": (0.9, 1.0)}, ValueError, "betas[1] is 1.0"),
        (Adam, {"betas": (0.9, NAN)}, ValueError, "betas[1] is nan"),
        (Adam, {"eps": -1e-8}, ValueError, "eps is -1e-08"),
        (AdamW, {"weight_decay": NAN}, ValueError, "weight_decay is nan"),
    ],
)
def test_settings_refused(kind, settings, error, message):
    with pytest.raises(error) as caught:
        kind(**settings)
    assert str(caught.value).startswith(message)


P = start(6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((P.tolist(), P), TypeError, "parameters is list; expected an array of float32"),
        ((P.astype(np.float64), P), TypeError, "parameters is float64"),
        ((P, P.astype(np.float16)), TypeError, "gradients is float16"),
        ((P.reshape(2, 3), P), ValueError, "parameters has shape (2, 3)"),
        (
            (P, start(12)[::2]),
            ValueError,
            "gradients has shape (6,); expected one dimension, contiguous",
        ),
        ((P, start(5)), ValueError, "gradients has 5 values; expected 6, as parameters"),
        ((P, P), ValueError, "gradients shares memory with parameters"),
        ((start(7), start(7)), ValueError, "parameters has 7 values; expected 6, as 'exp_avg'"),
        ((P, start(6), NAN), ValueError, "lr is nan"),
        ((P, start(6), -1), ValueError, "lr is -1"),
        ((np.broadcast_to(np.float32(1), 1), start(1)), ValueError, "parameters is read-only"),
    ],
)
def test_steps_refused(arguments, error, message):
    optimiser, p = Adam(), start(6)
    optimiser.step(p, start(6, seed=1))
    state, before = optimiser.state(), P.copy()
    with pytest.raises(error) as caught:
        optimiser.step(*arguments)
    assert str(caught.value).startswith(message)
    np.testing.assert_array_equal(P, before)
    for name, value in optimiser.state().items():
        np.testing.assert_array_equal(value, state[name])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"step": None}, ValueError, "'step' of the state is None"),
        ({"step": -1}, ValueError, "'step' of the state is -1"),
        ({"step": 1.5}, ValueError, "'step' of the state is 1.5"),
        (
            {"step": 0},
            ValueError,
            "state has 'step', 'exp_avg', 'exp_avg_sq'; expected 'step' for Adam after 0 steps",
        ),
        (
            {"momentum_buffer": P},
            ValueError,
            "state has 'step', 'exp_avg', 'exp_avg_sq', 'momentum_buffer'; expected",
        ),
        ({"exp_avg": P.astype(float)}, TypeError, "'exp_avg' of the state is float64"),
        ({"exp_avg": P[:5]}, ValueError, "arrays of the state have the sizes 'exp_avg' 5"),
    ],
)
def test_states_refused(changes, error, message):
    optimiser = Adam()
    run(optimiser, start(6), gradients(6, 3))
    state = optimiser.state()
    with pytest.raises(error) as caught:
        optimiser.restore(state | changes)
    assert str(caught.value).startswith(message)
    for name, value in optimiser.state().items():
        np.testing.assert_array_equal(value, state[name])
    with pytest.raises(TypeError, match="state is list"):
        optimiser.restore([])
    with pytest.raises(ValueError, match="expected 'step' for SGD after 3 steps"):
        SGD(0.1).restore(state)
