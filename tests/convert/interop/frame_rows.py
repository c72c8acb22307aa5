"""Rows of layers with weights that look at one frame at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

import pylstm
from tests.convert import rtneural_files
from tests.convert.interop.chains import (
    keras_chain,
    onnx_nodes,
    rtneural_entry,
    scaled,
    torch_chain,
)
from tests.convert.interop.row import Row

__all__ = ["ROWS"]

OUTPUTS = 4
LINEAR = [("MatMul", "x W", "m", {}), ("Add", "m b", "y", {})]


def drawn(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).normal(0, 0.5, shape).astype(np.float32)


def matrix(n: int, outputs: int = OUTPUTS) -> dict[str, Any]:
    return {"W": drawn(n, outputs), "b": drawn(outputs)}


def batch_norm(n: int) -> dict[str, Any]:
    arrays = {name: drawn(n, seed=place) for place, name in enumerate("gbm")}
    return arrays | {"v": np.abs(drawn(n, seed=3)) + np.float32(0.1)}


ROWS = (
    Row(
        "`Dense`",
        "",
        lambda n: [pylstm.Dense(n, OUTPUTS, seed=n)],
        torch_chain(lambda nn, n: nn.Linear(n, OUTPUTS)),
        keras_chain(lambda kl, n: kl.Dense(OUTPUTS)),
        onnx_nodes(LINEAR, weights=matrix),
        rtneural_entry(lambda n: rtneural_files.dense(n, OUTPUTS)),
    ),
    Row(
        "",
        "no bias",
        lambda n: [pylstm.Dense(n, OUTPUTS, bias=False, seed=n)],
        torch_chain(lambda nn, n: nn.Linear(n, OUTPUTS, bias=False)),
        keras_chain(lambda kl, n: kl.Dense(OUTPUTS, use_bias=False)),
        onnx_nodes([("MatMul", "x W", "y", {})], weights=lambda n: {"W": drawn(n, OUTPUTS)}),
        rtneural_entry(lambda n: rtneural_files.dense(n, OUTPUTS, bias=False)),
    ),
    Row(
        "",
        "softmax behind it",
        lambda n: [pylstm.Dense(n, OUTPUTS, "softmax", seed=n)],
        torch_chain(lambda nn, n: [nn.Linear(n, OUTPUTS), nn.Softmax(-1)]),
        keras_chain(lambda kl, n: kl.Dense(OUTPUTS, "softmax")),
        onnx_nodes(
            [*LINEAR[:1], ("Softmax", "m", "y", {"axis": -1})],
            weights=lambda n: {"W": drawn(n, OUTPUTS)},
        ),
        rtneural_entry(lambda n: rtneural_files.dense(n, OUTPUTS, "softmax")),
    ),
    Row(
        "",
        "batch norm behind it",
        None,
        torch_chain(
            lambda nn, n: [nn.Linear(n, OUTPUTS), nn.BatchNorm1d(OUTPUTS), nn.Tanh()], "TF"
        ),
        keras_chain(
            lambda kl, n: [kl.Dense(OUTPUTS), kl.BatchNormalization(), kl.Activation("tanh")]
        ),
        onnx_nodes(
            [
                ("Gemm", "x W c", "d", {}),
                ("BatchNormalization", "d g b m v", "n", {}),
                ("Tanh", "n", "y", {}),
            ],
            lambda n: (None, n),
            lambda n: {"W": drawn(n, OUTPUTS), "c": drawn(OUTPUTS, seed=9)} | batch_norm(OUTPUTS),
        ),
    ),
    Row(
        "`Affine`",
        "of each value",
        lambda n: [scaled(pylstm.Affine(n))],
        torch_chain(lambda nn, n: nn.BatchNorm1d(n), "BFT"),
        keras_chain(lambda kl, n: kl.BatchNormalization()),
        onnx_nodes([("BatchNormalization", "x g b m v", "y", {})], lambda n: (None, n), batch_norm),
        rtneural_entry(lambda n: rtneural_files.batchnorm(n, True)),
    ),
    Row(
        "",
        "of each channel",
        lambda n: [scaled(pylstm.Affine(3 * n, "channel", n))],
        torch_chain(
            lambda nn, n: [nn.Conv2d(2, 2, 1), nn.ReLU(), nn.BatchNorm2d(2)],
            "BCTF",
            lambda n: 2 * n,
        ),
        keras_chain(lambda kl, n: kl.BatchNormalization(), lambda n: (n, 2)),
        onnx_nodes(
            [("BatchNormalization", "x g b m v", "y", {})],
            lambda n: (1, 2, None, n),
            lambda n: batch_norm(2),
        ),
        rtneural_entry(lambda n: rtneural_files.batchnorm(2, True, n), lambda n: 2 * n),
    ),
    Row(
        "`LayerNorm`",
        "",
        lambda n: [scaled(pylstm.LayerNorm(n + 1))],
        torch_chain(lambda nn, n: nn.LayerNorm(n + 1), width=lambda n: n + 1),
        keras_chain(lambda kl, n: kl.LayerNormalization(), lambda n: (n + 1,)),
        onnx_nodes(
            [("LayerNormalization", "x g b", "y", {})],
            lambda n: (1, None, n + 1),
            lambda n: {"g": drawn(n + 1), "b": drawn(n + 1, seed=1)},
        ),
    ),
    Row(
        "",
        "without weights",
        lambda n: [pylstm.LayerNorm(n + 1, affine=False)],
        torch_chain(
            lambda nn, n: nn.LayerNorm(n + 1, elementwise_affine=False), width=lambda n: n + 1
        ),
        keras_chain(
            lambda kl, n: kl.LayerNormalization(center=False, scale=False), lambda n: (n + 1,)
        ),
        onnx_nodes(
            [
                ("ReduceMean", "x", "m", {"axes": [-1]}),
                ("Sub", "x m", "c", {}),
                ("Mul", "c c", "s", {}),
                ("ReduceMean", "s", "v", {"axes": [-1]}),
                ("Add", "v eps", "e", {}),
                ("Sqrt", "e", "d", {}),
                ("Div", "c d", "y", {}),
            ],
            lambda n: (1, None, n + 1),
            lambda n: {"eps": np.float32(1e-3)},
        ),
    ),
    Row(
        "",
        "of each position",
        lambda n: [scaled(pylstm.LayerNorm(4 * n, positions=n))],
        None,
        keras_chain(lambda kl, n: kl.LayerNormalization(), lambda n: (n, 4)),
        onnx_nodes(
            [("LayerNormalization", "x g", "y", {})],
            lambda n: (1, None, n, 4),
            lambda n: {"g": drawn(4)},
        ),
    ),
)
