"""MFCC and LogMel of whole signals: librosa's numbers, on every instruction set the same."""

import math
import warnings

import numpy as np
import pytest

import pylstm
from tests.features.features_grid import GRID, Case, signals, speech
from tests.golden.cases import FEATURES_CASES, decibel_tolerance, stored
from tests.golden.oracles import librosa_features
from tests.instruction_sets import ISAS

AUDIO = signals()
SPEECH = speech()


def librosa_frames(case: Case, y, dtype=np.float32):
    pytest.importorskip("librosa", reason="librosa is the oracle: pip install 'pylstm[test]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # empty mel bands, signals shorter than n_fft
        return librosa_features(y, case.kind, case.settings, dtype)


class TestLibrosa:
    @pytest.mark.law_librosa_exact
    @pytest.mark.parametrize("case", FEATURES_CASES, ids=lambda case: case.name)
    def test_golden(self, case):
        """What librosa once gave: nothing but NumPy is needed."""
        expected = stored("features")[case.name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # empty mel bands
            features = {"mfcc": pylstm.MFCC, "logmel": pylstm.LogMel}[case.kind](**case.settings)
        rows = features(case.y())
        assert rows.dtype == np.float32
        assert rows.shape == expected.shape
        np.testing.assert_allclose(rows, expected, rtol=0, atol=decibel_tolerance(expected))

    @pytest.mark.slow
    @pytest.mark.law_librosa_exact
    @pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=case.name, marks=() if case.usual else pytest.mark.slow)
            for case in GRID
        ],
    )
    def test_frames_are_those_of_librosa(self, case):
        """To 1e-3, or a millionth of the largest value where dct_norm=None makes them thousands."""
        features = case.build()
        for name, y in AUDIO.items():
            if features.hop_length < 10:
                y = y[:4000]
            ours, theirs = features(y), librosa_frames(case, y)
            assert ours.shape == theirs.shape
            assert ours.dtype == np.float32
            tolerance = (
                max(1e-3, 1e-6 * np.abs(theirs).max())
                if case.settings.get("dct_norm", 1) is None
                else 1e-3
            )
            assert np.abs(ours - theirs).max() <= tolerance, name

    @pytest.mark.slow
    @pytest.mark.law_librosa_exact
    @pytest.mark.parametrize(
        "case", [case for case in GRID if case.usual], ids=lambda case: case.name
    )
    def test_usual_settings_are_within_1e_4_of_librosa_in_float64(self, case):
        """In float32 librosa's own rounding is larger where NumPy uses AVX-512, whose log10 errs by
        2.3 units in the last place."""
        features = case.build()
        for name, y in AUDIO.items():
            exact = librosa_frames(case, y.astype(np.float64), np.float64)
            assert np.abs(features(y) - exact).max() <= 1e-4, name

    @pytest.mark.slow
    @pytest.mark.law_librosa_exact
    def test_defaults_are_closer_to_the_truth_than_librosa_in_float32(self):
        case = Case("mfcc", {})
        y = AUDIO["speech"]
        exact = librosa_frames(case, y.astype(np.float64), np.float64)
        ours = np.abs(case.build()(y) - exact).max()
        assert ours <= 4e-5
        assert ours <= np.abs(librosa_frames(case, y) - exact).max()

    @pytest.mark.slow
    @pytest.mark.law_librosa_exact
    @pytest.mark.parametrize("n_fft", [16, 17])
    @pytest.mark.parametrize("hop_length", [1, 3, 8, 16, 17, 40])
    @pytest.mark.parametrize("window", ["hann", "boxcar"])
    def test_short_signals(self, n_fft, hop_length, window):
        chosen = {"n_fft": n_fft, "win_length": n_fft, "hop_length": hop_length, "window": window}
        case = Case("logmel", {**chosen, "n_mels": 10})
        features, generator = case.build(), np.random.default_rng(n_fft)
        for length in [*range(1, 20), 31, 32, 33, 48, 49, 64, 80]:
            y = generator.standard_normal(length).astype(np.float32)
            np.testing.assert_allclose(features(y), librosa_frames(case, y), rtol=0, atol=1e-3)

    @pytest.mark.slow
    @pytest.mark.law_librosa_exact
    @pytest.mark.parametrize("n_fft", [1, 2, 16, 17])
    @pytest.mark.parametrize("hop_length", [1, 3, 8, 16, 17, 40])
    def test_reflection_is_numpys_again_and_again(self, n_fft, hop_length):
        """The oracle is np.pad and then no centering. With center librosa.stft (0.11) pads only
        pieces of the signal: if hop_length >= n_fft / 2 divides the length, the last sample of
        its last frame is not the one that np.pad gives."""
        chosen = {
            "n_fft": n_fft,
            "win_length": n_fft,
            "hop_length": hop_length,
            "window": "boxcar",
            "n_mels": 10,
        }
        features = pylstm.LogMel(**chosen, pad_mode="reflect")
        uncentered = Case("logmel", {**chosen, "center": False})
        generator = np.random.default_rng(n_fft)
        for length in [*range(1, 20), 31, 32, 33, 48, 49, 64, 80]:
            y = generator.standard_normal(length).astype(np.float32)
            padded = np.pad(y, n_fft // 2, mode="reflect")
            np.testing.assert_allclose(
                features(y), librosa_frames(uncentered, padded), rtol=0, atol=1e-3
            )

    def test_normalisation(self):
        generator = np.random.default_rng(3)
        mean = generator.standard_normal(39).astype(np.float32)
        std = generator.uniform(0.5, 20, 39).astype(np.float32)
        plain, normalised = pylstm.MFCC(deltas=2), pylstm.MFCC(deltas=2, mean=mean, std=std)
        np.testing.assert_array_equal(normalised(SPEECH), (plain(SPEECH) - mean) / std)


class TestInstructionSets:
    @pytest.mark.parametrize(
        "sizes",
        [range(1, 140), [200, 240, 250, 331, 400, 401, 480, 512, 600, 662, 1024, 1200, 2048]],
        ids=["small", "usual"],
    )
    @pytest.mark.filterwarnings("ignore:y:RuntimeWarning")  # far beyond audio, on purpose
    def test_all_give_the_same_bits(self, sizes, monkeypatch):
        """Every n_fft takes its own mixture of vectors and of what is left over by them."""
        loud = (1e19 * SPEECH[:1000]).astype(np.float32)
        for n_fft in sizes:
            found = []
            for isa in ISAS:
                monkeypatch.setenv("PYLSTM_ISA", isa)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # empty mel bands
                    features = pylstm.MFCC(
                        n_fft=n_fft, win_length=n_fft, n_mels=n_fft % 37 + 1, n_mfcc=n_fft % 37 + 1
                    )
                found.append(np.concatenate([features(SPEECH[:4000]), features(loud)]))
            for frames in found[1:]:
                assert frames.tobytes() == found[0].tobytes(), n_fft


class TestDeltas:
    @pytest.mark.parametrize("length", [1, 160, 8 * 160 - 1])
    def test_fewer_than_nine_frames_are_refused(self, length):
        features = pylstm.MFCC(deltas=1)
        with pytest.raises(ValueError, match="9"):
            features(SPEECH[:length])
        stream = features.stream()
        assert len(stream.push(SPEECH[:length])) == 0
        with pytest.raises(ValueError, match="9"):
            stream.flush()
        rest = [stream.push(SPEECH[length:8000]), stream.flush()]  # nothing has changed
        np.testing.assert_array_equal(np.concatenate(rest), features(SPEECH[:8000]))

    def test_nine_frames_are_enough_and_none_are_none(self):
        features = pylstm.MFCC(deltas=2)
        assert features(SPEECH[: 8 * 160]).shape == (9, 39)
        assert features(SPEECH[:0]).shape == (0, 39)

    def test_rows_come_out_five_at_first_then_one_by_one_then_four(self):
        stream = pylstm.MFCC(deltas=1).stream()
        given_out = [len(stream.push(SPEECH[at : at + 160])) for at in range(0, 160 * 14, 160)]
        assert given_out == [0] * 9 + [5, 1, 1, 1, 1]
        assert len(stream.flush()) == 6  # frames 9 to 14; 13 and 14 end in the padding


class TestRobustness:
    @pytest.mark.filterwarnings("ignore:y:RuntimeWarning")  # far beyond audio, on purpose
    def test_frames_stay_finite_for_every_finite_signal(self):
        largest = np.finfo(np.float32).max
        mean, std = np.full(13, -1e30, np.float32), np.full(13, 1e-30, np.float32)
        for level in (largest, 1e20, 1e-20, 1e-45):
            y = (np.random.default_rng(1).choice([-1.0, 1.0], 4000) * level).astype(np.float32)
            for features in (
                pylstm.MFCC(),
                pylstm.LogMel(power=1.0),
                pylstm.LogMel(power=3.0, norm=None, deltas=2),
                pylstm.MFCC(top_db=80.0, lifter=22),
                pylstm.MFCC(mean=mean, std=std),
            ):
                assert np.isfinite(features(y)).all()

    def test_digital_silence_is_exactly_minus_100_db(self):
        assert (pylstm.LogMel()(np.zeros(1600, np.float32)) == -100).all()

    @pytest.mark.parametrize(
        ("chosen", "name"),
        [
            ({"sr": 0}, "sr"),
            ({"sr": 768_001}, "sr"),
            ({"n_fft": 0}, "n_fft"),
            ({"n_fft": 65_537}, "n_fft"),
            ({"win_length": 513}, "win_length"),
            ({"win_length": 0}, "win_length"),
            ({"hop_length": 0}, "hop_length"),
            ({"hop_length": 2**20 + 1}, "hop_length"),
            ({"n_mels": 0}, "n_mels"),
            ({"n_mels": 1025}, "n_mels"),
            ({"n_mfcc": 41}, "n_mfcc"),
            ({"n_mfcc": 0}, "n_mfcc"),
            ({"fmin": -1.0}, "fmin"),
            ({"fmin": 8000.0}, "fmin"),
            ({"fmin": math.nan}, "fmin"),
            ({"fmax": 8001.0}, "fmax"),
            ({"fmin": 4000.0, "fmax": 3000.0}, "fm"),
            ({"norm": "area"}, "norm"),
            ({"window": "kaiser"}, "window"),
            ({"pad_mode": "edge"}, "pad_mode"),
            ({"power": 0.0}, "power"),
            ({"power": math.inf}, "power"),
            ({"dct_type": 4}, "dct_type"),
            ({"dct_type": 1, "n_mels": 1, "n_mfcc": 1}, "n_mels"),
            ({"dct_norm": "unit"}, "dct_norm"),
            ({"lifter": -1}, "lifter"),
            ({"top_db": -1.0}, "top_db"),
            ({"deltas": 3}, "deltas"),
            ({"mean": np.zeros(13), "std": np.zeros(13)}, "std"),
            ({"mean": np.zeros(12), "std": np.ones(13)}, "mean"),
        ],
    )
    def test_bad_settings_are_named(self, chosen, name):
        with pytest.raises(ValueError, match=name):
            pylstm.MFCC(**chosen)
