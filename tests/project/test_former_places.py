"""What the documentation of 0.1.1 imports from a module is still there."""

from __future__ import annotations

import importlib

import pytest

import pylstm
import pylstm.train

PLACES = {
    "pylstm.audio": ["AudioError", "AudioFile"],
    "pylstm.convert": ["CSource", "c_name", "from_torch", "to_c"],
    "pylstm.detector": ["Detector", "Event"],
    "pylstm.features": ["MFCC", "LogMel"],
    "pylstm.layers": ["GRU", "LSTM", "RNN", "Dense", "Layer"],
    "pylstm.model": ["Model", "load"],
    "pylstm.reference.cells": [
        "ACTIVATIONS",
        "dense",
        "gru_step",
        "lstm_step",
        "rnn_step",
        "softmax",
    ],
    "pylstm.reference.sequences": ["gru", "lstm", "rnn"],
    "pylstm.train.augment": ["Augmentation", "Chain", "Gain", "Shift", "Speed", "Times"],
    "pylstm.train.batches": ["Arrays", "Batch", "Truncated"],
    "pylstm.train.ctc": ["CTC"],
    "pylstm.train.losses": ["MSE", "BCEWithLogits", "CrossEntropy"],
    "pylstm.train.network": ["Network"],
    "pylstm.train.optimisers": ["SGD", "Adam", "AdamW", "clip_global_norm"],
    "pylstm.train.schedules": ["Constant", "Cosine", "Plateau", "Step"],
}


@pytest.mark.parametrize("place", PLACES)
def test_names_are_where_version_0_1_had_them(place: str) -> None:
    module = importlib.import_module(place)
    for name in PLACES[place]:
        found = getattr(module, name)
        for room in (pylstm, pylstm.train):
            if name in room.__all__:
                assert found is getattr(room, name)


def test_importing_them_replaces_no_function() -> None:
    """A submodule becomes an attribute of its package; `fit` must stay the function."""
    assert callable(pylstm.train.fit)
    assert callable(pylstm.load)
