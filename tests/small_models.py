"""Models and features of awkward sizes, small enough to make one a test."""

from __future__ import annotations

import numpy as np

import pylstm

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
