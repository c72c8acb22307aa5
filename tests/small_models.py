"""Models and features of awkward sizes, small enough to make one a test."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import pylstm
from tests.signals import audio

# What a model file notes for its detector, and a note that is not ASCII.
NOTES = {
    "license": "© nobody",
    "detector.threshold": "0.45",
    "detector.smoothing_frames": "10",
    "detector.refractory_frames": "40",
    "detector.background": " silence ",
}


def small_model(**settings: object) -> pylstm.Model:
    """MFCC, two LSTM layers of an awkward size, softmax over three labels."""
    features = pylstm.MFCC(**settings)  # type: ignore[arg-type]
    layers = [
        pylstm.LSTM(features.n_features, 21, num_layers=2, seed=1),
        pylstm.Dense(21, 3, activation="softmax", seed=2),
    ]
    return pylstm.Model(features, layers, labels=["silence", "yes", "no"])


def with_notes(model: pylstm.Model, notes: dict[str, str]) -> pylstm.Model:
    """The same model with other notes in its file."""
    return pylstm.Model(model.features, model.layers, model.labels, notes)


def stack(
    width: int, hidden: int, cells: int, outputs: int, activation: str
) -> list[pylstm.LSTM | pylstm.Dense]:
    """LSTM cells on each other, and a dense layer on them."""
    return [
        pylstm.LSTM(width, hidden, num_layers=cells, seed=1),
        pylstm.Dense(hidden, outputs, activation, seed=2),
    ]


def everything_at_once() -> pylstm.MFCC:
    """Every feature option away from its default, sizes odd: 15 values a frame."""
    mean, std = np.full(15, 1, np.float32), np.full(15, 2, np.float32)
    return pylstm.MFCC(
        n_fft=255,
        win_length=201,
        hop_length=37,
        n_mels=17,
        n_mfcc=5,
        deltas=2,
        pad_mode="reflect",
        top_db=30,
        lifter=22,
        mean=mean,
        std=std,
    )


def lively_model(activation: str) -> pylstm.Model:
    """Posteriors of four labels that come and go with `tests.signals.audio`, a row every 5 ms.

    For the instruction set that holds now: a model keeps the one that it was made for.
    """
    return _lively_model(activation, pylstm.show_config()["isa"]["used"])


@cache
def _lively_model(activation: str, isa: str) -> pylstm.Model:
    settings: dict[str, Any] = {"n_fft": 256, "win_length": 160, "hop_length": 80, "n_mfcc": 8}
    frames = pylstm.MFCC(**settings)(audio(2.0))
    features = pylstm.MFCC(**settings, mean=frames.mean(axis=0), std=frames.std(axis=0))
    weights = {
        name: 12 * values
        for name, values in pylstm.Dense(12, 4, activation, seed=2).weights.items()
    }
    layers = [pylstm.LSTM(8, 12, seed=1), pylstm.Dense(12, 4, activation, weights=weights)]
    return pylstm.Model(features, layers, labels=["silence", "yes", "no", "music"])


# One of each kind of decision, with numbers with which `lively_model` gives events.
DECISIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "exclusive words": (
        "softmax",
        {
            "threshold": 0.4,
            "smoothing_frames": 3,
            "refractory_frames": 4,
            "background": ["silence"],
        },
    ),
    "exclusive words, final": (
        "softmax",
        {
            "threshold": {"yes": 0.3, "no": 0.4},
            "smoothing_frames": 4,
            "refractory_frames": 2,
            "report": "final",
        },
    ),
    "independent words": (
        "sigmoid",
        {"threshold": 0.5, "smoothing_frames": 3, "refractory_frames": 4, "min_frames": 2},
    ),
    "independent words, final": (
        "sigmoid",
        {"threshold": 0.5, "smoothing_frames": 3, "refractory_frames": 4, "report": "final"},
    ),
    "segments": (
        "sigmoid",
        {
            "kind": "segments",
            "label": "no",
            "min_speech": 0.02,
            "min_silence": 0.02,
            "pad": 0.01,
            "max_speech": 0.3,
        },
    ),
    "segments, early": (
        "softmax",
        {
            "kind": "segments",
            "label": "no",
            "smoothing_frames": 2,
            "min_speech": 0.02,
            "min_silence": 0.02,
            "pad": 0.01,
            "report": "early",
        },
    ),
    "symbols": ("softmax", {"kind": "symbols"}),
    "symbols, final": ("softmax", {"kind": "symbols", "blank": "no", "report": "final"}),
}
