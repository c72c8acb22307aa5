"""Audio through pipes: frames as in the file, whatever the pieces; and nothing hostile."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.audio import AudioError, AudioFile, EncodedFrames, Pipe, SampleEncoding, piped_audio
from pylstm.audio.channel_levels import ChannelLevels

RATES = [8000, 16000, 44100]
FORMS = [
    *(("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
    *(("WAV", subtype) for subtype in ("ULAW", "ALAW", "IMA_ADPCM")),
    *(("WAVEX", subtype) for subtype in ("PCM_16", "FLOAT", "ULAW")),
    *(("RF64", subtype) for subtype in ("PCM_16", "DOUBLE")),
    *(("FLAC", subtype) for subtype in ("PCM_16", "PCM_24")),
    *((form, "PCM_16") for form in ("AIFF", "AU", "CAF", "W64", "NIST", "VOC")),
    ("OGG", "VORBIS"),
]


class Slowly(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data: bytes, piece: int) -> None:
        super().__init__()
        self._rest, self._piece = memoryview(data), piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        n = min(len(buffer), len(self._rest), self._piece)
        buffer[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n


def encoded(samples: np.ndarray, rate: int, form: str, subtype: str, endian: str = "FILE") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype, endian, form)
    return file.getvalue()


def through_a_pipe(data: bytes, piece: int = 1 << 20) -> AudioFile:
    pipe = Pipe(io.BufferedReader(Slowly(data, piece)))
    return AudioFile("pipe", 16000, frames=piped_audio(pipe, "pipe"))


@pytest.mark.parametrize(("form", "subtype"), FORMS)
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_a_pipe_gives_what_a_file_gives(tmp_path_factory, form, subtype, data):
    rate, channels = data.draw(st.sampled_from(RATES)), data.draw(st.integers(1, 2))
    if form == "VOC" and subtype == "PCM_16" and rate == 44100 and channels == 2:
        rate = 8000
    count, piece = (
        data.draw(st.integers(50, 9000)),
        data.draw(st.sampled_from([1, 7, 4096, 1 << 20])),
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    content = encoded(rng.uniform(-0.9, 0.9, (count, channels)), rate, form, subtype)
    path = tmp_path_factory.mktemp("audio") / "a"
    path.write_bytes(content)
    with AudioFile(path, 16000) as file, through_a_pipe(content, piece) as pipe:
        assert (pipe.rate, pipe.channels, pipe.changes) == (file.rate, file.channels, file.changes)
        found = np.concatenate([*pipe.chunks(data.draw(st.integers(1, 5000)))])
        # Blocks are shorter, and soxr rounds sums of other blocks otherwise.
        np.testing.assert_allclose(found, file.read(), rtol=0, atol=1e-6)
        assert pipe.shortfall is None


@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_both_byte_orders(tmp_path, endian, subtype):
    samples = np.random.default_rng(1).uniform(-1, 1, 1000)
    content = encoded(samples, 16000, "WAV", subtype, endian)
    assert content[:4] == (b"RIFX" if endian == "BIG" else b"RIFF")
    (tmp_path / "a.wav").write_bytes(content)
    expected = soundfile.read(tmp_path / "a.wav", dtype="float32")[0]
    with through_a_pipe(content) as audio:
        np.testing.assert_array_equal(audio.read(), expected)


@pytest.mark.law_nothing_hostile_loads
@settings(deadline=None, max_examples=400)
@given(
    form=st.sampled_from(FORMS),
    places=st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=4),
    end=st.integers(0, 3000),
)
def test_damaged_headers_are_refused_or_read(form, places, end):
    content = bytearray(encoded(np.zeros((500, 2)) + 0.1, 16000, *form))
    for place, value in places:
        if place < len(content):
            content[place] = value
    said = ""
    try:
        with through_a_pipe(bytes(content[:end])) as audio:
            n = sum(map(len, audio.chunks(1000)))
    except AudioError as error:
        said = str(error)
    assert ("pipe" in said and "/tmp" not in said) if said else n < 1_000_000


@given(st.binary(max_size=200))
def test_junk_is_refused(data):
    with pytest.raises(AudioError, match=r"^(cannot read pipe|pipe )"):
        through_a_pipe(data).read()


def test_no_copy_stays_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with through_a_pipe(encoded(np.zeros(100), 16000, "AIFF", "PCM_16")) as audio:
        assert len([*tmp_path.iterdir()]) == 1
        audio.read()
    with pytest.raises(AudioError, match=r"^cannot read pipe: [^/]*$"):
        through_a_pipe(b"FORM" + bytes(100))
    assert [*tmp_path.iterdir()] == []


def test_a_pipe_that_breaks():
    class Broken(Slowly):
        def readinto(self, buffer: memoryview) -> int:
            n = super().readinto(buffer)
            if not n:
                raise OSError(5, "Input/output error")
            return n

    for form in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("AIFF", "PCM_16")):
        content = encoded(np.random.default_rng(0).uniform(-1, 1, 50000), 16000, *form)
        pipe = Pipe(io.BufferedReader(Broken(content[:40000], 1000)))
        with pytest.raises(AudioError, match=r"cannot read pipe.*: Input/output error"):
            AudioFile("pipe", 16000, frames=piped_audio(pipe, "pipe")).read()


def test_what_a_pipe_shows_first_it_gives_again():
    pipe = Pipe(io.BufferedReader(Slowly(b"abcdefgh", 2)))
    assert pipe.peek(3) == b"abc"
    assert pipe.peek(2) == b"ab"
    assert pipe.read(1) == b"a"
    assert pipe.peek(4) == b"bcde"
    assert pipe.read_some(2) == b"bc"
    assert pipe.read(5) == b"defgh"
    assert (pipe.read(1), pipe.peek(1), pipe.read_some(1)) == (b"", b"", b"")


@settings(max_examples=60)
@given(
    name=st.sampled_from(["int16", "int24-be", "float64", "mulaw"]),
    channels=st.integers(1, 3),
    n_bytes=st.integers(1, 400),
    counts=st.lists(st.integers(1, 50), min_size=1),
)
def test_every_whole_frame_comes_and_the_rest_is_said(name, channels, n_bytes, counts):
    encoding = SampleEncoding.named(name)
    data = bytes(n_bytes)
    frames = EncodedFrames(Pipe(io.BytesIO(data)), encoding, 8000, channels)
    found = []
    for count in [*counts, 400]:
        found.append(frames.read(count))
        assert found[-1].shape[1] == channels
    whole, rest = divmod(n_bytes, channels * encoding.size)
    np.testing.assert_array_equal(
        np.concatenate(found).ravel(),
        encoding.decode(np.frombuffer(data[: n_bytes - rest], np.uint8)),
    )
    assert sum(map(len, found)) == whole
    assert (frames.unfinished is not None) == (rest > 0)


@settings(max_examples=60)
@given(
    gains=st.lists(st.floats(-1, 1).filter(lambda g: abs(g) > 1e-3), min_size=2, max_size=8),
    cuts=st.lists(st.integers(0, 1000), max_size=3),
)
def test_what_mixing_loses(gains, cuts):
    """One voice on all channels: the mean of the gains beside the largest."""
    voice = np.random.default_rng(0).standard_normal(1000)
    block = np.outer(voice, gains).astype(np.float32)
    levels = ChannelLevels(len(gains))
    for part in np.split(block, sorted(cuts)):
        levels.add(part, part.mean(axis=1, dtype=np.float64))
    mean, most = abs(np.mean(gains)), np.max(np.abs(gains))
    decibels = 20 * np.log10(most / mean) if mean > 1e-9 else np.inf
    if decibels > 9.1:
        assert levels.loss is not None
        assert levels.loss.channel in np.flatnonzero(np.isclose(np.abs(gains), most, rtol=1e-6))
        assert levels.loss.decibels == pytest.approx(decibels, abs=0.1) or decibels > 60
    elif decibels < 8.9:
        assert levels.loss is None


def test_silence_loses_nothing():
    levels = ChannelLevels(2)
    levels.add(np.zeros((10, 2), np.float32), np.zeros(10))
    assert levels.loss is None


def test_a_length_in_front_of_other_chunks():
    """What follows the declared audio is not audio, and is read, so that the writer can end."""
    content = encoded(np.ones(100) / 2, 16000, "WAV", "PCM_16")
    stream = io.BytesIO(content + b"LIST" + struct.pack("<I", 8) + b"INFO1234")
    with AudioFile("pipe", 16000, frames=piped_audio(Pipe(stream), "pipe")) as audio:
        assert len(audio.read()) == 100
        assert stream.read() == b""
