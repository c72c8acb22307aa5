"""Streams under sanitizers: odd sizes, odd memory and forged snapshots through the C API.

What is driven, and how, stands in ``fuzz/stream_fuzz.c``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pylstm import GRU, LSTM, MFCC, RNN, Dense, LogMel, Model
from tests.core_builds import link, run
from tests.engine.graph_models import drawn_models, graph_models
from tests.small_models import everything_at_once, stack

FUZZ = Path(__file__).with_name("fuzz")


def overflowing() -> Model:
    """Sums that leave float32 in every layer: the state must stay finite all the same."""
    rng = np.random.default_rng(0)
    signs = np.where(rng.random((40, 3)) < 0.5, -3e38, 3e38).astype(np.float32)
    first = Dense(3, 40, weights={"weight": signs, "bias": np.full(40, 3e38, np.float32)})
    shapes = LSTM(40, 5, num_layers=2, seed=0).shapes
    weights = {name: np.full(shape, 3e38, np.float32) for name, shape in shapes.items()}
    second = LSTM(40, 5, num_layers=2, weights=weights)
    return Model(None, [first, second, Dense(5, 2, "softmax", seed=0)])


def models() -> list[Model]:
    """Sizes around the width of a vector, the deepest stacks, each way of framing, graphs."""
    everything = everything_at_once()
    tiny = LogMel(n_fft=1, win_length=1, hop_length=50, n_mels=2, power=0.5, window="boxcar")
    long = LogMel(n_fft=1024, win_length=3, hop_length=7, n_mels=3, pad_mode="reflect", deltas=1)
    deep = [LSTM(2, 2, seed=k) if k % 2 else Dense(2, 2, "relu", seed=k) for k in range(64)]
    return [
        Model(MFCC(), stack(13, 21, 2, 3, "softmax")),
        Model(everything, stack(15, 17, 3, 17, "softmax")),
        Model(LogMel(center=False, n_fft=300, win_length=100, hop_length=90, n_mels=1), []),
        Model(tiny, stack(2, 1, 1, 1, "sigmoid")),
        Model(long, []),
        Model(
            LogMel(n_fft=64, win_length=64, hop_length=1000, n_mels=3), stack(3, 16, 2, 1, "tanh")
        ),
        Model(None, stack(1, 1, 128, 1, "linear")),
        Model(None, stack(7, 15, 2, 16, "tanh")),
        Model(None, stack(3, 33, 1, 1000, "softmax")),
        Model(None, deep),
        Model(
            MFCC(),
            [GRU(13, 21, 3, seed=1), GRU(21, 17, reset_after=False, candidate="relu", seed=2)],
        ),
        Model(None, [GRU(5, 16, 2, reset_after=False, seed=1).quantize("bf16")]),
        Model(None, [GRU(3, 33, candidate="relu", seed=1).quantize("int8")]),
        Model(
            None,
            [RNN(5, 19, 2, seed=1).quantize("int8"), RNN(19, 1, nonlinearity="relu", seed=2)],
        ),
        overflowing(),
        *graph_models(),
        *drawn_models(range(12)),
    ]


@pytest.mark.law_chunk
@pytest.mark.law_state_is_a_value
@pytest.mark.law_nothing_poisons
@pytest.mark.slow
@pytest.mark.builds
def test_sanitizers_find_nothing(tmp_path: Path) -> None:
    program = link(tmp_path / "stream_fuzz", "sanitized", sorted(FUZZ.glob("*.c")))
    files = []
    for place, model in enumerate(models()):
        files.append(tmp_path / f"{place}.safetensors")
        model.save(files[-1])
    told = run(program, 6, 1, *files)
    counts = r"[1-9]\d* walks, [1-9]\d* forgeries accepted, [1-9]\d* refused\n"
    assert re.fullmatch(counts, told), told
