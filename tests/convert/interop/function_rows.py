"""Rows of functions of single values, or of a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pylstm
from tests.convert import rtneural_files
from tests.convert.interop.chains import keras_chain, onnx_nodes, rtneural_entry, torch_chain
from tests.convert.interop.row import Row

__all__ = ["ROWS"]


def ours(name: Any, **parameters: float) -> Any:
    return lambda n: [pylstm.Activation(n, name, **parameters)]


def number(value: float) -> Any:
    return np.array(value, np.float32)


def torch_named(function: Callable[[Any, Any], Any]) -> Any:
    """``function(torch, x)``, which PyTorch has no module for."""

    def module(nn: Any, n: int) -> Any:
        import torch

        class Applied(nn.Module):
            def forward(self, x: Any) -> Any:
                return function(torch, x)

        return Applied()

    return torch_chain(module)


def keras_named(name: str) -> Any:
    return keras_chain(lambda kl, n: kl.Activation(name))


def onnx_named(name: str, opset: int = 17, **attributes: Any) -> Any:
    return onnx_nodes([(name, "x", "y", attributes)], opset=opset)


def rtneural(name: str) -> Any:
    # A softmax of one value is 1, which says nothing.
    return rtneural_entry(lambda n: rtneural_files.activation(n + 1, name), lambda n: n + 1)


def wide(n: int) -> Any:
    return (1, None, n + 1)


ROWS = (
    Row(
        "`Activation`",
        "sigmoid",
        ours("sigmoid"),
        torch_chain(lambda nn, n: nn.Sigmoid()),
        keras_named("sigmoid"),
        onnx_named("Sigmoid"),
        rtneural("sigmoid"),
    ),
    Row(
        "",
        "tanh",
        ours("tanh"),
        torch_chain(lambda nn, n: nn.Tanh()),
        keras_named("tanh"),
        onnx_named("Tanh"),
        rtneural("tanh"),
    ),
    Row(
        "",
        "relu",
        ours("relu"),
        torch_chain(lambda nn, n: nn.ReLU()),
        keras_named("relu"),
        onnx_named("Relu"),
        rtneural("relu"),
    ),
    Row(
        "",
        "clipped_relu",
        ours("clipped_relu", low=-0.5, high=0.7),
        torch_chain(lambda nn, n: nn.Hardtanh(-0.5, 0.7)),
        keras_chain(lambda kl, n: kl.ReLU(max_value=0.7)),
        onnx_nodes(
            [("Clip", "x low high", "y", {})],
            weights=lambda n: {"low": number(-0.5), "high": number(0.7)},
        ),
    ),
    Row(
        "",
        "leaky_relu",
        ours("leaky_relu", alpha=0.2),
        torch_chain(lambda nn, n: nn.LeakyReLU(0.2)),
        keras_chain(lambda kl, n: kl.LeakyReLU(negative_slope=0.2)),
        onnx_named("LeakyRelu", alpha=0.2),
    ),
    Row(
        "",
        "prelu",
        lambda n: [pylstm.Activation(n, "prelu", num_parameters=n)],
        torch_chain(lambda nn, n: [nn.Linear(n, n), nn.PReLU(n)], "TF"),
        keras_chain(lambda kl, n: kl.PReLU(shared_axes=[1])),
        onnx_nodes([("PRelu", "x s", "y", {})], weights=lambda n: {"s": np.full(n, 0.3, "f4")}),
        rtneural_entry(lambda n: rtneural_files.prelu(n, n)),
    ),
    Row(
        "",
        "elu",
        ours("elu", alpha=0.7),
        torch_chain(lambda nn, n: nn.ELU(0.7)),
        keras_chain(lambda kl, n: kl.ELU(alpha=0.7)),
        onnx_named("Elu", alpha=0.7),
        rtneural("elu"),
    ),
    Row(
        "",
        "gelu",
        ours("gelu"),
        torch_chain(lambda nn, n: nn.GELU()),
        keras_chain(lambda kl, n: kl.Activation("gelu")),
        onnx_named("Gelu", opset=20),
    ),
    Row(
        "",
        "silu",
        ours("silu"),
        torch_chain(lambda nn, n: nn.SiLU()),
        keras_named("silu"),
        onnx_nodes([("Sigmoid", "x", "s", {}), ("Mul", "x s", "y", {})]),
    ),
    Row(
        "",
        "softsign",
        ours("softsign"),
        torch_chain(lambda nn, n: nn.Softsign()),
        keras_named("softsign"),
        onnx_named("Softsign"),
    ),
    Row(
        "",
        "hard_sigmoid",
        ours("hard_sigmoid", slope=0.2),
        torch_chain(lambda nn, n: nn.Hardsigmoid()),
        keras_named("hard_sigmoid"),
        onnx_named("HardSigmoid", alpha=0.2),
    ),
    Row(
        "",
        "softmax",
        lambda n: [pylstm.Activation(n + 1, "softmax")],
        torch_chain(lambda nn, n: nn.Softmax(-1), width=lambda n: n + 1),
        keras_chain(lambda kl, n: kl.Softmax(), lambda n: (n + 1,)),
        onnx_nodes([("Softmax", "x", "y", {"axis": -1})], wide),
        rtneural("softmax"),
    ),
    Row(
        "",
        "log_softmax",
        lambda n: [pylstm.Activation(n + 1, "log_softmax")],
        torch_chain(lambda nn, n: nn.LogSoftmax(-1), width=lambda n: n + 1),
        keras_chain(lambda kl, n: kl.Activation("log_softmax"), lambda n: (n + 1,)),
        onnx_nodes([("LogSoftmax", "x", "y", {"axis": -1})], wide),
    ),
    Row("", "absolute value", None, torch_named(lambda t, x: t.abs(x)), onnx=onnx_named("Abs")),
    Row(
        "",
        "square",
        ours("square"),
        torch_named(lambda t, x: t.square(x)),
        onnx=onnx_nodes([("Mul", "x x", "y", {})]),
    ),
    Row(
        "",
        "sqrt",
        ours("sqrt"),
        torch_named(lambda t, x: t.sqrt(t.abs(x))),
        onnx=onnx_nodes([("Abs", "x", "a", {}), ("Sqrt", "a", "y", {})]),
    ),
    Row(
        "",
        "log",
        ours("log", floor=0.01),
        torch_named(lambda t, x: t.log(t.clamp(x, min=0.01))),
        onnx=onnx_nodes(
            [("Clip", "x floor", "c", {}), ("Log", "c", "y", {})],
            weights=lambda n: {"floor": number(0.01)},
        ),
    ),
)
