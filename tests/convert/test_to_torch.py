"""Models become PyTorch modules that give the same rows, and become the same models again."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.convert import from_torch, to_torch

torch = pytest.importorskip("torch", reason="it is PyTorch's: pip install 'pylstm[torch]'")


def scaled(layer: Any) -> Any:
    """With weights that differ, where the class begins with equal ones."""
    rng = np.random.default_rng(5)
    return layer.with_weights(
        {name: rng.uniform(0.5, 1.5, shape).astype("f4") for name, shape in layer.shapes.items()}
    )


def activation(name: str, **settings: Any) -> Any:
    return lambda n: [pylstm.Activation(n, name, **settings)]


MODELS: dict[str, Any] = {
    "lstm": lambda n: [pylstm.LSTM(n, 7, 2, seed=1)],
    "projection": lambda n: [pylstm.LSTM(n, 7, bias=False, proj_size=3, seed=1)],
    "gru": lambda n: [pylstm.GRU(n, 7, 2, seed=1)],
    "rnn": lambda n: [pylstm.RNN(n, 7, nonlinearity="relu", seed=1)],
    **{
        f"dense_{name}": lambda n, name=name: [pylstm.Dense(n, 4, name, seed=1)]
        for name in pylstm.layers.ACTIVATIONS
    },
    "conv": lambda n: [pylstm.Conv(n, 5, 3, 2, "causal", 2, activation="tanh", seed=1)],
    "conv_ahead": lambda n: [pylstm.Conv(n, 5, 4, padding=(1, 2), bias=False, seed=1)],
    "depthwise": lambda n: [pylstm.Conv(n, n, 3, groups=n, seed=1)],
    "pictures": lambda n: [
        pylstm.Conv(
            2 * n,
            3,
            3,
            positions=n,
            kernel_positions=2,
            padding_positions=(1, 0),
            stride_positions=2,
            activation="relu",
            seed=1,
        )
    ],
    "pictures_in_time": lambda n: [pylstm.Conv(2 * n, 3, 3, positions=n, seed=1)],
    "max_pool": lambda n: [pylstm.Pool(n, "max", 3, 1)],
    "mean_pool": lambda n: [pylstm.Pool(2 * n, "mean", 2, positions=n, kernel_positions=2)],
    "norm": lambda n: [scaled(pylstm.LayerNorm(n))],
    "norm_by_position": lambda n: [scaled(pylstm.LayerNorm(4 * n, 1e-3, positions=n))],
    "norm_plain": lambda n: [pylstm.LayerNorm(n, affine=False)],
    "affine": lambda n: [scaled(pylstm.Affine(n))],
    "affine_no_bias": lambda n: [scaled(pylstm.Affine(n, bias=False))],
    "affine_channels": lambda n: [scaled(pylstm.Affine(3 * n, "channel", n))],
    "affine_positions": lambda n: [scaled(pylstm.Affine(3 * n, "position", n))],
    **{
        name: activation(name)
        for name in pylstm.layers.FUNCTIONS
        if name not in ("linear", "log", "sqrt", "clipped_relu")
    },
    "clipped_relu": activation("clipped_relu", low=-0.3, high=0.8),
    "leaky": activation("leaky_relu", alpha=0.3),
    "chain": lambda n: [
        pylstm.Dense(n, 6, seed=1),
        pylstm.Activation(6, "relu"),
        scaled(pylstm.Affine(6)),
        pylstm.LSTM(6, 5, seed=2),
        pylstm.Select(5, 1, 4),
        pylstm.Dense(3, 2, "softmax", seed=3),
    ],
    "graph": lambda n: {
        "wide": pylstm.Dense(n, 6, seed=1),
        "part": pylstm.Select(6, 2, 5),
        "parts": (pylstm.Select(6, 0, 1, positions=3), "wide"),
        "gate": (pylstm.Dense(n, 3, "sigmoid", seed=2), "features"),
        "sum": (pylstm.Add(), "part", "parts", "gate", "part"),
        "product": (pylstm.Mul(), "sum", "gate"),
        "both": (pylstm.Concat(), "product", "wide"),
        "bands": (pylstm.Concat(positions=3), "wide", "gate"),
        "lstm": (pylstm.LSTM(9, 4, seed=4), "both"),
        "end": (pylstm.Concat(), "lstm", "bands"),
    },
    "branches": lambda n: {
        "conv": pylstm.Conv(n, 4, 3, padding=(1, 1), activation="relu", seed=1),
        "again": pylstm.Conv(4, 4, 3, padding="causal", seed=2),
        "sum": (pylstm.Add(), "conv", "again"),
    },
}


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("n", [4, 8, 18])
@pytest.mark.parametrize("name", MODELS)
def test_the_module_gives_the_rows_and_becomes_the_model_again(name: str, n: int) -> None:
    layers = MODELS[name](n)
    model = pylstm.Model(None, layers)
    module = to_torch(model)
    width = model.nodes[0].layer.input_size
    x = torch.randn(40, 2, width)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
        y, single = module(x).numpy(), module(x[:, 0]).numpy()
    np.testing.assert_allclose(single, y[:, 0], rtol=0, atol=1e-6)
    stream = model.stream()
    parts = [stream.push_frames(part) for part in np.split(x[:, 0].numpy(), [1, 5, 20])]
    rows = np.concatenate([*parts, stream.flush()])
    np.testing.assert_allclose(rows, single, rtol=0, atol=1e-5)
    again = from_torch(module, input_size=width)
    assert again == layers


@pytest.mark.law_framework_exact
def test_parameters_have_pytorchs_names() -> None:
    layers = {"lstm": pylstm.LSTM(3, 4, seed=1), "head": pylstm.Dense(4, 2, seed=2)}
    module = to_torch(pylstm.Model(None, layers))
    lstm, head = torch.nn.LSTM(3, 4), torch.nn.Linear(4, 2)
    names = [f"lstm.{name}" for name in lstm.state_dict()]
    assert list(module.state_dict()) == [*names, *(f"head.{name}" for name in head.state_dict())]
    assert from_torch(module.state_dict(), prefix="lstm.") == layers["lstm"]


def test_weights_are_copied_and_can_be_trained() -> None:
    model = pylstm.Model(None, [pylstm.Dense(3, 2, seed=1)])
    before = model.layers[0].weights["weight"].copy()
    module = to_torch(model)
    assert not module.training
    module(torch.ones(5, 3)).sum().backward()
    with torch.no_grad():
        for parameter in module.parameters():
            assert parameter.grad.abs().sum() > 0
            parameter -= parameter.grad
    np.testing.assert_array_equal(model.layers[0].weights["weight"], before)
    assert from_torch(module)[0] != model.layers[0]


def test_the_bundled_models() -> None:
    for name in ("vad", "keywords"):
        model = pylstm.load(name)
        if any(layer.precision != "float32" for layer in model.layers):
            with pytest.raises(ValueError, match="expected float32"):
                to_torch(model)
            continue
        module = to_torch(model)
        assert from_torch(module) == list(model.layers)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (pylstm.Stack(3, 1), r"layers\[0\] is a Stack, which PyTorch has no module for; expected"),
        (pylstm.LSTM(3, 2, peepholes=True, seed=1), "has peepholes=True; expected a plain LSTM"),
        (pylstm.LSTM(3, 2, cell_clip=2.0, seed=1), "has cell_clip=2.0; expected a plain LSTM"),
        (pylstm.LSTM(3, 2, gate_slope=0.2, seed=1), "has gate_slope=0.2; expected a plain LSTM"),
        (pylstm.GRU(3, 2, gate_slope=0.2, seed=1), "has gate_slope=0.2; expected gates that are "),
        (pylstm.GRU(3, 2, reset_after=False, seed=1), "has reset_after=False, candidate='tanh'; "),
        (pylstm.GRU(3, 2, candidate="relu", seed=1), "candidate='relu'; expected reset_after=True"),
        (pylstm.Activation(3, "log", floor=0.1), "has the function 'log'; expected one of linear"),
        (pylstm.Activation(3, "prelu", num_parameters=3), "has 3 slopes; expected one slope for"),
        (pylstm.Activation(3, "hard_sigmoid", slope=0.2), "has slope=0.2, offset=0.5; expected"),
        (pylstm.Pool(3, "max", 3, 1, (1, 1)), "padding=.*; expected none, or a mean"),
        (pylstm.Pool(3, "mean", 3, 1, "causal"), "padding=.*; expected as much before as after"),
        (pylstm.Dense(3, 2, seed=1).quantize("int8"), "is int8; expected float32"),
    ],
)
def test_layers_that_pytorch_does_not_have(layer: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        to_torch(pylstm.Model(None, [layer]))


def test_no_model() -> None:
    with pytest.raises(TypeError, match=r"model is of type list; expected a pylstm\.Model"):
        to_torch([])  # type: ignore[arg-type]
