"""Graphs with every kind of layer and every option of it, small enough to be changed often."""

from __future__ import annotations

from typing import Any

import numpy as np

import pylstm
from pylstm.layers import Layer
from tests.engine.drawn_graphs import drawn

Nodes = dict[str, Any]

CHUNKS: dict[str, Any] = {"center": False, "framing": "chunk", "columns": 4, "column_hop": 32}


def near_one(layer: Layer) -> Layer:
    """The same with weights that are no identity."""
    rng = np.random.default_rng(3)
    values = {name: rng.uniform(0.5, 1.5, shape) for name, shape in layer.shapes.items()}
    return layer.with_weights({name: value.astype(np.float32) for name, value in values.items()})


def recurrent() -> Nodes:
    """Cells with every option, and a sum around one of them."""
    return {
        "peepholes": pylstm.LSTM(5, 6, peepholes=True, gate_clip=2.0, seed=1),
        "projected": pylstm.LSTM(6, 7, 2, proj_size=5, coupled=True, cell_clip=0.5, seed=2),
        "normalised": pylstm.LSTM(5, 5, layer_norm=True, bias=False, gate_slope=0.5, seed=3),
        "around": (pylstm.Add(), "normalised", "features", "projected"),
        "gru": pylstm.GRU(
            5, 6, reset_after=False, candidate="relu", gate_slope=0.2, seed=4
        ).quantize("int8"),
        "rnn": pylstm.RNN(6, 3, nonlinearity="relu", seed=5).quantize("bf16"),
        "both": (pylstm.Concat(), "rnn", "gru", "gru"),
    }


def windows() -> Nodes:
    """Windows in time and over positions, with look-ahead, dilation and strides, and a mask."""
    spread = pylstm.Conv(
        12, 4, 3, dilation=2, padding=(1, 3), groups=2, positions=3, kernel_positions=2,
        dilation_positions=2, padding_positions=(1, 2), activation="tanh", seed=1,
    )  # fmt: skip
    cut = spread.output_positions
    return {
        "spread": spread,
        "highest": pylstm.Pool(
            4 * cut, "max", 2, 1, "causal", positions=cut, kernel_positions=2,
            stride_positions=1, padding_positions=(1, 0),
        ),
        "mask": (pylstm.Activation(4 * cut, "sigmoid"), "spread"),
        "masked": (pylstm.Mul(), "mask", "highest"),
        "mean": pylstm.Pool(
            4 * cut, "mean", 3, 2, (1, 1), positions=cut, kernel_positions=cut,
            padding_positions=(1, 1), count_include_pad=False,
        ),
        "narrow": pylstm.Conv(4, 3, 2, bias=False, seed=2).quantize("int8"),
        "stack": pylstm.Stack(3, 2, 1, 2),
        "head": pylstm.Dense(12, 2, "softmax", seed=3),
    }  # fmt: skip


def by_value() -> Nodes:
    """What treats values, channels and positions by themselves."""
    return {
        "norm": near_one(pylstm.LayerNorm(12, positions=3)),
        "element": near_one(pylstm.Affine(12, positions=3)),
        "channel": near_one(pylstm.Affine(12, per="channel", positions=3, bias=False)),
        "position": near_one(pylstm.Affine(12, per="position", positions=3)),
        "slopes": near_one(pylstm.Activation(12, "prelu", num_parameters=4, positions=3)),
        "part": pylstm.Select(12, 1, 3, positions=3),
        "other": (pylstm.Select(12, 0, 1, positions=3), "slopes"),
        "parts": (pylstm.Concat(positions=3), "part", "other", "features"),
        "steep": pylstm.Activation(21, "hard_sigmoid", slope=0.25, offset=0.5),
        "log": pylstm.Activation(21, "log", floor=1e-6),
        "leak": pylstm.Activation(21, "leaky_relu", alpha=0.1),
        "elu": pylstm.Activation(21, "elu", alpha=0.5),
        "clipped": pylstm.Activation(21, "clipped_relu", low=-0.5, high=6.0),
        "gelu": pylstm.Dense(21, 3, "gelu_tanh", seed=1).quantize("bf16"),
        "soft": pylstm.Activation(3, "log_softmax"),
    }


def after_chunks() -> Nodes:
    """Rows of four columns, of which the third takes every other one."""
    return {
        "columns": pylstm.Conv(
            132, 3, positions=4, kernel_positions=3, padding_positions=(1, 1), seed=1
        ),
        "stride": pylstm.Conv(12, 5, 2, stride=2, padding=(0, 1), activation="relu", seed=2),
        "lstm": pylstm.LSTM(5, 4, seed=3),
        "head": pylstm.Dense(4, 3, "sigmoid", seed=4),
    }


def graph_models() -> list[pylstm.Model]:
    """With frames from outside, and behind features of every kind and preset."""
    kaldi: dict[str, Any] = {"center": True, "energy": "windowed", "preemphasis_over": "signal"}
    models = [
        pylstm.Model(None, recurrent()),
        pylstm.Model(None, windows()),
        pylstm.Model(None, by_value()),
        pylstm.Model(
            pylstm.Spectrum(n_fft=64, hop_length=128, **CHUNKS, pad_right=16),
            after_chunks(),
            ["a", "b", "c"],
        ),
        pylstm.Model(
            pylstm.MFCC.preset("kaldi", deltas=1, n_mels=12, n_mfcc=6),
            [pylstm.Conv(12, 4, 2, dilation=3, padding=(1, 2), seed=1), pylstm.GRU(4, 3, seed=2)],
        ),
        pylstm.Model(pylstm.LogMel.preset("kaldi", n_mels=4, **kaldi), recurrent()),
        pylstm.Model(pylstm.LogMel.preset("torchaudio", n_mels=12), windows()),
        pylstm.Model(
            pylstm.Waveform(frame_length=8, hop_length=64, pad_right=4, scale=2.0), by_value()
        ),
    ]
    return models


def drawn_models(seeds: range) -> list[pylstm.Model]:
    """Random graphs of frames from outside."""
    return [pylstm.Model(None, drawn(seed, 14)[1]) for seed in seeds]
