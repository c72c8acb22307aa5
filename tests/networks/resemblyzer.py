"""The speaker encoder of Resemblyzer (Apache-2.0, https://github.com/resemble-ai/Resemblyzer)."""

from __future__ import annotations

from typing import Any

import numpy as np

import pylstm
from tests.networks.torch_layers import Tensors, linear, recurrent

SIZE = 256
FIXED = ("opposite", "length_1")


def layers() -> dict[str, Any]:
    """LSTM, a dense layer, and a row of length 1.

    A layer norm divides by the root of the mean square of what has a mean of 0, such as a row
    beside its opposite; 1 / sqrt(256) makes a division by the length of that.
    """
    minus = np.full(SIZE, -1, np.float32)
    scale = np.full(2 * SIZE, 1 / np.sqrt(SIZE), np.float32)
    zeros = np.zeros(2 * SIZE, np.float32)
    return {
        "lstm": pylstm.LSTM(40, SIZE, num_layers=3),
        "embedding": pylstm.Dense(SIZE, SIZE, "relu"),
        "opposite": pylstm.Affine(SIZE, bias=False, weights={"weight": minus}),
        "both": (pylstm.Concat(), "embedding", "opposite"),
        "length_1": pylstm.LayerNorm(2 * SIZE, eps=1e-30, weights={"weight": scale, "bias": zeros}),
        "unit": pylstm.Select(2 * SIZE, 0, SIZE),
    }


def in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch

    embedding = torch.relu(linear(w["embedding"], recurrent("LSTM", w["lstm"], x)))
    return embedding / torch.linalg.vector_norm(embedding, dim=1, keepdim=True)
