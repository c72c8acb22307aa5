"""Headers that declare another length than the file holds: all that is there is read, and said."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.audio import AudioError, AudioFile
from pylstm.audio.header import Header

N = 48000
Y = np.random.default_rng(0).integers(-3000, 3000, N).astype("<i2")
EXPECTED = Y.astype(np.float32) / 32768
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf58.76.100\0"
TAG = b"TAG" + bytes(125)
SIZE = Y.nbytes


def wav(
    audio: bytes,
    *,
    data: int | None = None,
    riff: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
    coding: tuple[int, int] = (1, 16),
) -> bytes:
    """A WAV file at 16 kHz, mono, with sizes that may be wrong."""
    number, bits = coding
    layout = struct.pack("<HHIIHH", number, 1, 16000, 2000 * bits, bits // 8, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + layout + before
    body += b"data" + struct.pack("<I", len(audio) if data is None else data) + audio + after
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def read(path: Path) -> tuple[np.ndarray, str | None]:
    with AudioFile(path, None) as file:
        samples = file.read()
        assert file.seconds_read == len(samples) / file.rate
        return samples, file.shortfall


# Size in the header, what is said of it.
LENGTHS = {
    "nothing": (0, "longer than its header says: 3.00 s, not 0.00 s"),
    "a byte": (1, "longer than its header says: 3.00 s, not 0.00 s"),
    "a sample": (2, "longer than its header says: 3.00 s, not 0.00 s"),
    "a quarter": (SIZE // 4, "longer than its header says: 3.00 s, not 0.75 s"),
    "half": (SIZE // 2, "longer than its header says: 3.00 s, not 1.50 s"),
    "what is there": (SIZE, None),
    "a byte more": (SIZE + 1, None),
    "twice": (2 * SIZE, "cut off: 3.00 s of the 6.00 s that it declares"),
    "until the end": (0xFFFF_FFFF, None),
    "until the end, even": (0xFFFF_FFFE, None),
    "the largest number": (0x7FFF_FFFF, None),
    "minus 16": (0xFFFF_FFF0, None),
}


@pytest.mark.parametrize("riff", [None, 0, 36, 2 * SIZE, 0xFFFF_FFFF, SIZE + 37])
@pytest.mark.parametrize("after", [b"", LIST], ids=["", "LIST"])
@pytest.mark.parametrize("before", [b"", LIST], ids=["", "LIST"])
@pytest.mark.parametrize("name", LENGTHS)
def test_wav_of_any_size_in_its_header(tmp_path, name, before, after, riff):
    declared, said = LENGTHS[name]
    path = tmp_path / "a.wav"
    path.write_bytes(wav(Y.tobytes(), data=declared, riff=riff, before=before, after=after))
    samples, shortfall = read(path)
    np.testing.assert_array_equal(samples, EXPECTED)
    assert shortfall == said
    assert Header.of(str(path)).seconds == 3.0
    with AudioFile(path, None, start=1.0, end=2.5) as file:
        np.testing.assert_array_equal(file.read(), EXPECTED[16000:40000])


@pytest.mark.parametrize(
    ("coding", "audio"),
    [((3, 32), EXPECTED.tobytes()), ((3, 64), EXPECTED.astype("<f8").tobytes())],
    ids=["float", "double"],
)
def test_other_codings_of_wav(tmp_path, coding, audio):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(audio, data=0, coding=coding))
    samples, shortfall = read(path)
    np.testing.assert_array_equal(samples, EXPECTED)
    assert shortfall == "longer than its header says: 3.00 s, not 0.00 s"


@pytest.mark.parametrize(
    "behind",
    [b"", LIST, LIST + LIST, TAG, bytes(40000), bytes(range(1, 200)), b"id3 " + bytes(4)],
    ids=["nothing", "LIST", "two", "ID3v1", "zeros", "a few bytes", "empty chunk"],
)
def test_what_follows_the_audio_is_no_audio(tmp_path, behind):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(Y.tobytes(), after=behind))
    samples, shortfall = read(path)
    np.testing.assert_array_equal(samples, EXPECTED)
    assert shortfall is None


def test_a_chunk_behind_audio_of_an_odd_size(tmp_path):
    """Some programs leave out the byte that makes the size even."""
    audio = np.random.default_rng(0).integers(0, 256, 47999).astype(np.uint8).tobytes()
    for pad in (b"", b"\0"):
        path = tmp_path / "a.wav"
        path.write_bytes(wav(audio, coding=(1, 8), after=pad + LIST))
        samples, shortfall = read(path)
        assert len(samples) == 47999
        assert shortfall is None


@pytest.mark.parametrize("behind", [b"", LIST], ids=["", "LIST"])
def test_no_samples_at_all(tmp_path, behind):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(b"", after=behind))
    with pytest.raises(AudioError, match=r"a\.wav holds no samples; expected audio"):
        AudioFile(path, None)


# Where the size of the audio stands, counted from the name of its chunk, and how.
FIELDS = {
    "WAV": (b"data", 4, "<I", 0),
    "WAVEX": (b"data", 4, "<I", 0),
    "RF64": (b"ds64", 16, "<Q", 0),
    "W64": (b"data\xf3", 16, "<Q", 24),
    "AIFF": (b"SSND", 4, ">I", 8),
    "AU": (b".snd", 8, ">I", 0),
    "CAF": (b"data", 4, ">Q", 4),
}


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("kind", FIELDS)
def test_other_containers(tmp_path, kind, subtype):
    path = tmp_path / "a"
    soundfile.write(path, EXPECTED, 16000, subtype, format=kind)
    whole = path.read_bytes()
    np.testing.assert_array_equal(read(path)[0], EXPECTED)
    name, offset, order, beside = FIELDS[kind]
    place = whole.index(name) + offset
    size = struct.calcsize(order)
    (right,) = struct.unpack(order, whole[place : place + size])
    longer, cut = "longer than its header says: 3.00 s, not 0.00 s", "cut off: 3.00 s of the 6.00 s"
    for declared, said in (
        (beside, longer),
        (0, longer),
        (256 ** struct.calcsize(order) - 1, None),
        (2 * right, cut),
    ):
        field = struct.pack(order, declared)
        path.write_bytes(whole[:place] + field + whole[place + size :])
        samples, shortfall = read(path)
        np.testing.assert_array_equal(samples, EXPECTED)
        assert shortfall == said or (said == cut and shortfall.startswith(cut))


FORMATS = [
    ("WAV", "PCM_16"), ("RF64", "PCM_24"), ("W64", "FLOAT"), ("AIFF", "PCM_16"), ("AU", "PCM_16"),
    ("CAF", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"), ("WAV", "IMA_ADPCM"), ("WAV", "ULAW"), ("CAF", "ALAC_16"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
def test_a_file_that_is_cut_off(tmp_path, kind, subtype, share):
    if kind not in soundfile.available_formats() or (
        subtype not in soundfile.available_subtypes(kind)
    ):
        pytest.skip(f"this libsndfile does not write {kind} {subtype}; version 1.2 runs this")
    path = tmp_path / f"a.{kind.lower()}"
    y = 0.2 * np.random.default_rng(0).standard_normal(5 * 16000)
    soundfile.write(path, y, 16000, subtype, format=kind)
    with AudioFile(path, 16000) as file:
        whole = file.read()
        assert file.shortfall is None
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with AudioFile(path, 16000) as file:
        samples = file.read()
        assert file.shortfall is not None
        said = "cut off: " if (file.seconds or 0) > 4.9 else "cut off after "
        assert file.shortfall.startswith(said)
    # The decoders of lossy codings give less than the bytes would; none gives anything else.
    assert 0.4 * share * len(whole) < len(samples) <= share * len(whole) + 16000
    tolerance = 0.02 if subtype == "MPEG_LAYER_III" else 0.0
    # MP3 ends in the middle of a packet; of ALAC libsndfile decodes the packet that was cut.
    last = len(samples) - {"MPEG_LAYER_III": 2000, "ALAC_16": 4096}.get(subtype, 0)
    np.testing.assert_allclose(samples[:last], whole[:last], rtol=0, atol=tolerance)


def test_ogg_without_its_first_page_of_audio_was_cut(tmp_path):
    path = tmp_path / "a.ogg"
    soundfile.write(path, np.zeros(16000), 16000, "VORBIS", format="OGG")
    path.write_bytes(path.read_bytes()[:-1])  # so short a file has one page of audio
    with pytest.raises(AudioError, match="holds no samples: it was cut off before the first"):
        AudioFile(path, 16000)


@pytest.mark.parametrize("channels", [1, 2])
def test_every_end_of_a_flac_file(tmp_path, channels):
    """All whole frames before the cut are read, wherever it is."""
    y = np.random.default_rng(0).integers(-9000, 9000, (9000, channels)).astype(np.int16)
    path = tmp_path / "a.flac"
    soundfile.write(path, y, 8000)
    data = path.read_bytes()
    mono = (y / 32768).mean(axis=1).astype(np.float32)
    first = data.index(b"\xff\xf8")
    second = data.index(b"\xff\xf8", first + 4096)
    ends = [*range(len(data) - 40, len(data)), *range(first, len(data), 501)]
    for end in ends:
        path.write_bytes(data[:end])
        if end < second:  # not even the first frame is whole
            with pytest.raises(AudioError, match="holds no samples; expected audio"):
                read(path)
            continue
        samples, shortfall = read(path)
        assert shortfall is not None or len(samples) == len(mono)
        np.testing.assert_array_equal(samples, mono[: len(samples)])


@pytest.mark.slow
@given(place=st.integers(9000, 20000), bit=st.integers(0, 7))
@settings(max_examples=80, deadline=None)
def test_a_damaged_flac_file_is_not_called_cut_off(tmp_path_factory, place, bit):
    y = np.random.default_rng(0).integers(-9000, 9000, 30000).astype(np.int16)
    path = tmp_path_factory.mktemp("flac") / "a.flac"
    soundfile.write(path, y, 16000)
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)
    with pytest.raises(AudioError, match=r"cannot read .*a\.flac after \d\.\d\d s: .*flac decoder"):
        read(path)


@pytest.mark.slow
@given(
    declared=st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 3 * 8000)),
    n=st.integers(1, 4000),
    after=st.sampled_from([b"", LIST, TAG, bytes(3)]),
)
@settings(max_examples=150, deadline=None)
def test_every_sample_is_read_once(tmp_path_factory, declared, n, after):
    """But for what is shorter than a tenth of a second behind the declared audio: no one knows."""
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    path.write_bytes(wav(Y[:n].tobytes(), data=declared, after=after))
    if declared == 1 and 2 * n < 3200:  # half a sample, and nothing that counts behind it
        with pytest.raises(AudioError, match="holds no samples"):
            read(path)
        return
    samples, _ = read(path)
    assert len(samples) <= n + len(after) // 2
    left_out = n - len(samples)
    assert left_out <= 0 or (declared and left_out * 2 < 3200 + 2)
    np.testing.assert_array_equal(samples[:n], EXPECTED[: min(n, len(samples))])


def test_a_system_error_behind_a_repaired_header(tmp_path, monkeypatch):
    from pylstm.audio import repaired_header

    path = tmp_path / "a.wav"
    path.write_bytes(wav(Y.tobytes(), data=0))

    class Failing(repaired_header.RepairedHeader):
        def readinto(self, buffer: memoryview) -> int:
            if self.tell() > 20000:
                self.error = OSError(5, "Input/output error")
                return 0
            return super().readinto(buffer)

    monkeypatch.setattr("pylstm.audio.decoder.RepairedHeader", Failing)
    with (
        AudioFile(path, None) as file,
        pytest.raises(AudioError, match=r"cannot read .*a\.wav after 0\.\d\d s: Input/output"),
    ):
        file.read()
