"""The functions of `pylstm.Activation`: over the floats, on every instruction set, and what is
refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.layers import ACTIVATIONS, FUNCTIONS
from pylstm.reference.layers import LAYERS
from pylstm.safetensors_encoding import encode_model
from tests.instruction_sets import ISAS
from tests.torch_activations import torch_activation

LARGEST = float(np.finfo(np.float32).max)
TINY = float(np.finfo(np.float32).tiny)
# Near 1 an absolute error, above it one of the value.
TOLERANCE = 1e-6

# Settings of each function that has parameters, those of frameworks first.
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "leaky_relu": [{}, {"alpha": 0.3}, {"alpha": -2.0}, {"alpha": 0.0}],
    "elu": [{}, {"alpha": 0.25}, {"alpha": -3.0}],
    "clipped_relu": [{"high": 6.0}, {"low": -1.0, "high": 1.0}, {"low": 2.0, "high": 2.0}],
    "hard_sigmoid": [{}, {"slope": 0.2}, {"slope": -0.5, "offset": 0.25}],
    "log": [{"floor": 1e-7}, {"floor": TINY}, {"floor": 3.0}],
}
CASES = [(name, settings) for name in FUNCTIONS for settings in SETTINGS.get(name, [{}])]
VALUEWISE = [case for case in CASES if case[0] not in ("softmax", "log_softmax", "prelu")]


def floats() -> np.ndarray:
    """Every 40,009th float32, both signs, with edges and many near 0; rows of an awkward width."""
    bits = np.arange(0, 0x7F800000, 40_009, dtype=np.uint32)
    edges = [0.0, TINY, 1.0, 6.0, 14.0, 87.0, 88.0, 103.0, LARGEST]
    near = np.random.default_rng(0).standard_normal(40_000) * 3
    x = np.concatenate([bits.view(np.float32), np.array(edges, np.float32), near.astype("f4")])
    x = np.concatenate([x, -x])
    return np.resize(x, (len(x) // 37 + 1, 37))


def streamed(layer: pylstm.layers.Layer, x: np.ndarray) -> np.ndarray:
    return pylstm.Model(None, [layer]).stream().push_frames(x)


def expected(layer: pylstm.layers.Layer, x: np.ndarray) -> np.ndarray:
    """The reference in float64, within the floats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of squares and exponentials of the largest floats
        y = LAYERS[layer.kind](x, {**layer._arguments(), "weights": layer.weights})[0]
    return np.clip(y, -LARGEST, LARGEST)


def assert_near(y: np.ndarray, exact: np.ndarray) -> None:
    assert np.isfinite(y).all()
    assert (np.abs(y - exact) <= TOLERANCE * np.maximum(1, np.abs(exact))).all()


@pytest.mark.parametrize(("function", "settings"), VALUEWISE, ids=str)
def test_values_over_the_floats(isa: str, function: Any, settings: dict[str, Any]) -> None:
    layer, x = pylstm.Activation(37, function, **settings), floats()
    assert_near(streamed(layer, x), expected(layer, x))


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
@pytest.mark.parametrize("width", [1, 15, 16, 17, 40, 300])
def test_rows_of_any_scale(isa: str, function: Any, width: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, width)) * 10.0 ** rng.uniform(-3, 6, (300, 1))
    x[:4] = rng.choice([-LARGEST, LARGEST, 0.0], (4, width))
    layer = pylstm.Activation(width, function)
    assert_near(streamed(layer, x.astype("f4")), expected(layer, x.astype("f4")))


@pytest.mark.parametrize("positions", [1, 2, 4])
@pytest.mark.parametrize("shared", [False, True])
def test_prelu(isa: str, positions: int, shared: bool) -> None:
    channels = 1 if shared else 20 // positions
    weight = np.random.default_rng(0).standard_normal(channels).astype("f4")
    layer = pylstm.Activation(
        20,
        "prelu",
        num_parameters=channels,
        positions=positions,
        weights={"weight": weight},
    )
    x = floats().reshape(-1)[: 20 * 3000].reshape(-1, 20)
    assert_near(streamed(layer, x), expected(layer, x))


