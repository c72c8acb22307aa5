"""Audio as it arrives, in any cut: the same samples as from the whole file at once."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.audio import AudioFile
from tests.audio.intake_audio import RATES, noise
from tests.small_models import small_model

MODEL = small_model()
SUBTYPES = {
    "int16": "PCM_16",
    "int24": "PCM_24",
    "int32": "PCM_32",
    "uint8": "PCM_U8",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "mulaw": "ULAW",
    "alaw": "ALAW",
}
WAV = [("WAV", name, name) for name in SUBTYPES]
BIG = ("int16-be", "int24-be", "int32-be", "float32-be", "float64-be", "mulaw", "alaw")
AU = [("AU", name.removesuffix("-be"), name) for name in BIG]
AIFF = [("AIFF", name.removesuffix("-be"), name) for name in BIG]
FILES = [*WAV, *AU, *AIFF]


def file_and_data(
    kind: str, name: str, rate: int, channels: int, seconds: float = 0.3
) -> tuple[np.ndarray, bytes]:
    """What libsndfile reads of a whole file, (n, channels), and the bytes of samples in it."""
    file = io.BytesIO()
    soundfile.write(file, noise(seconds, rate, channels), rate, SUBTYPES[name], format=kind)
    content = file.getvalue()
    if kind == "WAV":
        start = content.index(b"data") + 8
    elif kind == "AIFF":
        start = content.index(b"SSND") + 16
    else:
        start = int.from_bytes(content[4:8], "big")
    file.seek(0)
    read = soundfile.read(file, dtype="float32", always_2d=True)[0]
    size = len(read) * channels * (1 if name in ("uint8", "mulaw", "alaw") else int(name[-2:]) // 8)
    return read, content[start : start + size]


def at_once(read: np.ndarray, rate: int, channel: int | None) -> np.ndarray:
    """The whole of it, mixed or one channel, resampled at once."""
    mono = read.mean(axis=1, dtype=np.float64) if channel is None else read[:, channel]
    mono = mono.astype(np.float32)
    return mono if rate == 16000 else soxr.resample(mono, rate, 16000, quality="HQ")


def in_chunks(intake: pylstm.Intake, data, cuts: list[int]) -> np.ndarray:
    """All that comes out of data that is cut there."""
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    out, start = [], 0
    for end in ends:
        out.append(intake.push(data[start:end]))
        start = end
    out.append(intake.flush())
    return np.concatenate(out)


# --- the whole file at once -----------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize(("kind", "name", "encoding"), FILES)
def test_as_the_whole_file_at_once(kind, name, encoding, rate, channels) -> None:
    """soxr is as exact in a stream as at once: to the bit."""
    read, data = file_and_data(kind, name, rate, channels)
    for channel in (None, 0, channels - 1):
        intake = pylstm.Intake(
            MODEL, rate=rate, channels=channels, channel=channel, encoding=encoding
        )
        expected = at_once(read, rate, channel)
        got = in_chunks(intake, data, list(range(0, len(data), 777)))
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 3])
def test_as_pylstm_reads_the_file(tmp_path, rate, channels) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(1.5, rate, channels), rate, "PCM_24")
    with AudioFile(path, 16000) as file:
        expected = file.read()
    values, _ = soundfile.read(path, dtype="int32", always_2d=True)
    intake = pylstm.Intake(16000, rate=rate, channels=channels)
    np.testing.assert_array_equal(in_chunks(intake, values, [1, 2, 500, 9999]), expected)


@pytest.mark.parametrize("model", [pylstm.MFCC(sr=8000), pylstm.LogMel(sr=8000), 8000, MODEL])
def test_the_rate_is_the_models(model) -> None:
    intake = pylstm.Intake(model, rate=24000)
    rate = 16000 if model is MODEL else 8000
    assert intake.model_rate == rate
    assert len(intake.push(np.zeros(24000, np.int16))) + len(intake.flush()) == rate


def test_what_comes_out_is_for_a_stream() -> None:
    values = np.round(noise(1, 48000, 2) * 30000).astype(np.int16)
    stream, intake = MODEL.stream(), pylstm.Intake(MODEL, rate=48000, channels=2)
    rows = [stream.push(intake.push(values[k : k + 960])) for k in range(0, 48000, 960)]
    rows += [stream.push(intake.flush()), stream.flush()]
    whole = at_once(values.astype(np.float32) / 32768, 48000, None)
    np.testing.assert_array_equal(np.concatenate(rows), MODEL.run(whole))


# --- any cut --------------------------------------------------------------------------------------


CUTS = st.lists(st.integers(0, 30_000), max_size=30)


@pytest.mark.law_chunk
@given(
    encoding=st.sampled_from(["int16", "int24-be", "float32", "float64-be", "mulaw", "int32"]),
    rate=st.sampled_from(RATES),
    channels=st.sampled_from([1, 2, 3, 6]),
    cuts=CUTS,
    n=st.integers(0, 3000),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_any_cut_of_bytes(encoding, rate, channels, cuts, n, data) -> None:
    channel = data.draw(st.sampled_from([None, *range(channels)]))
    rng = np.random.default_rng(n)
    name = encoding.removesuffix("-be")
    if name.startswith("float"):
        values = rng.uniform(-1, 1, n * channels).astype(
            (">" if encoding.endswith("-be") else "<") + ("f4" if name == "float32" else "f8")
        )
        raw = values.tobytes()
    else:
        size = 1 if name == "mulaw" else int(name[3:]) // 8
        raw = rng.bytes(n * channels * size)
    once = pylstm.Intake(MODEL, rate=rate, channels=channels, channel=channel, encoding=encoding)
    whole = np.concatenate([once.push(raw), once.flush()])
    intake = pylstm.Intake(MODEL, rate=rate, channels=channels, channel=channel, encoding=encoding)
    for _ in range(2):  # reset makes it new
        np.testing.assert_array_equal(in_chunks(intake, raw, cuts), whole)
        assert intake.position == once.position == n
        assert intake.delay == pytest.approx(0, abs=1 / 16000)
        intake.reset()
        assert (intake.position, intake.delay) == (0, 0.0)


@pytest.mark.law_chunk
@given(
    dtype=st.sampled_from(["<i2", ">i2", "<i4", "u1", "<f4", ">f8"]),
    channels=st.sampled_from([1, 2, 5]),
    rate=st.sampled_from([8000, 16000, 44100]),
    cuts=CUTS,
    columns=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_any_cut_of_arrays(dtype, channels, rate, cuts, columns) -> None:
    values = noise(0.1, rate, channels) * (100 if dtype[-2] in "iu" else 1)
    values = (values + (128 if dtype == "u1" else 0)).astype(dtype)
    flat = values.reshape(-1)
    encoding = {"i2": "int16", "i4": "int32", "u1": "uint8", "f4": "float32", "f8": "float64"}
    name = encoding[dtype[-2:]] + ("-be" if dtype[0] == ">" else "")
    of_bytes = pylstm.Intake(MODEL, rate=rate, channels=channels, encoding=name)
    expected = np.concatenate([of_bytes.push(flat.tobytes()), of_bytes.flush()])
    intake = pylstm.Intake(MODEL, rate=rate, channels=channels)
    got = in_chunks(intake, values if columns else flat, cuts)
    np.testing.assert_array_equal(got, expected)


def test_bytes_one_by_one() -> None:
    for encoding, channels in (("int24", 2), ("float64-be", 1), ("alaw", 3), ("int16", 6)):
        _, data = file_and_data("WAV", "int24", 8000, 2)
        if encoding != "int24":
            data = bytes(4800)
        once = pylstm.Intake(8000, rate=8000, channels=channels, encoding=encoding)
        expected = once.push(data)
        once.flush()
        intake = pylstm.Intake(8000, rate=8000, channels=channels, encoding=encoding)
        got = [intake.push(data[k : k + 1]) for k in range(len(data))]
        assert max(map(len, got)) == 1
        np.testing.assert_array_equal(np.concatenate(got), expected)


def test_a_frame_may_begin_in_an_array_and_end_in_bytes() -> None:
    values = np.arange(-6, 6).astype("<i2")
    expected = pylstm.Intake(8000, rate=8000, channels=3).push(values)
    intake = pylstm.Intake(8000, rate=8000, channels=3, encoding="int16-le")
    got = [intake.push(values[:4]), intake.push(values[4:7].tobytes()), intake.push(values[7:])]
    assert list(map(len, got)) == [1, 1, 2]
    np.testing.assert_array_equal(np.concatenate(got), expected)


# --- what it is -----------------------------------------------------------------------------------


def test_attributes_are_read_only() -> None:
    intake = pylstm.Intake(MODEL, rate=48000, channels=2, channel=1, encoding="int16-be")
    expected = {
        "rate": 48000,
        "model_rate": 16000,
        "channels": 2,
        "channel": 1,
        "encoding": "int16-be",
        "position": 0,
        "given": 0,
        "delay": 0.0,
    }
    assert {name: getattr(intake, name) for name in expected} == expected
    for name in expected:
        with pytest.raises(AttributeError):
            setattr(intake, name, 1)
    assert eval(repr(intake), {"Intake": pylstm.Intake}).encoding == "int16-be"
    assert pylstm.Intake(MODEL, rate=16000).encoding is None


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_it_cannot_be_copied_and_says_what_to_do(copied, rate: int) -> None:
    intake = pylstm.Intake(MODEL, rate=rate, channels=2, encoding="int16")
    with pytest.raises(TypeError, match=r"cannot be pickled or copied.*; expected a new") as error:
        copied(intake)
    code = str(error.value).partition("needed: ")[2].partition(". Its")[0]
    other = eval(code, {"pylstm": pylstm})
    assert repr(other) == repr(intake)


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "n", "words"), [(1, 3, "1 byte of"), (2, 6, "2 bytes of")])
def test_an_unfinished_end(channels: int, n: int, words: str) -> None:
    intake = pylstm.Intake(MODEL, rate=16000, channels=channels, encoding="int16")
    first = intake.push(bytes(n))
    what = "sample" if channels == 1 else "frame of 2 channels"
    message = rf"^the audio ends with {words} an unfinished {what}; expected whole ones"
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            intake.flush()
    # It has changed nothing: the rest may come.
    assert len(first) + len(intake.push(bytes(4 * channels - n))) == 2
    intake.flush()
    intake.reset()
    intake.push(bytes(n))
    assert intake.flush(drop_unfinished=True).shape == (0,)
    assert intake.position == n // (2 * channels)
    with pytest.raises(TypeError, match="drop_unfinished is 1; expected True or False"):
        intake.flush(drop_unfinished=1)


def test_after_the_end() -> None:
    intake = pylstm.Intake(MODEL, rate=8000)
    intake.push(np.zeros(100, np.float32))
    intake.flush()
    for call in (lambda: intake.push(np.zeros(1, np.float32)), intake.flush):
        with pytest.raises(ValueError, match=r"was flushed; expected reset\(\)"):
            call()
    intake.reset()
    assert intake.push(np.zeros(8000, np.float32)).shape[0] > 0
