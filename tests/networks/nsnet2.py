"""The network of NSNet2 (the baseline of https://github.com/microsoft/DNS-Challenge)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from tests.networks.torch_layers import Tensors, linear, recurrent

Array = NDArray[np.float32]

BINS = 161
FIXED = ("decades",)


def layers() -> dict[str, Any]:
    """From the power of each bin to its gain. An `Affine` makes a decadic logarithm of ln."""
    per_decade = np.full(BINS, 1 / np.log(10), np.float32)
    return {
        "logarithm": pylstm.Activation(BINS, "log", floor=1e-12),
        "decades": pylstm.Affine(BINS, bias=False, weights={"weight": per_decade}),
        "fc1": pylstm.Dense(BINS, 400, "relu"),
        "gru": pylstm.GRU(400, 400, num_layers=2),
        "fc2": pylstm.Dense(400, 600, "relu"),
        "fc3": pylstm.Dense(600, 600, "relu"),
        "gain": pylstm.Dense(600, BINS, "sigmoid"),
    }


def in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch

    y = torch.relu(linear(w["fc1"], torch.log10(x.clamp(min=1e-12))))
    y = recurrent("GRU", w["gru"], y)
    for name in ("fc2", "fc3"):
        y = torch.relu(linear(w[name], y))
    return torch.sigmoid(linear(w["gain"], y))


def powers(rng: np.random.Generator, n: int, width: int) -> Array:
    """Of noise, and of silence in between."""
    loud = rng.standard_normal((n, width), np.float32) ** 2
    loud[rng.random(n) < 0.1] = 0
    return loud
