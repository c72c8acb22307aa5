"""Audio as it arrives, in any cut: the same samples as from the whole file at once."""

from __future__ import annotations

import array
import copy
import io
import mmap
import pickle
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.audio import AudioFile
from pylstm.audio.resampler import Resampler
from tests.small_models import small_model

MODEL = small_model()
RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
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


def noise(seconds: float, rate: int, channels: int, seed: int = 0) -> np.ndarray:
    """(n, channels): noise with a tone, each channel its own."""
    n = round(seconds * rate)
    t = np.arange(n)[:, None] / rate
    tones = 0.3 * np.sin(2 * np.pi * (200 + 90 * np.arange(channels)) * t)
    return tones + 0.1 * np.random.default_rng(seed).uniform(-1, 1, (n, channels))


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


# --- what holds bytes and what is an array --------------------------------------------------------

Y16 = np.round(noise(0.1, 16000, 1)[:, 0] * 30000).astype("<i2")


def mapped() -> mmap.mmap:
    memory = mmap.mmap(-1, Y16.nbytes)
    memory.write(Y16.tobytes())
    return memory


BYTES = {
    "bytes": lambda: Y16.tobytes(),
    "bytearray": lambda: bytearray(Y16.tobytes()),
    "memoryview": lambda: memoryview(Y16.tobytes()),
    "memoryview with gaps": lambda: memoryview(np.repeat(Y16.view(np.uint8), 2))[::2],
    "unaligned memoryview": lambda: memoryview(b"x" + Y16.tobytes())[1:],
    "mmap": mapped,
    "array of bytes": lambda: array.array("B", Y16.tobytes()),
}
ARRAYS = {
    "array": lambda: Y16.astype(np.int16),
    "big-endian array": lambda: Y16.astype(">i2"),
    "one column": lambda: Y16[:, None],
    "with gaps": lambda: np.repeat(Y16, 3)[::3],
    "backwards": lambda: Y16[::-1].copy()[::-1],
    "read-only": lambda: np.frombuffer(Y16.tobytes(), "<i2"),
    "unaligned": lambda: np.frombuffer(b"x" + Y16.tobytes(), "<i2", offset=1),
    "array.array": lambda: array.array("h", Y16.astype(np.int16)),
    "memoryview": lambda: memoryview(Y16.astype(np.int16)),
    "memoryview of columns": lambda: memoryview(Y16.astype(np.int16)[:, None]),
    "memory map": lambda: Y16.astype(np.int16).view(np.memmap),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes(name: str) -> None:
    intake = pylstm.Intake(MODEL, rate=16000, encoding="int16")
    np.testing.assert_array_equal(intake.push(BYTES[name]()), np.float32(Y16 / 32768))


@pytest.mark.parametrize("encoding", [None, "int16"])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name: str, encoding: str | None) -> None:
    intake = pylstm.Intake(MODEL, rate=16000, encoding=encoding)
    np.testing.assert_array_equal(intake.push(ARRAYS[name]()), np.float32(Y16 / 32768))


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_codes_in_an_array(law: str) -> None:
    codes = np.arange(256, dtype=np.uint8)
    a, b = (pylstm.Intake(8000, rate=8000, encoding=law) for _ in range(2))
    np.testing.assert_array_equal(a.push(codes), b.push(codes.tobytes()))


