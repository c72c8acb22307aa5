"""Models of every cost: drawn ones, a grid of the lengths that matter, each layer at its worst."""

from __future__ import annotations

import dataclasses
import random
import re
from typing import Any

import numpy as np

import pylstm
from pylstm.features import Features
from pylstm.layers.graph import Layers

RATES = (8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000)
# Primes, powers of two, their neighbours, powers of the radices, products of many factors.
LENGTHS = (1, 2, 3, 16, 31, 37, 255, 400, 509, 512, 961, 1021, 1024, 2047, 2048, 4093, 9973)
LENGTHS += (10080, 16384, 16807, 28561, 29791, 32768, 59049, 65521, 65535, 65536)


def hop_asked_for(error: ValueError) -> int:
    """The shortest hop that is taken, as a refusal names it."""
    (least,) = re.findall(r"hop_length is \d+; expected at least (\d+):", str(error))
    return int(least)


def nearest(features: type, **settings: object) -> Features:
    """These features, with the hop that the refusal asks for if there is one."""
    try:
        return features(**settings)
    except ValueError as error:
        return features(**settings | {"hop_length": hop_asked_for(error)})


def fitting(features: Features, layers: Layers) -> pylstm.Model:
    """The model, with the hop that the refusal asks for if there is one."""
    try:
        return pylstm.Model(features, layers)
    except ValueError as error:
        raised = dataclasses.replace(features, hop_length=hop_asked_for(error))  # type: ignore[type-var]
        return pylstm.Model(raised, layers)


