"""Frames of a stream: the same bits however the audio is cut, as soon as they are complete."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from tests.features.features_grid import speech

SPEECH = speech()


def streamed(features, y, cuts):
    """The frames of a stream that gets y in chunks of the given lengths, and then the rest."""
    stream, rows = features.stream(), []
    start = 0
    for cut in cuts:
        rows.append(stream.push(y[start : start + cut]))
        start += cut
    rows.append(stream.push(y[start:]))
    snapshot = stream.snapshot()
    rows.append(stream.flush())
    return np.concatenate(rows), snapshot


class TestChunkLaw:
    FEATURES = (
        pylstm.MFCC(),
        pylstm.MFCC(pad_mode="reflect", top_db=60.0, deltas=2),
        pylstm.LogMel(center=False, n_mels=20),
        pylstm.MFCC(
            n_fft=401, win_length=100, hop_length=37, pad_mode="reflect", deltas=1, lifter=22
        ),
        pylstm.LogMel(n_fft=64, win_length=1, hop_length=1000, n_mels=5, window="boxcar"),
        pylstm.LogMel(n_fft=2048, win_length=300, hop_length=3000, n_mels=20, pad_mode="reflect"),
        pylstm.LogMel(n_fft=512, win_length=200, hop_length=99, center=False, n_mels=9, deltas=2),
    )

    @pytest.mark.law_chunk
    @settings(deadline=None)
    @given(
        index=st.integers(0, len(FEATURES) - 1),
        start=st.integers(0, 40000),
        length=st.integers(0, 20000),
        cuts=st.lists(
            st.one_of(st.integers(0, 3), st.integers(0, 400), st.integers(0, 5000)), max_size=60
        ),
        as_float=st.booleans(),
    )
    def test_any_cut_gives_the_same_bits_and_the_same_state(
        self, index, start, length, cuts, as_float
    ):
        features, y = self.FEATURES[index], SPEECH[start : start + length]
        if as_float:
            y = y.astype(np.float32) / 32768
        stream = features.stream()
        rows, snapshot = [stream.push(y)], stream.snapshot()
        try:
            rows.append(stream.flush())
        except ValueError:  # too short for deltas
            with pytest.raises(ValueError, match="9"):
                streamed(features, y, cuts)
            return
        cut_rows, cut_snapshot = streamed(features, y, cuts)
        assert np.concatenate(rows).tobytes() == cut_rows.tobytes()
        assert snapshot == cut_snapshot

    @pytest.mark.law_chunk
    @pytest.mark.parametrize("index", range(len(FEATURES)))
    @pytest.mark.parametrize("cut", [1, 7, 160, 997, 1000])
    def test_equal_chunks(self, index, cut):
        features, y = self.FEATURES[index], SPEECH[8000:24000]
        whole, _ = streamed(features, y, [])
        chunked, _ = streamed(features, y, [cut] * (len(y) // cut))
        assert whole.tobytes() == chunked.tobytes()

    @pytest.mark.parametrize("index", range(len(FEATURES)))
    def test_int16_is_float32_over_32768(self, index):
        features = self.FEATURES[index]
        assert features(SPEECH).tobytes() == features(SPEECH.astype(np.float32) / 32768).tobytes()

    def test_strides(self):
        features = pylstm.MFCC()
        channels = np.zeros((len(SPEECH), 3), np.int16)
        channels[:, 1] = SPEECH
        assert features(channels[:, 1]).tobytes() == features(SPEECH).tobytes()
        backwards = np.ascontiguousarray(SPEECH[::-1])[::-1]
        assert features(backwards).tobytes() == features(SPEECH).tobytes()

    @pytest.mark.law_chunk
    @pytest.mark.law_state_is_a_value
    @pytest.mark.slow
    @settings(deadline=None)
    @given(
        index=st.integers(0, len(FEATURES) - 1), at=st.integers(0, 20000), cut=st.integers(1, 5000)
    )
    def test_snapshot_and_fork_go_on_where_they_were_taken(self, index, at, cut):
        features, y = self.FEATURES[index], SPEECH[8000:38000]
        stream = features.stream()
        stream.push(y[:at])
        fork, restored = stream.fork(), features.stream()
        restored.push(SPEECH[:777])
        restored.restore(stream.snapshot())
        expected = np.concatenate([stream.push(y[at:]), stream.flush()])
        for other in (fork, restored):
            rows = [other.push(y[start : start + cut]) for start in range(at, len(y), cut)]
            assert np.concatenate([*rows, other.flush()]).tobytes() == expected.tobytes()

    @pytest.mark.law_state_is_a_value
    @pytest.mark.parametrize("index", range(len(FEATURES)))
    def test_reset_begins_anew(self, index):
        features, y = self.FEATURES[index], SPEECH[8000:24000]
        stream = features.stream()
        fresh = stream.snapshot()
        first = stream.push(y)
        stream.reset()
        assert stream.snapshot() == fresh
        assert stream.push(y).tobytes() == first.tobytes()


class TestLookAhead:
    @pytest.mark.parametrize(
        ("chosen", "latency"),
        [
            ({}, 200),  # half the window: what is zero beside it needs no audio
            ({"win_length": 401}, 200),
            ({"win_length": 512}, 256),
            ({"n_fft": 401, "win_length": 401}, 201),
            ({"win_length": 1}, 0),
            ({"center": False}, 512),  # the frame must exist
            ({"deltas": 1}, 200 + 4 * 160),
        ],
    )
    def test_a_frame_comes_out_with_its_last_sample(self, chosen, latency):
        features = pylstm.MFCC(**chosen)
        assert features.latency == latency
        stream = features.stream()
        first = 5 if features.deltas else 0
        came = []
        for n in range(2000):
            came += [n + 1] * len(stream.push(SPEECH[n : n + 1]))
        expected = [max(t * 160 + latency, 1) for t in range(first, 9)]
        assert came[first : first + len(expected)] == expected[: len(came) - first]
        assert len(came) > first

    def test_reflection_waits_for_what_it_mirrors(self):
        stream = pylstm.MFCC(pad_mode="reflect").stream()
        assert len(stream.push(SPEECH[:256])) == 0
        assert len(stream.push(SPEECH[256:257])) == 1

    @pytest.mark.parametrize("n_fft", [400, 401, 512])
    @pytest.mark.parametrize("center", [True, False])
    def test_number_of_frames(self, n_fft, center):
        features = pylstm.LogMel(n_fft=n_fft, win_length=None, hop_length=160, center=center)
        for length in (0, 1, 2, 159, 160, 161, 399, 400, 401, 511, 512, 513, 671, 672, 3000):
            padded = length + (2 * (n_fft // 2) if center else 0)
            expected = 1 + (padded - n_fft) // 160 if length > 0 and padded >= n_fft else 0
            assert features(SPEECH[:length]).shape == (expected, 40)

    def test_rows_tells_what_push_and_flush_give(self):
        stream = pylstm.MFCC(deltas=1).stream()
        assert stream.rows(0, flush=True) == 0
        assert stream.rows(3000) == len(stream.push(SPEECH[:3000]))
        assert stream.rows(0, flush=True) == len(stream.flush())


class TestTopDb:
    def test_a_whole_signal_is_clamped_as_librosa_does(self):
        """Silence before the loud part is clamped against what comes later."""
        y = np.concatenate([np.zeros(8000, np.int16), SPEECH])
        clamped, plain = pylstm.LogMel(top_db=30.0)(y), pylstm.LogMel()(y)
        np.testing.assert_array_equal(clamped, np.maximum(plain, plain.max() - np.float32(30)))

    def test_a_stream_clamps_against_the_maximum_so_far(self):
        plain = pylstm.LogMel()(SPEECH)
        so_far = np.maximum.accumulate(plain.max(axis=1))[:, None]
        rows, _ = streamed(pylstm.LogMel(top_db=30.0), SPEECH, [1000] * 20)
        np.testing.assert_array_equal(rows, np.maximum(plain, so_far - np.float32(30)))
