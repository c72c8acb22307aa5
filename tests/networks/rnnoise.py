"""The networks of RNNoise 0.1 and 0.2 (BSD, https://github.com/xiph/rnnoise; Valin 2018)."""

from __future__ import annotations

from typing import Any

import pylstm
from tests.networks.recurrent_formulas import gru_before
from tests.networks.torch_layers import Tensors, linear, over_time, recurrent


def early_gru(input_size: int, hidden_size: int) -> pylstm.GRU:
    """The GRU of RNNoise 0.1 and of WebRTC's detector: reset before the product, no tanh."""
    return pylstm.GRU(input_size, hidden_size, reset_after=False, candidate="relu")


def layers_01() -> dict[str, Any]:
    """42 features of a frame; 22 gains of bands and the probability of speech."""
    return {
        "dense": pylstm.Dense(42, 24, "tanh"),
        "vad_gru": early_gru(24, 24),
        "vad": pylstm.Dense(24, 1, "sigmoid"),
        "noise_input": (pylstm.Concat(), "dense", "vad_gru", "features"),
        "noise_gru": early_gru(90, 48),
        "denoise_input": (pylstm.Concat(), "vad_gru", "noise_gru", "features"),
        "denoise_gru": early_gru(114, 96),
        "gains": pylstm.Dense(96, 22, "sigmoid"),
        "outputs": (pylstm.Concat(), "gains", "vad"),
    }


def in_torch_01(w: dict[str, Tensors], x: Any) -> Any:
    import torch

    def gru(name: str, *parts: Any) -> Any:
        return gru_before(w[name], torch.cat(parts, 1), torch.relu)

    dense = torch.tanh(linear(w["dense"], x))
    vad = gru("vad_gru", dense)
    noise = gru("noise_gru", dense, vad, x)
    denoise = gru("denoise_gru", vad, noise, x)
    heads = linear(w["gains"], denoise), linear(w["vad"], vad)
    return torch.sigmoid(torch.cat(heads, 1))


def layers_02(conv_size: int = 128, gru_size: int = 256) -> dict[str, Any]:
    """65 features of a frame; 32 gains of bands and the probability of speech."""
    return {
        "conv1": pylstm.Conv(65, conv_size, 3, padding="causal", activation="tanh"),
        "conv2": pylstm.Conv(conv_size, gru_size, 3, padding="causal", activation="tanh"),
        "gru1": pylstm.GRU(gru_size, gru_size),
        "gru2": pylstm.GRU(gru_size, gru_size),
        "gru3": pylstm.GRU(gru_size, gru_size),
        "all": (pylstm.Concat(), "conv2", "gru1", "gru2", "gru3"),
        "gains": pylstm.Dense(4 * gru_size, 32, "sigmoid"),
        "vad": (pylstm.Dense(4 * gru_size, 1, "sigmoid"), "all"),
        "outputs": (pylstm.Concat(), "gains", "vad"),
    }


def in_torch_02(w: dict[str, Tensors], x: Any) -> Any:
    import torch

    for name in ("conv1", "conv2"):
        x = torch.tanh(over_time(w[name], x, left=2))
    found = [x]
    for name in ("gru1", "gru2", "gru3"):
        found.append(recurrent("GRU", w[name], found[-1]))
    together = torch.cat(found, 1)
    heads = [linear(w[name], together) for name in ("gains", "vad")]
    return torch.sigmoid(torch.cat(heads, 1))


def webrtc_layers() -> dict[str, Any]:
    """The detector of speech in WebRTC's echo canceller (rnn_vad): half of the early network."""
    return {
        "dense": pylstm.Dense(42, 24, "tanh"),
        "gru": early_gru(24, 24),
        "vad": pylstm.Dense(24, 1, "sigmoid"),
    }


def webrtc_in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch

    dense = torch.tanh(linear(w["dense"], x))
    return torch.sigmoid(linear(w["vad"], gru_before(w["gru"], dense, torch.relu)))
