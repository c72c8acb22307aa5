"""The stateless predictor of icefall's transducers (Apache-2.0, https://github.com/k2-fsa/icefall;
Ghodsi et al. 2020): it knows the last two symbols."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from tests.networks.torch_layers import Tensors, linear, over_time

VOCABULARY, WIDTH = 500, 512


def layers() -> dict[str, Any]:
    """An embedding is a dense layer on rows that are 1 at one place."""
    return {
        "embedding": pylstm.Dense(VOCABULARY, WIDTH, bias=False),
        "conv": pylstm.Conv(
            WIDTH, WIDTH, 2, padding="causal", groups=WIDTH // 4, bias=False, activation="relu"
        ),
        "joiner": pylstm.Dense(WIDTH, WIDTH),
    }


def in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch
    from torch.nn import functional

    embedded = functional.embedding(x.argmax(1), w["embedding"]["weight"].T)
    y = torch.relu(over_time(w["conv"], embedded, left=1, groups=WIDTH // 4))
    return linear(w["joiner"], y)


def symbols(rng: np.random.Generator, n: int, width: int) -> NDArray[np.float32]:
    return np.eye(width, dtype=np.float32)[rng.integers(width, size=n)]