@pytest.mark.parametrize(("function", "settings"), CASES, ids=str)
def test_sets_that_fuse_give_the_same_bits(
    function: Any, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, found = floats()[::7], []
    for isa in ISAS:
        monkeypatch.setenv("PYLSTM_ISA", isa)
        found.append(streamed(pylstm.Activation(37, function, **settings), x))
    fused = [y for isa, y in zip(ISAS, found, strict=True) if isa != "scalar"]
    assert all(y.tobytes() == fused[0].tobytes() for y in fused)


# --- PyTorch --------------------------------------------------------------------------------------


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(("function", "settings"), CASES, ids=str)
def test_outputs_and_gradients_are_those_of_torch(
    function: Any, settings: dict[str, Any], isa: str
) -> None:
    torch = pytest.importorskip("torch", reason="the oracle: pip install 'pylstm[torch]'")
    if function == "prelu":
        settings = {"num_parameters": 37}
    layer = pylstm.Activation(37, function, **settings)
    rng = np.random.default_rng(0)
    x = (3 * rng.standard_normal((200, 37))).astype("f4")
    x = x[np.abs(x).min(axis=1) > 1e-3]  # the root's gradient has no bound
    dy = rng.standard_normal(x.shape).astype("f4")
    leaf = torch.from_numpy(x.astype(np.float64)).requires_grad_()
    if function == "prelu":
        weight = torch.full((37,), 0.25, dtype=torch.float64, requires_grad=True)
        y = torch.nn.functional.prelu(leaf, weight)
    else:
        names = ("alpha", "low", "high", "slope", "offset", "floor")
        y = torch_activation(function, leaf, **{name: getattr(layer, name) for name in names})
    y.backward(torch.from_numpy(dy.astype(np.float64)))
    assert_near(streamed(layer, x), y.detach().numpy())
    gradients = {name: np.zeros_like(w) for name, w in layer.weights.items()}
    ours = layer.rows(layer.weights, x)
    dx = layer.rows_backward(layer.weights, x, ours, dy, gradients, True)
    assert dx is not None
    assert (ours.dtype, dx.dtype) == (np.float32, np.float32)
    assert_near(ours, y.detach().numpy())
    bound = 1e-5 * np.abs(leaf.grad.numpy()).max()
    np.testing.assert_allclose(dx, leaf.grad.numpy(), rtol=0, atol=bound)
    if function == "prelu":
        np.testing.assert_allclose(gradients["weight"], weight.grad.numpy(), rtol=1e-4)
    assert layer.rows_backward(layer.weights, x, ours, dy, gradients, False) is None


def test_hard_sigmoid_is_that_of_each_keras() -> None:
    """Keras 3: relu6(x + 3) / 6; Keras 2: clip(0.2 x + 0.5, 0, 1)."""
    x = np.linspace(-5, 5, 37, dtype=np.float32)[None]
    keras3 = np.clip(x.astype(np.float64) + 3, 0, 6) / 6
    keras2 = np.clip(0.2 * x.astype(np.float64) + 0.5, 0, 1)
    assert_near(streamed(pylstm.Activation(37, "hard_sigmoid"), x), keras3)
    assert_near(streamed(pylstm.Activation(37, "hard_sigmoid", slope=0.2), x), keras2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_dense_layer_has_the_same_functions(isa: str, activation: Any) -> None:
    x = floats()[:500]
    together = pylstm.Dense(37, 21, activation, seed=1)
    apart = [
        pylstm.Dense(37, 21, weights=together.weights),
        pylstm.Activation(21, activation),
    ]
    sums = pylstm.Model(None, apart).stream().push_frames(x)
    assert streamed(together, x).tobytes() == sums.tobytes()


# --- as the last layer ----------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_it_says_of_the_outputs(function: Any) -> None:
    layer = pylstm.Activation(2, function, **SETTINGS.get(function, [{}])[0])
    assert layer.gives_distribution == (function == "softmax")
    model = pylstm.Model(pylstm.MFCC(n_mfcc=2), [layer], labels=["a", "b"])
    if function in ("sigmoid", "hard_sigmoid", "softmax"):
        listener = model.listener()
    else:  # MFCC can be anything
        with pytest.warns(RuntimeWarning, match=r"the rows of .* can leave 0 to 1"):
            listener = model.listener()
    assert listener.decision["exclusive"] == (function not in ("sigmoid", "hard_sigmoid"))


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "settings", "error", "message"),
    [
        ("swish", {}, ValueError, "function is 'swish'; expected 'linear', 'sigmoid'"),
        ("relu", {"alpha": 0.5}, ValueError, r"alpha is 0\.5; expected None: the function 'relu'"),
        ("elu", {"positions": 2}, ValueError, "positions is 2; expected None: the function 'elu'"),
        ("clipped_relu", {}, ValueError, "high is None; expected a number"),
        ("clipped_relu", {"low": 3, "high": 2}, ValueError, r"high is 2\.0; expected 3\.0, which"),
        ("log", {}, ValueError, "floor is None; expected a number"),
        ("log", {"floor": 0}, ValueError, r"floor is 0; expected 1\.17549435e-38 to 3\.40282347e"),
        ("elu", {"alpha": float("nan")}, ValueError, "alpha is nan; expected -3"),
        ("elu", {"alpha": 1e39}, ValueError, r"alpha is 1e\+39; expected -3"),
        ("elu", {"alpha": "1"}, TypeError, "alpha is '1'; expected a number"),
        ("prelu", {"num_parameters": 3}, ValueError, "num_parameters is 3; expected 1 or 8"),
        ("prelu", {"positions": 3}, ValueError, "positions is 3; expected a divisor of .* 8"),
    ],
)
def test_arguments_that_are_refused(
    function: Any, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        pylstm.Activation(8, function, **settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"function": "swish"}, r"\[value\] 'layers.0.function' is 'swish'; expected one of: lin"),
        ({"low": "2", "high": "1"}, r"\[value\] 'layers.0.high' is '1'; expected a number from 2"),
        ({"high": "1e39"}, r"\[value\] 'layers.0.high' is '1e39'; expected a number from"),
        ({"function": "log", "floor": "0"}, r"\[value\] 'layers.0.floor' is '0'; expected a num"),
        ({"function": "log"}, r"\[missing-key\] .* no key 'layers.0.floor'"),
        ({"alpha": "1"}, r"\[unused-key\] .*'layers.0.alpha'"),
        (
            {"function": "prelu", "positions": "3", "num_parameters": "1"},
            r"\[value\] layers.0.positions is 3; expected a divisor of 8",
        ),
        (
            {"function": "prelu", "positions": "2", "num_parameters": "3"},
            r"\[value\] layers.0.num_parameters is 3; expected 1 or 4",
        ),
        (
            {"function": "prelu", "positions": "2", "num_parameters": "4"},
            r"\[missing-tensor\] .*'layers.0.weight'",
        ),
    ],
)
def test_files_that_are_refused(changes: dict[str, str], message: str) -> None:
    config = pylstm.Activation(8, "clipped_relu", high=6).config() | changes
    if changes.get("function") in ("log", "prelu"):
        del config["low"], config["high"]
    with pytest.raises(pylstm.ModelFileError, match=message):
        pylstm.Model.from_bytes(encode_model(None, [(config, {})], format=2))


def test_format_1_knows_neither_the_kind_nor_the_later_functions() -> None:
    activation = pylstm.Activation(8, "relu")
    with pytest.raises(
        pylstm.ModelFileError, match=r"kind is activation, which pylstm\.format 1 has not"
    ):
        pylstm.Model.from_bytes(encode_model(None, [(activation.config(), {})], format=1))
    for function in ACTIVATIONS:
        dense = pylstm.Dense(8, 8, function, seed=0)
        data = encode_model(None, [(dense.config(), dense.tensors())], format=1)
        if dense.needs_format == 1:
            assert pylstm.Model.from_bytes(data).to_bytes() == data
            continue
        with pytest.raises(pylstm.ModelFileError, match=f"activation' is '{function}'; expected"):
            pylstm.Model.from_bytes(data)