def grid() -> list[pylstm.Model]:
    """Every length with few bands and many, short hops and long ones, in turn."""
    models = []
    for place, n_fft in enumerate(LENGTHS):
        n_mels = (1, 512, 40, 1024, 128)[place % 5]
        common = {
            "sr": RATES[place % len(RATES)],
            "n_fft": n_fft,
            "win_length": n_fft,
            "n_mels": n_mels,
            "hop_length": (1, n_fft // 4 + 1, 160)[place % 3],
            "power": (2.0, 1.0, 0.7)[place % 3],
        }
        for features in (
            nearest(pylstm.LogMel, **common, top_db=80.0),
            nearest(pylstm.MFCC, **common, n_mfcc=n_mels, deltas=place % 3),
            nearest(pylstm.MFCC, **common, n_mfcc=n_mels, **_conditioned(place)),
            nearest(pylstm.Spectrum, **_without_bands(common), **_logged(place)),
            nearest(pylstm.Spectrum, **_without_bands(common), **_columns(n_fft, place)),
            nearest(
                pylstm.Waveform,
                sr=common["sr"],
                frame_length=n_fft,
                hop_length=common["hop_length"],
                pad_right=(0, min(n_fft // 2, 65536 - n_fft))[place % 2],
                scale=(1.0, 32768.0)[place % 2],
            ),
        ):
            models.append(fitting(features, []))
    return models


def _without_bands(common: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in common.items() if name != "n_mels"}


def _conditioned(place: int) -> dict[str, object]:
    """Everything that can be done to samples before the window."""
    return {
        "scale": 32768.0,
        "remove_dc_offset": place % 4 != 3,
        "preemphasis": 0.97,
        "preemphasis_over": ("frame", "signal")[place % 2],
        "energy": ("raw", "windowed", None)[place % 3],
        "log": ("db", "ln", "log10")[place % 3],
        "log_floor": 1e-7,
        "triangles": "mel",
    }


def _logged(place: int) -> dict[str, object]:
    return {"log": (None, "db", "ln")[place % 3], "center": place % 2 == 0}


def _columns(n_fft: int, place: int) -> dict[str, object]:
    """Several spectra in a row, as many as its width allows."""
    columns = min(2 + 3 * (place % 4), 65536 // (n_fft // 2 + 1))
    if columns == 1:
        return {}
    settings = {"framing": "chunk", "center": False, "columns": columns}
    return settings | {"column_hop": n_fft // 2 + 1, "pad_right": n_fft // 4}


def costliest() -> list[pylstm.Model]:
    """Layers of every kind where they do most for their bytes: narrow rows, many positions, weights
    that are used again, inputs that are only copied."""
    wide: dict[str, Any] = {"positions": 400}
    cell: dict[str, Any] = {"num_layers": 8, "seed": 0}
    options: dict[str, Any] = {"peepholes": True, "gate_clip": 1.0, "cell_clip": 1.0}
    norm = pylstm.LSTM(1, 1, layer_norm=True, **cell)
    chains: list[tuple[int, list[pylstm.layers.Layer]]] = [
        (1, [pylstm.LSTM(1, 1, **cell).quantize("int8")]),
        (1, [pylstm.GRU(1, 1, reset_after=False, **cell)]),
        (1, [pylstm.RNN(1, 1, **cell)]),
        (2, [pylstm.LSTM(2, 2, proj_size=1, **options, **cell)]),
        (1, [norm]),
        (1, [pylstm.Activation(1, "gelu")] * 4),
        (400, [pylstm.Activation(400, "log_softmax")]),
        (400, [pylstm.LayerNorm(400, positions=400)]),
        (400, [pylstm.Affine(400, per="position", positions=400)]),
        (400, [pylstm.Select(400, 0, 1, positions=200)]),
        (1, [pylstm.Conv(1, 1, 128, padding="causal", seed=0)]),
        (400, [pylstm.Conv(400, 1, 1, kernel_positions=3, **wide, seed=0)]),
        (400, [pylstm.Conv(400, 1, 1, activation="tanh", **wide, seed=0).quantize("int8")]),
        (64, [pylstm.Conv(64, 64, 3, stride=4, groups=64, seed=0)]),
        (400, [pylstm.Pool(400, "max", kernel_positions=7, stride_positions=1, **wide)]),
        (1, [pylstm.Pool(1, "mean", 128, 1)]),
        (1, [pylstm.Pool(1, "max", 2, 1)] * 6),
        (100, [pylstm.Stack(100, 20)]),
        (1, [pylstm.Stack(1, 127, stride=50)]),
    ]
    models = [
        fitting(pylstm.Waveform(frame_length=width, hop_length=1), layers)
        for width, layers in chains
    ]
    joins = [
        (3, pylstm.Add()),
        (400, pylstm.Mul()),
        (3, pylstm.Concat()),
        (400, pylstm.Concat(400)),
    ]
    for width, join in joins:
        graph = {"join": (join, *["features"] * 8)}
        models.append(fitting(pylstm.Waveform(frame_length=width, hop_length=1), graph))
    return models


def drawn(chance: random.Random) -> pylstm.Model:
    """A model that may be anything that is taken."""

    def size(most: int) -> int:
        return min(most, int(2 ** chance.uniform(0, np.log2(most + 1))))

    n_fft = chance.choice((size(65536), 2 ** chance.randrange(17), chance.choice(LENGTHS)))
    n_mels = size(1024)
    settings: dict[str, object] = {
        "sr": chance.choice(RATES),
        "n_fft": n_fft,
        "win_length": chance.choice((n_fft, size(n_fft))),
        "hop_length": chance.choice((1, size(4096), n_fft)),
        "n_mels": n_mels,
        "htk": chance.random() < 0.5,
        "center": chance.random() < 0.7,
        "pad_mode": chance.choice(("constant", "reflect")),
        "power": chance.choice((2.0, 2.0, 1.0, 0.5, 1.7)),
        "top_db": chance.choice((None, 80.0)),
        "deltas": chance.choice((0, 0, 1, 2)),
    }
    kind: type = pylstm.LogMel
    if chance.random() < 0.3:
        settings |= _conditioned(chance.randrange(12)) | {"top_db": None}
    if chance.random() < 0.5:
        kind = pylstm.MFCC
        settings |= {"n_mfcc": size(n_mels), "lifter": chance.choice((0.0, 22.0))}
    features = nearest(kind, **settings)
    if chance.random() < 0.5:
        width = features.n_features
        features = nearest(
            kind,
            **settings | {"hop_length": features.hop_length},
            mean=np.zeros(width, np.float32),
            std=np.ones(width, np.float32),
        )
    layers: list[pylstm.layers.Layer] = []
    width = features.n_features
    for place in range(chance.randrange(4)):
        hidden = size(256)
        layer: pylstm.layers.Layer
        if chance.random() < 0.6:
            cells = chance.randrange(1, 4)
            cell = chance.choice((pylstm.LSTM, pylstm.GRU, pylstm.RNN))
            layer = cell(width, hidden, num_layers=cells, seed=place)
        else:
            activation = chance.choice(("linear", "sigmoid", "tanh", "relu", "softmax"))
            layer = pylstm.Dense(width, hidden, activation, seed=place)
        precision = chance.choice((None, None, "bf16", "int8"))
        layers.append(layer if precision is None else layer.quantize(precision))
        width = hidden
    return fitting(features, layers)
