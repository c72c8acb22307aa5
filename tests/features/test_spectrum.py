"""Spectra and chunks: librosa's magnitudes, and what published models take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from tests.features.features_grid import signals

AUDIO = signals()
Array = NDArray[np.float64]


def chunks(y: NDArray[np.float32], length: int, hop: int) -> list[Array]:
    """As a program with a buffer has them: it begins as zeros, and takes hop samples at a time."""
    buffer, found = np.zeros(length), []
    for at in range(0, len(y), hop):
        new = np.zeros(hop)
        new[: len(y[at : at + hop])] = y[at : at + hop]
        buffer = np.concatenate([buffer, new])[-length:]
        found.append(buffer)
    return found


@pytest.mark.law_librosa_exact
@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"win_length": 400},
        {"n_fft": 401, "win_length": 300, "pad_mode": "reflect"},
        {"center": False, "hop_length": 77},
        {"window": "hamming", "power": 2.0},
        {"n_fft": 2048, "hop_length": 512, "power": 0.5},
    ],
    ids=str,
)
def test_magnitudes_are_librosas(chosen: dict[str, Any]) -> None:
    librosa = pytest.importorskip(
        "librosa", reason="librosa is the oracle: pip install 'pylstm[test]'"
    )
    features = pylstm.Spectrum(**chosen)
    asked = {"n_fft": 512, "hop_length": 160} | chosen
    power = asked.pop("power", 1.0)
    for y in AUDIO.values():
        expected = np.abs(librosa.stft(y.astype(np.float64), **asked)).T ** power
        rows = features(y)
        assert rows.shape == expected.shape
        np.testing.assert_allclose(rows, expected, rtol=2e-6, atol=1e-6 * expected.max())


@pytest.mark.parametrize("rate", [16000, 8000])
def test_silero_vad(rate: int) -> None:
    """Its STFT is a convolution over a chunk that is mirrored at the right, four columns of it."""
    new, n_fft = rate * 32 // 1000, rate * 16 // 1000
    context = n_fft // 4
    n, k = np.arange(n_fft), np.arange(n_fft // 2 + 1)[:, np.newaxis]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / n_fft)
    angles = 2 * np.pi * k * n / n_fft
    features = pylstm.Spectrum(
        sr=rate,
        n_fft=n_fft,
        hop_length=new,
        center=False,
        framing="chunk",
        columns=4,
        column_hop=n_fft // 2,
        pad_right=context,
    )
    assert (features.span, features.latency) == (context + new, new)
    y = AUDIO["speech"][9000:21000]
    expected = []
    for chunk in chunks(y, context + new, new):
        padded = np.concatenate([chunk, chunk[-2 : -2 - context : -1]])
        for at in range(0, len(padded) - n_fft + 1, n_fft // 2):
            part = padded[at : at + n_fft] * window
            expected.append(np.hypot(np.cos(angles) @ part, -np.sin(angles) @ part))
    rows = features(y)
    assert len(rows) == -(-len(y) // new)
    exact = np.array(expected).reshape(len(rows), -1)
    np.testing.assert_allclose(rows, exact, rtol=0, atol=1e-5)
    # The same from samples in the row, for a graph that has the convolution as a layer.
    raw = pylstm.Waveform(sr=rate, frame_length=context + new, hop_length=new, pad_right=context)
    padded_rows = raw(y)
    assert padded_rows.shape == (len(rows), 5 * n_fft // 2)
    np.testing.assert_array_equal(
        padded_rows[:, -context:], padded_rows[:, -context - 2 : -2 * context - 2 : -1]
    )


def test_dtln() -> None:
    features = pylstm.Spectrum(
        n_fft=512, hop_length=128, window="boxcar", center=False, framing="chunk"
    )
    y = AUDIO["speech"][9000:14001]
    expected = [np.abs(np.fft.rfft(chunk)) for chunk in chunks(y, 512, 128)]
    np.testing.assert_allclose(features(y), expected, rtol=0, atol=1e-5)
    assert features.latency == 128


def test_nsnet2() -> None:
    features = pylstm.Spectrum(
        n_fft=320,
        hop_length=160,
        window="sqrt_hann",
        periodic=False,
        center=False,
        power=2.0,
        log="log10",
        log_floor=1e-12,
    )
    window = np.sqrt(np.hanning(320))
    for y in AUDIO.values():
        starts = range(0, len(y) - 319, 160)
        frames = np.array([y[start : start + 320].astype(np.float64) for start in starts])
        power = np.abs(np.fft.rfft(frames * window)) ** 2
        expected = np.log10(np.maximum(power, 1e-12))
        np.testing.assert_allclose(features(y), expected, rtol=0, atol=1e-4)


def test_mel_energies_without_a_logarithm() -> None:
    """What Resemblyzer takes."""
    librosa = pytest.importorskip(
        "librosa", reason="librosa is the oracle: pip install 'pylstm[test]'"
    )
    features = pylstm.LogMel(n_fft=400, win_length=400, hop_length=160, n_mels=40, log=None)
    y = AUDIO["speech"]
    expected = librosa.feature.melspectrogram(
        y=y, sr=16000, n_fft=400, hop_length=160, n_mels=40, pad_mode="constant"
    ).T
    np.testing.assert_allclose(features(y), expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(("length", "hop"), [(576, 512), (512, 128), (1, 1), (7, 10), (100, 3)])
def test_chunks_are_those_of_a_buffer(length: int, hop: int) -> None:
    y = AUDIO["noise"][: 5 * hop + length + 1]
    features = pylstm.Waveform(frame_length=length, hop_length=hop)
    if hop >= length:
        padded = np.concatenate([y, np.zeros(-len(y) % hop)])
        expected = padded.reshape(-1, hop)[:, hop - length :]
    else:
        expected = np.array(chunks(y, length, hop))
    np.testing.assert_array_equal(features(y), expected.astype(np.float32))
    assert features.latency == hop


def test_samples_at_the_scale_of_integers() -> None:
    pcm = np.arange(-32768, 32767, 101, dtype=np.int16)
    rows = pylstm.Waveform(frame_length=64, hop_length=64, scale=32768.0)(pcm)
    np.testing.assert_array_equal(rows.ravel()[: len(pcm)], pcm.astype(np.float32))


@pytest.mark.law_librosa_exact
def test_preemphasis_over_the_signal_is_librosas() -> None:
    librosa = pytest.importorskip(
        "librosa", reason="librosa is the oracle: pip install 'pylstm[test]'"
    )
    y = AUDIO["speech"].astype(np.float64)
    emphasised = librosa.effects.preemphasis(y, coef=0.97, zi=[0.0]).astype(np.float32)
    for pad_mode in ("constant", "reflect", "symmetric"):
        features = pylstm.MFCC(preemphasis=0.97, preemphasis_over="signal", pad_mode=pad_mode)
        expected = pylstm.MFCC(pad_mode=pad_mode)(emphasised)
        np.testing.assert_allclose(features(AUDIO["speech"]), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "boxcar"])
@pytest.mark.parametrize("win_length", [1, 2, 3, 400])
def test_symmetric_windows_are_scipys(name: str, win_length: int) -> None:
    windows = pytest.importorskip("scipy.signal.windows", reason="the oracle: pip install scipy")
    asked: dict[str, Any] = {"n_fft": 400, "win_length": win_length, "center": False}
    features = pylstm.Spectrum(window=name, periodic=False, hop_length=400, **asked)  # type: ignore[arg-type]
    window = windows.get_window(name, win_length, fftbins=False)
    y = AUDIO["noise"][8000:8400]
    left = (400 - win_length) // 2
    part = y[left : left + win_length] * window
    expected = np.abs(np.fft.rfft(part, 400))
    np.testing.assert_allclose(features(y)[0], expected, rtol=0, atol=1e-6 * (1 + expected.max()))
