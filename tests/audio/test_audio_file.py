"""Audio files, spans of them, and the frames that are made of these."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.audio import AudioError, AudioFile
from pylstm.audio.header import Header
from pylstm.train.data.recording import Recording, frame_seconds
from tests.audio_files import sound
from tests.signals import audio

FEATURES = pylstm.MFCC()


@given(
    n=st.integers(1, 4000),
    rate=st.sampled_from([8000, 16000, 44100]),
    cut=st.tuples(st.floats(0, 0.999), st.floats(0, 1)),
)
@settings(max_examples=40, deadline=None)
def test_a_span_is_what_lies_there(tmp_path_factory, n, rate, cut):
    path = tmp_path_factory.mktemp("span") / "a.wav"
    whole = np.random.default_rng(n).uniform(-1, 1, n).astype(np.float32)
    soundfile.write(path, whole, rate, "FLOAT")
    start, end = cut[0] * n / rate, max(cut[1] * n, cut[0] * n + 1) / rate
    first = min(round(start * rate), n)
    if first >= n:
        with pytest.raises(AudioError, match="ends at"):
            AudioFile(path, None, start=start, end=end)
        return
    last = max(round(end * rate), first + 1)
    with AudioFile(path, None, start=start, end=end) as file:
        assert file.seconds == (min(last, n) - first) / rate
        np.testing.assert_array_equal(file.read(), whole[first:last])


def test_a_span_that_is_not_there(tmp_path):
    path = sound(tmp_path / "a.wav", 1.0)
    with pytest.raises(AudioError, match=r"a\.wav ends at 1\.00 s; expected audio from 2\.00 s on"):
        AudioFile(path, None, start=2.0)
    with pytest.raises(AudioError, match=r"ends at 1\.00 s; expected audio until 1\.50 s"):
        AudioFile(path, None, start=0.5, end=1.5)
    with AudioFile(path, None, start=0.5, end=1.05) as file:  # people round
        assert len(file.read()) == 8000
    with pytest.raises(ValueError, match="start is -1; expected seconds"):
        AudioFile(path, None, start=-1)
    with pytest.raises(ValueError, match=r"expected seconds after start=0\.5"):
        AudioFile(path, None, start=0.5, end=0.5)


def test_a_library_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "soxr", None)
    with pytest.raises(ImportError, match=r'pip install "pylstm\[train\]"'):
        AudioFile(tmp_path / "a.wav", None)


@pytest.mark.parametrize(
    "features",
    [FEATURES, pylstm.MFCC(top_db=30.0), pylstm.LogMel(deltas=2), pylstm.MFCC(center=False)],
    ids=repr,
)
@pytest.mark.parametrize("span", [(0.0, 2.5), (0.3, 1.7)])
def test_frames_are_those_of_the_whole_signal(tmp_path, features, span):
    y = audio(2.5)
    soundfile.write(tmp_path / "a.wav", y, 16000, "FLOAT")
    item = Recording(str(tmp_path / "a.wav"), *span, Header.of(str(tmp_path / "a.wav")), "yes")
    part = y[round(span[0] * 16000) : round(span[1] * 16000)]
    np.testing.assert_array_equal(item.frames(features), features(part))
    np.testing.assert_array_equal(item.samples(16000), part)


def test_frames_of_what_is_too_short(tmp_path):
    path = str(sound(tmp_path / "a.wav", 0.02))
    item = Recording(path, 0.0, 0.02, Header.of(path), "yes")
    with pytest.raises(AudioError, match=r"a\.wav is too short; expected at least one frame"):
        item.frames(pylstm.MFCC(center=False))
    with pytest.raises(AudioError, match=r"a\.wav: .*delta"):
        item.frames(pylstm.MFCC(deltas=1))


@pytest.mark.parametrize("center", [True, False])
def test_where_the_middles_of_frames_are(center):
    """A click is loudest in the frame whose middle it hits."""
    features = pylstm.LogMel(n_fft=400, hop_length=160, center=center)
    middles = frame_seconds(features, 90)
    for t in (5, 40, 77):
        y = np.zeros(16000, np.float32)
        y[round(middles[t] * 16000)] = 1.0
        assert np.argmax(features(y).sum(axis=1)) == t


@pytest.mark.skipif(
    "MP3" not in soundfile.available_formats(), reason="libsndfile 1.1 or later runs this"
)
@pytest.mark.parametrize("top_db", [None, 80.0])
def test_a_file_that_ends_before_it_says(tmp_path, top_db):
    path = sound(tmp_path / "a.mp3", 5.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    item = Recording(str(path), 0.0, 5.0, Header(16000, 1, 5.0), "yes")
    with pytest.raises(AudioError, match=r"a\.mp3 is cut off: \d\.\d\d s of the \d\.\d\d s"):
        item.frames(pylstm.MFCC(top_db=top_db))
    header = Header.of(str(path), decode=True)
    assert 0 < header.seconds < 5.0
    assert header.shortfall is not None
    assert header.shortfall.startswith(f"cut off: {header.seconds:.2f} s of the 5.0")


def test_flac_from_a_pipe_does_not_know_how_long_it_is(tmp_path):
    """Who writes to a pipe cannot come back to the number of samples in the header and leaves 0."""
    y = np.random.default_rng(0).integers(-9000, 9000, 27131).astype(np.int16)
    path = tmp_path / "a.flac"
    soundfile.write(path, y, 22050)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36 bits of that number
    data[22:26] = bytes(4)
    path.write_bytes(data)
    expected = y.astype(np.float32) / 32768
    with AudioFile(path, None) as file:
        assert file.seconds is None
        np.testing.assert_array_equal(file.read(), expected)
        assert file.shortfall is None
    with AudioFile(path, None, start=10000 / 22050, end=20000 / 22050) as file:
        np.testing.assert_array_equal(file.read(), expected[10000:20000])
    with AudioFile(path, None, start=1.0) as file:
        np.testing.assert_array_equal(file.read(), expected[22050:])
    with AudioFile(path, None, start=1.0, end=3.0) as file:
        file.read()
        assert file.shortfall is not None
    assert Header.of(str(path)).seconds == len(y) / 22050
    path.write_bytes(data[: len(data) // 2])
    with AudioFile(path, None) as file:
        samples = file.read()
        assert 0 < len(samples) < len(expected)
        np.testing.assert_array_equal(samples, expected[: len(samples)])
        assert file.shortfall == f"cut off after {len(samples) / 22050:.2f} s: its end is missing"
