"""Rows of joins."""

from __future__ import annotations

from typing import Any

import numpy as np

import pylstm
from tests.convert.interop.chains import onnx_nodes, torch_chain
from tests.convert.interop.row import Row
from tests.convert.interop.sources import of_keras_join

__all__ = ["ROWS"]


def ours(join: Any) -> Any:
    return lambda n: {
        "dense": pylstm.Dense(n, n, seed=n),
        "join": (join, "features", "dense"),
    }


def torch_join(join: Any) -> Any:
    def module(nn: Any, n: int) -> Any:
        class Joined(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.dense = nn.Linear(n, n)

            def forward(self, x: Any) -> Any:
                return join(x, self.dense(x))

        return Joined()

    return torch_chain(module)


def keras_join(name: str) -> Any:
    def make(n: int) -> Any:
        from keras import layers

        return of_keras_join((n,), lambda a, b: getattr(layers, name)()([a, b]))

    return make


def onnx_join(name: str, **attributes: Any) -> Any:
    def weights(n: int) -> dict[str, Any]:
        return {"W": np.random.default_rng(n).normal(0, 0.5, (n, n)).astype(np.float32)}

    nodes = [("MatMul", "x W", "d", {}), (name, "x d", "y", attributes)]
    return onnx_nodes(nodes, weights=weights)


def concat(a: Any, b: Any) -> Any:
    import torch

    return torch.cat([a, b], -1)


ROWS = (
    Row(
        "`Add`",
        "",
        ours(pylstm.Add()),
        torch_join(lambda a, b: a + b),
        keras_join("Add"),
        onnx_join("Add"),
    ),
    Row(
        "`Mul`",
        "",
        ours(pylstm.Mul()),
        torch_join(lambda a, b: a * b),
        keras_join("Multiply"),
        onnx_join("Mul"),
    ),
    Row(
        "`Concat`",
        "",
        ours(pylstm.Concat()),
        torch_join(concat),
        keras_join("Concatenate"),
        onnx_join("Concat", axis=-1),
    ),
)