def test_columns_of_any_layout() -> None:
    values = np.round(noise(0.1, 16000, 3) * 30000).astype(np.int16)
    expected = pylstm.Intake(MODEL, rate=16000, channels=3).push(values)
    for same in (np.asfortranarray(values), np.repeat(values, 2, axis=1)[:, ::2], values[::-1]):
        got = pylstm.Intake(MODEL, rate=16000, channels=3).push(same)
        np.testing.assert_array_equal(got[:: -1 if same.base is values else 1], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_comes_out_is_new(dtype, channels) -> None:
    """The memory of a sound card's block is used again."""
    block = np.ones(8 * channels, dtype)
    intake = pylstm.Intake(MODEL, rate=16000, channels=channels)
    samples = intake.push(block)
    kept = samples.copy()
    block[:] = 0
    np.testing.assert_array_equal(samples, kept)
    intake = pylstm.Intake(MODEL, rate=16000, channels=3)
    block = np.ones(4, dtype)
    intake.push(block)
    block[:] = 0
    rest = intake.push(np.ones(2, dtype))
    assert rest == pytest.approx(kept[0])


# --- channels -------------------------------------------------------------------------------------


def test_speech_in_one_of_six() -> None:
    columns = np.zeros((1600, 6), np.int32)
    columns[:, 4] = np.round(noise(0.1, 16000, 1)[:, 0] * 2.0**31)
    chosen = pylstm.Intake(MODEL, rate=16000, channels=6, channel=4).push(columns)
    mixed = pylstm.Intake(MODEL, rate=16000, channels=6).push(columns)
    np.testing.assert_array_equal(chosen, columns[:, 4].astype(np.float32) / 2**31)
    np.testing.assert_allclose(mixed, chosen / 6, rtol=1e-6)


def test_stereo_in_antiphase_is_nothing_when_mixed() -> None:
    y = noise(0.1, 16000, 1)[:, 0].astype(np.float32)
    columns = np.stack([y, -y], axis=1)
    assert not pylstm.Intake(MODEL, rate=16000, channels=2).push(columns).any()
    for channel, sign in ((0, 1), (1, -1)):
        intake = pylstm.Intake(MODEL, rate=16000, channels=2, channel=channel)
        np.testing.assert_array_equal(intake.push(columns), sign * y)


def test_the_sum_of_large_channels_is_finite() -> None:
    columns = np.full((4, 3), 3.4e38, np.float32)
    got = pylstm.Intake(MODEL, rate=16000, channels=3).push(columns)
    np.testing.assert_array_equal(got, columns[:, 0])


# --- the resampler --------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [*RATES, 1000, 12345, 192_000, 1_000_000])
@pytest.mark.parametrize("new_rate", [8000, 16000, 44100])
def test_the_largest_samples_do_not_overflow(rate: int, new_rate: int) -> None:
    if rate == new_rate:
        return
    n = max(2000, rate // 4)
    rng = np.random.default_rng(0)
    for shape in (np.ones(n), np.sign(rng.uniform(-1, 1, n)), np.cos(np.pi * np.arange(n))):
        resampler = Resampler(rate, new_rate)
        samples = (shape * Resampler.LARGEST_SAMPLE).astype(np.float32)
        out = np.concatenate([resampler.push(samples), resampler.flush()])
        assert np.isfinite(out).all()
        assert np.abs(out).max() < 8 * Resampler.LARGEST_SAMPLE


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_delay_is_what_is_held(rate: int) -> None:
    intake = pylstm.Intake(MODEL, rate=rate)
    given = 0
    for _ in range(100):
        given += len(intake.push(np.zeros(rate // 100, np.float32)))
        assert intake.given == given
        assert intake.delay == pytest.approx(intake.position / rate - given / 16000, abs=1e-12)
        assert intake.delay < 0.12
    held = intake.delay
    assert held > 0.005
    assert len(intake.flush()) == pytest.approx(held * 16000, abs=1)
    assert intake.delay < 1 / 16000


def test_nothing_is_held_where_nothing_is_resampled() -> None:
    intake = pylstm.Intake(MODEL, rate=16000, encoding="int16")
    assert len(intake.push(bytes(2000))) == 1000
    assert intake.delay == 0
    assert intake.flush().shape == (0,)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_an_intake_that_got_nothing(rate: int) -> None:
    intake = pylstm.Intake(MODEL, rate=rate, encoding="int16")
    assert intake.push(b"").shape == (0,)
    assert intake.flush().dtype == np.float32
    assert intake.position == 0


PROGRAM = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("soxr", "soundfile"):
            raise ImportError("no " + name)
sys.meta_path.insert(0, Absent())
import numpy, pylstm
model = pylstm.load("vad")
intake = pylstm.Intake(model, rate=16000, channels=2, encoding="mulaw")
assert len(intake.push(bytes(100))) == 50 and len(intake.flush()) == 0
try:
    pylstm.Intake(model, rate=8000)
except ImportError as error:
    print(error)
"""


def test_numpy_is_enough_where_nothing_is_resampled(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert 'which is missing: pip install "pylstm[cli]" (no soxr)' in done.stdout


# --- a session that moves -------------------------------------------------------------------------


@given(
    rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]),
    new_rate=st.sampled_from([8000, 16000]),
    channels=st.sampled_from([1, 2]),
    frames=st.integers(0, 60_000),
    piece=st.integers(0, 3),
    size=st.integers(300, 20_000),
)
@settings(max_examples=60, deadline=None)
def test_a_session_that_moves(rate, new_rate, channels, frames, piece, size) -> None:
    """The other intake gets the last 0.3 s of bytes, and nothing is lost."""
    frame = 3 * channels
    values = (noise(60_000 / rate + 0.5, rate, channels) * 2.0**31).astype("<i4")
    data = values.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
    cut = frames * frame + piece % frame
    options = {"rate": rate, "channels": channels, "encoding": "int24"}
    once, old, new = (pylstm.Intake(new_rate, **options) for _ in range(3))  # type: ignore[arg-type]
    expected = np.concatenate([once.push(data), once.flush()])
    got = [old.push(data[k : min(k + size, cut)]) for k in range(0, cut, size)]
    grid = rate // np.gcd(rate, new_rate)
    start = max(0, (frames - round(0.3 * rate)) // grid * grid)
    got.append(new.resume(data[start * frame : cut], position=old.position, given=old.given))
    assert new.position == old.position
    got += [new.push(data[k : k + size]) for k in range(cut, len(data), size)]
    got.append(new.flush())
    assert (new.position, new.given) == (once.position, once.given)
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=0, atol=1e-6)
    if rate == new_rate:
        np.testing.assert_array_equal(np.concatenate(got), expected)


def test_a_move_where_nothing_is_resampled_needs_no_audio() -> None:
    old, new = (pylstm.Intake(8000, rate=8000, channels=2, encoding="int16") for _ in range(2))
    old.push(bytes(402))
    assert len(new.resume(bytes(2), position=old.position, given=old.given)) == 0
    assert len(new.push(bytes(2))) == 1
    assert (new.position, new.given) == (101, 101)


@pytest.mark.parametrize("rate", [8000, 44100, 1000])
def test_audio_that_is_too_short_for_a_move(rate: int) -> None:
    """The shortest that is taken is enough, and what is missing is said."""
    y = noise(4, rate, 1)[:, 0].astype(np.float32)
    once, old = pylstm.Intake(16000, rate=rate), pylstm.Intake(16000, rate=rate)
    expected = np.concatenate([once.push(y), once.flush()])
    got = [old.push(y[: 3 * rate])]
    grid = rate // np.gcd(rate, 16000)
    with pytest.raises(ValueError, match=r"begins \d\.\d+ s too late; expected more") as error:
        pylstm.Intake(16000, rate=rate).resume(
            y[3 * rate - grid : 3 * rate], position=old.position, given=old.given
        )
    missing = float(str(error.value).split(" s too")[0].split()[-1])
    assert missing == pytest.approx(old.delay + 320 / min(rate, 16000) - grid / rate, abs=1e-3)
    start = int((3 - missing - grid / rate - 1e-3) * rate) // grid * grid
    new = pylstm.Intake(16000, rate=rate)
    got.append(new.resume(y[start : 3 * rate], position=old.position, given=old.given))
    got += [new.push(y[3 * rate :]), new.flush()]
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=0, atol=1e-6)


def test_what_a_move_refuses() -> None:
    y = noise(2, 44100, 1)[:, 0].astype(np.float32)
    old = pylstm.Intake(16000, rate=44100)
    old.push(y)
    new = pylstm.Intake(16000, rate=44100)
    counts = {"position": old.position, "given": old.given}
    with pytest.raises(
        ValueError, match="expected a multiple of 441: leave out its first 1 sample "
    ):
        new.resume(y[440:], **counts)
    with pytest.raises(ValueError, match="position is 5; expected 88200 or more"):
        new.resume(y, position=5, given=0)
    with pytest.raises(ValueError, match="given is 32001; expected 32000 or less"):
        new.resume(y, position=88200, given=32001)
    with pytest.raises(ValueError, match="given is -1; expected 0 or more"):
        new.resume(y, position=88200, given=-1)
    bad = y[441:].copy()
    bad[5] = np.nan
    with pytest.raises(ValueError, match=r"sample 446 .* is nan; expected finite values"):
        new.resume(bad, **counts)
    assert (new.position, new.given) == (0, 0)
    new.resume(y[441:], **counts)
    assert (new.position, new.given) == (88200, old.given)
    for used in (new, old):
        with pytest.raises(ValueError, match=r"expected reset\(\) before it resumes"):
            used.resume(y, **counts)
    old.flush()
    old.reset()
    old.resume(y, **counts)


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
