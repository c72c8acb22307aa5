"""The reference's features against librosa where it is installed, and always against what it once
gave (tests/golden)."""

import importlib
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pylstm import reference
from tests.golden.cases import FEATURES_CASES, decibel_tolerance, signal, stored
from tests.golden.oracles import librosa_features

# Both sides in float64 leave nothing but the order of summation.
EXACT = 1e-11


def by_name(case):
    return case.name


@pytest.fixture
def short_signals_allowed():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "n_fft=", UserWarning)
        yield


@pytest.mark.usefixtures("short_signals_allowed")
class TestFeatures:
    @pytest.mark.law_librosa_exact
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("case", FEATURES_CASES, ids=by_name)
    def test_golden(self, case, dtype):
        expected = stored("features")[case.name]
        rows = getattr(reference, case.kind)(case.y(), dtype=dtype, **case.settings)
        assert rows.dtype == dtype
        assert rows.shape == expected.shape
        # In float32 the reference adds its own roundings, one for every term of every sum.
        atol = decibel_tolerance(expected, ulp=3 if dtype is np.float64 else 8)
        np.testing.assert_allclose(rows, expected, rtol=0, atol=atol)

    @pytest.mark.slow
    @pytest.mark.law_librosa_exact
    @pytest.mark.parametrize("case", FEATURES_CASES, ids=by_name)
    def test_librosa_in_float64(self, case):
        pytest.importorskip("librosa", reason="librosa is the oracle: pip install 'pylstm[test]'")
        expected = librosa_features(case.y(), case.kind, case.settings, np.float64)
        rows = getattr(reference, case.kind)(case.y(), **case.settings)
        assert rows.shape == expected.shape
        np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-9)

    @pytest.mark.slow
    @pytest.mark.law_librosa_exact
    @settings(
        deadline=None,
        max_examples=60,
        # The fixture only silences a warning: that it lasts for all examples is what it is for.
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        n_samples=st.integers(1, 3000),
        hop_length=st.integers(1, 900),
        n_fft=st.integers(2, 700),
        cut=st.floats(0, 1),
        pad_mode=st.sampled_from(["constant", "reflect"]),
    )
    def test_librosa_for_every_length(self, n_samples, hop_length, n_fft, cut, pad_mode):
        """Framing: short signals, hops longer than a frame, odd sizes, repeated reflection."""
        librosa = pytest.importorskip(
            "librosa", reason="librosa is the oracle: pip install 'pylstm[test]'"
        )
        # librosa 0.11 pads the last frames apart from the first ones, by reflecting what they begin
        # with. Where hops of half a frame or more leave too little of that, it reflects twice.
        tail = (n_samples + n_fft // 2 - n_fft) // hop_length + 1
        apart = tail > -(-(n_fft // 2) // hop_length)
        too_little = n_samples - tail * hop_length + n_fft // 2 <= n_fft // 2
        assume(not (pad_mode == "reflect" and apart and too_little))
        y = signal("noise", 3000)[-n_samples:].astype(np.float64)
        win_length = max(1, round(cut * n_fft))
        expected = librosa.stft(
            y, n_fft=n_fft, hop_length=hop_length, win_length=win_length, pad_mode=pad_mode
        )
        rows = reference.frames(y, n_fft, hop_length, pad_mode=pad_mode)
        spectrum = np.fft.rfft(rows * reference.window("hann", win_length, n_fft), axis=1)
        assert spectrum.shape == expected.T.shape
        np.testing.assert_allclose(spectrum, expected.T, rtol=0, atol=1e-10)

    @pytest.mark.slow
    @pytest.mark.parametrize("win_length", [1, 2, 3, 399, 400, 512])
    @pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "boxcar"])
    def test_windows_are_those_of_scipy(self, name, win_length):
        scipy_signal = pytest.importorskip(
            "scipy.signal", reason="librosa's windows: pip install scipy"
        )
        left = (512 - win_length) // 2
        expected = np.pad(
            scipy_signal.get_window(name, win_length), (left, 512 - win_length - left)
        )
        window = reference.window(name, win_length, 512)
        np.testing.assert_allclose(window, expected, rtol=0, atol=1e-15)

    @pytest.mark.slow
    @pytest.mark.parametrize("norm", ["ortho", None])
    @pytest.mark.parametrize("dct_type", [1, 2, 3])
    @pytest.mark.parametrize("size", [2, 3, 40, 128])
    def test_dct_is_that_of_scipy(self, dct_type, norm, size):
        fft = pytest.importorskip("scipy.fft", reason="librosa's DCT: pip install scipy")
        x = np.random.default_rng(size).normal(size=(5, size))
        expected = fft.dct(x, type=dct_type, norm=norm)
        np.testing.assert_allclose(reference.dct(x, dct_type, norm), expected, rtol=0, atol=1e-11)

    def test_dct_of_another_type_is_refused(self):
        with pytest.raises(ValueError, match="dct_type is 4; expected 1, 2 or 3"):
            reference.dct([1.0, 2.0], dct_type=4)

    @pytest.mark.parametrize("htk", [False, True])
    def test_hertz_and_mel_are_inverse(self, htk):
        mel = importlib.import_module("pylstm.reference.mel")
        hz = np.linspace(0, 24000, 1001)
        np.testing.assert_allclose(mel.mel_to_hz(mel.hz_to_mel(hz, htk), htk), hz, rtol=1e-12)

    def test_int16_is_divided_by_32768(self):
        pcm = np.array([-32768, -1, 0, 1, 32767] * 200, np.int16)
        np.testing.assert_array_equal(reference.mfcc(pcm), reference.mfcc(pcm / 32768.0))

    def test_a_running_maximum_never_sees_the_future(self):
        y = signal("noise", 8000)
        running = reference.logmel(y, top_db=20, running=True)
        for n in (2000, 4000):
            ours = reference.logmel(y[:n], top_db=20, running=True, center=False)
            full = reference.logmel(y, top_db=20, running=True, center=False)
            np.testing.assert_allclose(ours, full[: len(ours)], rtol=0, atol=EXACT)
        assert (running <= reference.logmel(y, top_db=20)).all()
        np.testing.assert_array_equal(running[-1], reference.logmel(y, top_db=20)[-1])

    def test_normalisation_comes_last(self):
        y = signal("speech", 4000)
        rows = reference.mfcc(y, deltas=1)
        mean, std = rows.mean(axis=0), rows.std(axis=0) + 1
        normalised = reference.mfcc(y, deltas=1, mean=mean, std=std)
        np.testing.assert_allclose(normalised, (rows - mean) / std, rtol=0, atol=EXACT)

    def test_deltas_need_nine_frames(self):
        with pytest.raises(ValueError, match=r"shape \(8, 13\); expected 9 frames or more"):
            reference.mfcc(np.zeros(7 * 160), deltas=1)

    def test_no_frames(self):
        assert reference.mfcc(np.zeros(511), center=False, deltas=2).shape == (0, 39)
