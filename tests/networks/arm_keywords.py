"""The keyword spotters of "Hello Edge" (Zhang et al. 2017, arXiv:1711.07128; Apache-2.0,
https://github.com/ARM-software/ML-KWS-for-MCU): 10 MFCC a frame, scores of 12 words.

TensorFlow's LSTM adds a forget bias of 1, which belongs to ``bias_ih`` here; its GRU resets before
the product. Batch norm is an `Affine` here.
"""

from __future__ import annotations

from typing import Any

import pylstm
from tests.networks.recurrent_formulas import gru_before, lstmp
from tests.networks.torch_layers import Tensors, linear, pictures, recurrent, rows

MFCC, WORDS = 10, 12


def basic_lstm_layers(hidden_size: int = 118) -> dict[str, Any]:
    return {"lstm": pylstm.LSTM(MFCC, hidden_size), "head": pylstm.Dense(hidden_size, WORDS)}


def basic_lstm_in_torch(w: dict[str, Tensors], x: Any) -> Any:
    return linear(w["head"], recurrent("LSTM", w["lstm"], x))


def lstm_layers(proj_size: int = 98, hidden_size: int = 144) -> dict[str, Any]:
    return {
        "lstm": pylstm.LSTM(MFCC, hidden_size, proj_size=proj_size, peepholes=True),
        "head": pylstm.Dense(proj_size, WORDS),
    }


def lstm_in_torch(w: dict[str, Tensors], x: Any) -> Any:
    return linear(w["head"], lstmp(w["lstm"], x))


def gru_layers(hidden_size: int = 154) -> dict[str, Any]:
    return {
        "gru": pylstm.GRU(MFCC, hidden_size, reset_after=False),
        "head": pylstm.Dense(hidden_size, WORDS),
    }


def gru_in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch

    return linear(w["head"], gru_before(w["gru"], x, torch.tanh))


def crnn_layers() -> dict[str, Any]:
    """A convolution that sees 10 frames and 4 coefficients, every second of both."""
    conv = pylstm.Conv(
        MFCC,
        48,
        kernel_size=10,
        stride=2,
        activation="relu",
        positions=MFCC,
        kernel_positions=4,
        stride_positions=2,
    )
    return {
        "conv": conv,
        "gru": pylstm.GRU(conv.n_outputs, 60, num_layers=2, reset_after=False),
        "dense": pylstm.Dense(60, 84, "relu"),
        "head": pylstm.Dense(84, WORDS),
    }


def crnn_in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch
    from torch.nn import functional

    conv = functional.conv2d(pictures(x, MFCC), w["conv"]["weight"], w["conv"]["bias"], stride=2)
    y = gru_before(w["gru"], rows(torch.relu(conv)), torch.tanh)
    return linear(w["head"], torch.relu(linear(w["dense"], y)))


# Rows of the last convolution that make a decision about 49 frames.
DECISION = 25


def ds_cnn_layers() -> dict[str, Any]:
    """Convolutions that see as far ahead as back, and the mean of a second.

    TensorFlow's "SAME" is 4 frames of zeros before and 5 after for the first kernel of 10 with a
    stride of 2, and 1 on either side for kernels of 3.
    """
    first = pylstm.Conv(
        MFCC,
        64,
        kernel_size=10,
        stride=2,
        padding=(4, 5),
        positions=MFCC,
        kernel_positions=4,
        stride_positions=2,
        padding_positions=(1, 1),
    )
    width, positions = first.n_outputs, first.output_positions

    def normed(name: str, conv: pylstm.Conv) -> dict[str, Any]:
        norm = pylstm.Affine(width, per="channel", positions=positions)
        relu = pylstm.Activation(width, "relu")
        return {name: conv, f"{name}_norm": norm, f"{name}_relu": relu}

    graph = normed("conv", first)
    for k in range(4):
        depthwise = pylstm.Conv(
            width,
            64,
            kernel_size=3,
            padding=(1, 1),
            groups=64,
            positions=positions,
            kernel_positions=3,
            padding_positions=(1, 1),
        )
        graph |= normed(f"depthwise_{k}", depthwise)
        graph |= normed(f"pointwise_{k}", pylstm.Conv(width, 64, positions=positions))
    graph["pool"] = pylstm.Pool(
        width, "mean", DECISION, stride=1, positions=positions, kernel_positions=positions
    )
    graph["head"] = pylstm.Dense(64, WORDS)
    return graph


def ds_cnn_in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch
    from torch.nn import functional

    def normed(name: str, y: Any, **settings: Any) -> Any:
        weight, bias = (w[name][part] for part in ("weight", "bias"))
        weight = weight if weight.ndim == 4 else weight[..., None]
        y = functional.conv2d(y, weight, bias, **settings)
        scale, shift = (w[f"{name}_norm"][part][:, None, None] for part in ("weight", "bias"))
        return torch.relu(y * scale + shift)

    y = functional.pad(pictures(x, MFCC), (1, 1, 4, 5))
    y = normed("conv", y, stride=2)
    for k in range(4):
        y = normed(f"depthwise_{k}", y, padding=1, groups=64)
        y = normed(f"pointwise_{k}", y)
    means = functional.avg_pool2d(y, (DECISION, y.shape[3]), stride=1)
    return linear(w["head"], rows(means))
