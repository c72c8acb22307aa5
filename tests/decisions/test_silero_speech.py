"""Segments of recordings, from the probabilities of Silero VAD's own network, are those that
Silero VAD makes of them."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pylstm
from tests.golden.silero_oracle import WHAT_RUNS_IT

AUDIO = Path(__file__).parents[2] / "examples" / "audio"
WINDOW, RATE = 512, 16000


@functools.cache
def network() -> Any:
    pytest.importorskip("silero_vad.utils_vad", reason=WHAT_RUNS_IT)
    import silero_vad
    from silero_vad.utils_vad import init_jit_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # PyTorch's, of the form of its file
        return init_jit_model(str(Path(silero_vad.__file__).parent / "data" / "silero_vad.jit"))


@functools.cache
def recording() -> np.ndarray:
    """All the recordings of the examples, one after the other."""
    soundfile = pytest.importorskip("soundfile", reason="it reads them: pip install 'pylstm[cli]'")
    files = sorted(AUDIO.glob("*.flac"))
    assert files
    return np.concatenate([soundfile.read(path, dtype="float32")[0] for path in files])


@functools.cache
def probabilities() -> list[float]:
    import torch

    pcm, model = recording(), network()
    model.reset_states()
    windows = np.zeros((-(-len(pcm) // WINDOW), WINDOW), np.float32)
    windows.reshape(-1)[: len(pcm)] = pcm
    return [model(torch.from_numpy(window), RATE).item() for window in windows]


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({}, {}),
        ({"threshold": 0.3, "speech_pad_ms": 200}, {"threshold": 0.3, "pad": 0.2}),
        (
            {"min_speech_duration_ms": 0, "min_silence_duration_ms": 500},
            {"min_speech": 0.0, "min_silence": 0.5},
        ),
        ({"max_speech_duration_s": 1.0}, {"max_speech": 1.0}),
    ],
)
def test_segments_are_those_of_silero_on_speech(
    theirs: dict[str, Any], ours: dict[str, Any]
) -> None:
    pcm, model = recording(), network()  # first: it skips where there is no oracle
    import torch
    from silero_vad.utils_vad import get_speech_timestamps

    expected = get_speech_timestamps(torch.from_numpy(pcm), model, **theirs)
    found = pylstm.segments_from_probabilities(
        probabilities(), hop=WINDOW / RATE, duration=len(pcm) / RATE, **ours
    )
    assert len(expected) > 8
    samples = [[int(start * RATE + 1e-6), int(end * RATE + 1e-6)] for start, end in found]
    assert samples == [[one["start"], one["end"]] for one in expected]
