"""Presets: the frames of torchaudio and Kaldi, and of the reference, which has every setting."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from tests.features.drawn_features import reference_rows
from tests.features.features_grid import signals
from tests.golden.cases import decibel_tolerance, stored
from tests.golden.library_cases import KALDI_CASES, LIBRARY_CASES, TORCHAUDIO_CASES, LibraryCase
from tests.golden.library_oracles import kaldi_features, torchaudio_features

AUDIO = signals()
KALDI_MISSING = "Kaldi's frames are the oracle: pip install kaldi-native-fbank"

# Kaldi computes in float32: its frames are about that far from its own formulas.
KALDI_TOLERANCE = 1e-3


def tolerance(exact: NDArray[np.float64]) -> float:
    """A single rounding, of audio at the scale of 16-bit integers too, under a lifter of 12."""
    return max(1.5e-4, decibel_tolerance(exact.astype(np.float32)))


def by_name(case: LibraryCase) -> str:
    return case.name


@pytest.mark.law_librosa_exact
@pytest.mark.parametrize("case", LIBRARY_CASES, ids=by_name)
def test_golden(case: LibraryCase) -> None:
    """What the libraries once gave: nothing but NumPy is needed."""
    expected, rows = stored("libraries")[case.name], case.features()(case.y())
    assert rows.shape == expected.shape
    atol = KALDI_TOLERANCE if case.library == "kaldi" else decibel_tolerance(expected)
    np.testing.assert_allclose(rows, expected, rtol=0, atol=atol)


@pytest.mark.law_librosa_exact
@pytest.mark.parametrize("case", LIBRARY_CASES, ids=by_name)
def test_the_reference_has_the_same_frames(case: LibraryCase) -> None:
    features = case.features()
    exact = reference_rows(features, case.y(), running=False)
    np.testing.assert_allclose(features(case.y()), exact, rtol=0, atol=tolerance(exact))


@pytest.mark.slow
@pytest.mark.law_librosa_exact
@pytest.mark.parametrize("case", KALDI_CASES, ids=by_name)
def test_kaldi(case: LibraryCase) -> None:
    pytest.importorskip("kaldi_native_fbank", reason=KALDI_MISSING)
    features = case.features()
    for name, y in AUDIO.items():
        expected, rows = kaldi_features(y, case.kind, case.options), features(y)
        exact = reference_rows(features, y, running=False)
        assert rows.shape == expected.shape == exact.shape
        assert np.abs(rows - exact).max() <= tolerance(exact), name
        theirs = np.abs(expected - exact).max()
        assert np.abs(rows - expected).max() <= max(KALDI_TOLERANCE, 1.1 * theirs), name


@pytest.mark.slow
@pytest.mark.law_librosa_exact
@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize(("window_ms", "shift_ms"), [(25, 10), (2, 3), (4, 1), (1.0625, 2.3125)])
def test_kaldis_number_of_frames(edges: bool, window_ms: float, shift_ms: float) -> None:
    """Lengths around every edge, windows that are odd, and hops longer than they are."""
    pytest.importorskip("kaldi_native_fbank", reason=KALDI_MISSING)
    lengths = {"win_length": int(16 * window_ms), "hop_length": int(16 * shift_ms)}
    features = pylstm.LogMel.preset("kaldi", center=edges, n_mels=4, **lengths)
    options = {
        "frame_opts.snip_edges": not edges,
        "frame_opts.frame_length_ms": window_ms,
        "frame_opts.frame_shift_ms": shift_ms,
        "mel_opts.num_bins": 4,
    }
    span, hop = features.span, features.hop_length
    for n in {1, 2, hop // 2, hop - hop // 2, hop, hop + 1, span - 1, span, span + hop, 5 * hop}:
        y = AUDIO["noise"][1000 : 1000 + n]
        try:
            expected = kaldi_features(y, "logmel", options)
        except IndexError:  # of a bank whose bands hold no bin
            pytest.skip("Kaldi has no such bands")
        assert len(expected) == features.n_frames(n) == len(features(y))
        if len(expected):
            np.testing.assert_allclose(features(y), expected, rtol=0, atol=KALDI_TOLERANCE)


@pytest.mark.slow
@pytest.mark.law_librosa_exact
@pytest.mark.parametrize("case", TORCHAUDIO_CASES, ids=by_name)
def test_torchaudio(case: LibraryCase) -> None:
    """Its formulas in float64; nearer to them than PyTorch is when it computes them in float32."""
    pytest.importorskip("torch", reason="its formulas are the oracle: pip install 'pylstm[torch]'")
    features = case.features()
    for name, y in AUDIO.items():
        exact = torchaudio_features(y, case.kind, case.options, "float64")
        rows = features(y)
        assert rows.shape == exact.shape
        difference = np.abs(rows - exact).max()
        assert difference <= decibel_tolerance(exact.astype(np.float32)), name
        rounded = torchaudio_features(y, case.kind, case.options, "float32")
        assert difference <= max(1e-5, np.abs(rounded - exact).max()), name


def test_librosa_is_the_default() -> None:
    assert pylstm.MFCC.preset("librosa") == pylstm.MFCC()
    assert pylstm.LogMel.preset("librosa", n_mels=80) == pylstm.LogMel(n_mels=80)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100])
def test_kaldis_lengths_follow_the_rate(rate: int) -> None:
    features = pylstm.MFCC.preset("kaldi", sr=rate)
    assert features.win_length == int(rate * 0.025)
    assert features.hop_length == int(rate * 0.01)
    assert features.n_fft // 2 < features.win_length <= features.n_fft
    assert features.fmax == rate / 2


def test_kaldis_transform_follows_a_given_window() -> None:
    assert pylstm.LogMel.preset("kaldi", win_length=513).n_fft == 1024
    assert pylstm.LogMel.preset("kaldi", win_length=1).n_fft == 1
    assert pylstm.LogMel.preset("kaldi", n_fft=400).n_fft == 400


def test_what_is_no_preset_is_named() -> None:
    with pytest.raises(
        ValueError, match="name is 'htk'; expected 'librosa', 'torchaudio', 'kaldi'"
    ):
        pylstm.MFCC.preset("htk")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dither"):
        pylstm.MFCC.preset("kaldi", dither=0.0)
    with pytest.raises(TypeError, match="sr is '8k'; expected a whole number"):
        pylstm.MFCC.preset("kaldi", sr="8k")
    with pytest.raises(ValueError, match="top_db is 80; expected none where log is not db"):
        pylstm.MFCC.preset("torchaudio", log="ln", log_offset=1e-6)
