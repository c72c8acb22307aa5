"""Changed models with a checksum that fits: refused by a rule, or sound in use; under sanitizers.

What is changed and used stands in ``loading/model_loading_fuzz.c``; ``python -m
tests.engine.loading 10`` goes on for ten minutes.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pylstm import GRU, LSTM, MFCC, RNN, Dense, LogMel, Model, Spectrum, Waveform
from tests.core_builds import link, run
from tests.engine.graph_models import CHUNKS, drawn_models, graph_models
from tests.small_models import NOTES, everything_at_once, stack


def driver(folder: Path) -> Path:
    sources = sorted((Path(__file__).parent / "loading").glob("*.c"))
    return link(folder / "model_loading_fuzz", "sanitized", sources)


def files(folder: Path) -> list[Path]:
    """Models of each kind of features, layers and weights, small enough to be changed often."""
    quantised = [
        LSTM(7, 15, seed=1).quantize("int8"),
        Dense(15, 4, "tanh", seed=2).quantize("bf16"),
    ]
    models = [
        Model(MFCC(n_mels=20), stack(13, 6, 2, 3, "softmax"), ["a", "b", "c"], NOTES),
        Model(everything_at_once(), stack(15, 5, 1, 2, "sigmoid")),
        Model(LogMel(n_fft=512, n_mels=7, hop_length=100, top_db=80.0), quantised),
        Model(LogMel(n_fft=65521, win_length=65521, hop_length=1000, n_mels=40), []),
        Model(MFCC.preset("kaldi", deltas=1), []),
        Model(
            LogMel.preset("kaldi", center=True, energy="windowed", preemphasis_over="signal"), []
        ),
        Model(Spectrum(n_fft=64, hop_length=128, **CHUNKS, pad_right=16), []),
        Model(Waveform(frame_length=72, hop_length=64, pad_right=8, scale=2.0), []),
        Model(None, stack(3, 9, 2, 5, "relu")),
        Model(MFCC(), [GRU(13, 7, 2, seed=1), RNN(7, 5, nonlinearity="relu", seed=2)]),
        Model(None, [GRU(3, 9, reset_after=False, candidate="relu", seed=1).quantize("int8")]),
        *graph_models(),
        *drawn_models(range(6)),
    ]
    paths = [folder / f"{place}.safetensors" for place in range(len(models))]
    for path, model in zip(paths, models, strict=True):
        model.save(path)
    return paths


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.slow
@pytest.mark.builds
def test_sanitizers_find_nothing(tmp_path: Path) -> None:
    told = run(driver(tmp_path), 100, 1, *files(tmp_path))
    assert re.fullmatch(r"[1-9]\d* loaded, [1-9]\d* refused\n", told), told
