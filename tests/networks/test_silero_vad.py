"""Silero VAD's network from audio on: chunks with context, or their spectra, come from features."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from tests.networks import silero_vad
from tests.networks.drawn_weights import drawn

Array = NDArray[np.float32]

every_rate = pytest.mark.parametrize("rate", [16000, 8000])


def audio(rate: int) -> Array:
    """A second and a half, loud and soft; not a whole number of chunks."""
    rng = np.random.default_rng(rate)
    loudness = np.repeat(rng.uniform(0, 1, 30), rate // 20)
    return (loudness * rng.uniform(-1, 1, len(loudness))).astype(np.float32)


def chunks_of(pcm: Array, rate: int) -> Array:
    """The chunks as Silero VAD makes them: new samples behind the last eighth of the chunk before,
    and an eighth mirrored at the end."""
    new = 512 if rate == 16000 else 256
    context = new // 8
    padded = np.pad(pcm, (context, -len(pcm) % new))
    rows = [padded[k : k + context + new] for k in range(0, len(padded) - context, new)]
    return np.stack([np.pad(row, (0, context), mode="reflect") for row in rows])


def in_odd_cuts(model: pylstm.Model, pcm: Array) -> Array:
    stream, parts, start, size = model.stream(), [], 0, 0
    while start < len(pcm):
        size = (389 * size + 101) % 1709
        parts.append(stream.push(pcm[start : start + size]))
        start += size
    return np.concatenate([*parts, stream.flush()])


@every_rate
def test_audio_in_any_cut_gives_the_chunks(rate: int) -> None:
    pcm = audio(rate)
    rows = chunks_of(pcm, rate)
    model = pylstm.Model(silero_vad.chunks(rate), [])
    np.testing.assert_array_equal(in_odd_cuts(model, pcm), rows)


@pytest.mark.law_framework_exact
@every_rate
@pytest.mark.parametrize("front", ["chunks", "spectrum"])
def test_audio_in_any_cut_gives_the_probabilities_of_pytorch(rate: int, front: str) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    torch.set_num_threads(1)
    graph = drawn(silero_vad.layers(rate), silero_vad.FIXED)
    weights = {
        name: {n: torch.from_numpy(w) for n, w in layer.weights.items()}
        for name, given in graph.items()
        for layer in [given[0] if isinstance(given, tuple) else given]
    }
    features: pylstm.Waveform | pylstm.Spectrum = silero_vad.chunks(rate)
    if front == "spectrum":
        features = silero_vad.spectrum(rate)
        graph = {name: graph[name] for name in silero_vad.layers_behind_spectrum(rate)}
    pcm = audio(rate)
    with torch.no_grad():
        expected = silero_vad.in_torch(weights, torch.from_numpy(chunks_of(pcm, rate))).numpy()
    y = in_odd_cuts(pylstm.Model(features, graph), pcm)
    assert y.shape == expected.shape
    assert np.ptp(expected) > 1e-2
    assert np.abs(y - expected).max() < 1e-5
