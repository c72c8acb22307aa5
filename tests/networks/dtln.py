"""The two networks of DTLN (MIT, https://github.com/breizhn/DTLN; Westhausen and Meyer 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from tests.networks.torch_layers import Tensors, linear, recurrent

Array = NDArray[np.float32]


def mask_layers() -> dict[str, Any]:
    """Stage 1: magnitudes of 257 bins, less the noise."""
    return {
        "lstm": pylstm.LSTM(257, 128, num_layers=2),
        "mask": pylstm.Dense(128, 257, "sigmoid"),
        "masked": (pylstm.Mul(), "mask", "features"),
    }


def mask_in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch

    return x * torch.sigmoid(linear(w["mask"], recurrent("LSTM", w["lstm"], x)))


def magnitudes(rng: np.random.Generator, n: int, width: int) -> Array:
    return np.abs(rng.standard_normal((n, width), np.float32))


def waveform_layers() -> dict[str, Any]:
    """Stage 2: 512 samples, less the noise. The mask acts on what its LSTM sees normalised."""
    return {
        "encoder": pylstm.Dense(512, 256, bias=False),
        "norm": pylstm.LayerNorm(256, eps=1e-7),
        "lstm": pylstm.LSTM(256, 128, num_layers=2),
        "mask": pylstm.Dense(128, 256, "sigmoid"),
        "masked": (pylstm.Mul(), "mask", "encoder"),
        "decoder": pylstm.Dense(256, 512, bias=False),
    }


def waveform_in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch
    from torch.nn import functional

    encoded = linear(w["encoder"], x)
    normal = functional.layer_norm(encoded, (256,), w["norm"]["weight"], w["norm"]["bias"], 1e-7)
    mask = torch.sigmoid(linear(w["mask"], recurrent("LSTM", w["lstm"], normal)))
    return linear(w["decoder"], mask * encoded)
