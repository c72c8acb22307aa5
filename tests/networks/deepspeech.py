"""The network of DeepSpeech 0.9 (MPL-2.0, https://github.com/mozilla/DeepSpeech), narrower: its
layers are 2048 wide."""

from __future__ import annotations

from typing import Any

import pylstm
from tests.networks.torch_layers import Tensors, linear, recurrent

MFCC, CONTEXT, SYMBOLS, LIMIT = 26, 9, 29, 20.0


def layers(width: int = 64) -> dict[str, Any]:
    """9 frames before and 9 after; a stream waits for those after."""
    graph: dict[str, Any] = {"stack": pylstm.Stack(MFCC, left=CONTEXT, right=CONTEXT)}

    def clipped(name: str, input_size: int) -> None:
        graph[name] = pylstm.Dense(input_size, width)
        graph[f"{name}_relu"] = pylstm.Activation(width, "clipped_relu", high=LIMIT)

    clipped("dense1", MFCC * (2 * CONTEXT + 1))
    clipped("dense2", width)
    clipped("dense3", width)
    graph["lstm"] = pylstm.LSTM(width, width)
    clipped("dense5", width)
    graph["symbols"] = pylstm.Dense(width, SYMBOLS, "softmax")
    return graph


def in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch
    from torch.nn import functional

    padded = functional.pad(x, (0, 0, CONTEXT, CONTEXT))
    x = torch.cat([padded[k : k + len(x)] for k in range(2 * CONTEXT + 1)], 1)

    def clipped(name: str, x: Any) -> Any:
        return linear(w[name], x).clamp(0, LIMIT)

    for name in ("dense1", "dense2", "dense3"):
        x = clipped(name, x)
    x = clipped("dense5", recurrent("LSTM", w["lstm"], x))
    return torch.softmax(linear(w["symbols"], x), 1)


def frames(rng: Any, n: int, width: int) -> Any:
    """Loud enough that some units reach the limit."""
    return (30 * rng.standard_normal((n, width))).astype("float32")
