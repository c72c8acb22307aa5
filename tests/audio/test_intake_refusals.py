"""What an intake refuses, and that following the message to the letter works."""

from __future__ import annotations

import array
import ctypes
import io
import re
import sys
import warnings

import numpy
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.audio.resampler import Resampler
from tests.small_models import small_model

MODEL = small_model()
Y = (0.3 * np.random.default_rng(0).uniform(-1, 1, 1200)).astype(np.float32)
Y16 = np.round(Y * 2**15).astype(np.int16)
Y24 = np.round(Y * 2.0**23).astype(np.int32)
Y32 = np.round(Y * 2.0**31).astype(np.int64)
STEREO = np.stack([Y, Y[::-1]], axis=1)

PASS = re.compile(r"(?:: |, and )pass (.+?)(?:$|, (?:or|and|whose)\b| if )")
MAKE = re.compile(r": make the intake (?:with (\w+)=(.+?)|(without an encoding))(?:$|, | if )")


def fields(*columns: np.ndarray) -> np.ndarray:
    names = ("left", "right", "middle")[: len(columns)]
    pairs = np.empty(len(columns[0]), [(name, columns[0].dtype) for name in names])
    for name, column in zip(names, columns, strict=True):
        pairs[name] = column
    return pairs


def ragged(*chunks: np.ndarray) -> np.ndarray:
    found = np.empty(len(chunks), object)
    found[:] = chunks
    return found


def packed(values: np.ndarray) -> bytes:
    return values.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def wav_bytes() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, Y16, 16000, format="WAV")
    return file.getvalue()


def followed(value: object, channels: int = 1, encoding: str | None = None) -> np.ndarray:
    """What comes out in the end, once every message was followed to the letter."""
    options: dict[str, object] = {"channels": channels, "encoding": encoding}
    for _ in range(4):
        intake = pylstm.Intake(MODEL, rate=16000, **options)  # type: ignore[arg-type]
        try:
            return intake.push(value)
        except (TypeError, ValueError) as error:
            message = str(error)
        assert "; expected " in message
        assert intake.position == 0
        make, code = MAKE.search(message), PASS.search(message)
        assert make or code, message
        if make and make[3]:
            options["encoding"] = None
        elif make:
            options[make[1]] = eval(make[2])
        if code:
            everything = {"numpy": numpy, "io": io, "soundfile": soundfile, "data": value}
            value = eval(code[1], everything)
    raise AssertionError(f"four messages were not enough, the last: {message}")


# What comes in one channel, as a function that makes it.
ONE = {
    "list of floats": Y.tolist,
    "list of integers": Y16.tolist,
    "list of 32-bit integers": Y32.tolist,
    "tuple": lambda: tuple(Y.tolist()),
    "list of arrays": lambda: [Y[:5], Y[5:]],
    "list of float32": lambda: list(Y),
    "samples and rate": lambda: (Y, 16000),
    "rate and samples": lambda: (16000, Y16),
    "int8": lambda: np.round(Y * 128).astype(np.int8),
    "uint16": lambda: np.round(Y * 32768.0 + 32768).astype(np.uint16),
    "uint32": lambda: (Y32 + 2**31).astype(np.uint32),
    "int64 of 16 bits": lambda: Y16.astype(np.int64),
    "int64": lambda: Y32,
    "uint64": lambda: (Y32 * 2**32).view(np.uint64) + np.uint64(2**63),
    "float16": lambda: Y.astype(np.float16),
    "longdouble": lambda: Y.astype(np.longdouble),
    "complex64": lambda: Y.astype(np.complex64),
    "complex128": lambda: Y.astype(np.complex128),
    "object of floats": lambda: Y.astype(object),
    "object of integers": lambda: Y16.astype(object),
    "object of chunks": lambda: ragged(Y[:100], Y[100:]),
    "structured": lambda: fields(Y16),
    "24-bit voids": lambda: np.frombuffer(packed(Y24), "V3"),
    "masked float32": lambda: np.ma.masked_array(Y, np.zeros(1200, bool)),
    "masked int16": lambda: np.ma.masked_array(Y16, np.zeros(1200, bool)),
    "masked int64": lambda: np.ma.masked_array(Y32, np.zeros(1200, bool)),
    "masked column": lambda: np.ma.masked_array(Y[:, None]),
    "array of signed bytes": lambda: array.array("b", np.round(Y * 128).astype(np.int8).tobytes()),
    "list of chunks of bytes": lambda: [Y16[:500].tobytes(), Y16[500:].tobytes()],
    "bytes": lambda: Y16.astype("<i2").tobytes(),
    "bytearray": lambda: bytearray(Y16.astype("<i2").tobytes()),
    "array of bytes": lambda: array.array("B", Y16.astype("<i2").tobytes()),
    "ctypes bytes": lambda: (ctypes.c_ubyte * 2400)(*Y16.astype("<i2").tobytes()),
    "bytes of a WAV file": wav_bytes,
    "one row": lambda: Y[None],
    "one row of a batch": lambda: Y[None, None],
    "one column of a batch": lambda: Y[None, :, None],
    "one row of int64": lambda: Y32[None],
    "matrix": lambda: np.asmatrix(Y),
}
COARSE = {"int8": 0.5 / 128, "array of signed bytes": 0.5 / 128, "float16": 1e-3}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("encoding", [None, "int16", "float32"])
@pytest.mark.parametrize("name", ONE)
def test_following_the_message_gives_the_samples(name: str, encoding: str | None) -> None:
    if encoding == "float32" and ("byte" in name and "signed" not in name):
        encoding = None  # they are int16: nobody can tell who is told otherwise
    got = followed(ONE[name](), 1, encoding)
    np.testing.assert_allclose(got, Y, rtol=0, atol=COARSE.get(name, 0.51 / 32768))


TWO = {
    "rows": lambda: STEREO.T,
    "rows of int16": lambda: np.stack([Y16, Y16[::-1]]),
    "rows of int64": lambda: np.stack([Y32, Y32[::-1]]),
    "int64": lambda: np.stack([Y32, Y32[::-1]], axis=1),
    "interleaved int64": lambda: np.stack([Y32, Y32[::-1]], axis=1).reshape(-1),
    "list of pairs": STEREO.tolist,
    "list of two rows": lambda: STEREO.T.tolist(),
    "list of blocks": lambda: [STEREO[:7], STEREO[7:]],
    "samples and rate": lambda: (STEREO, 16000),
    "structured int16": lambda: fields(Y16, Y16[::-1]),
    "structured int64": lambda: fields(Y32, Y32[::-1]),
    "masked": lambda: np.ma.masked_array(STEREO),
    "masked rows": lambda: np.ma.masked_array(STEREO.T),
    "complex": lambda: STEREO.astype(complex),
    "float16 rows": lambda: STEREO.T.astype(np.float16),
    "object": lambda: STEREO.astype(object),
    "a batch": lambda: STEREO[None],
    "a batch of rows": lambda: STEREO.T[None],
    "24-bit voids": lambda: np.frombuffer(packed(np.stack([Y24, Y24[::-1]], axis=1)), "V3"),
}


@pytest.mark.parametrize("encoding", [None, "float32"])
@pytest.mark.parametrize("name", TWO)
def test_following_the_message_keeps_both_channels(name: str, encoding: str | None) -> None:
    got = followed(TWO[name](), 2, encoding)
    atol = 1e-3 if name == "float16 rows" else 0.51 / 32768
    np.testing.assert_allclose(got, (Y + Y[::-1]) / 2, rtol=0, atol=atol)


@pytest.mark.parametrize(
    "shape", [(1200, 2), (2, 1200), (1200, 6), (3, 1200), (1200, 1), (1, 1200)]
)
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_another_number_of_channels(shape, channels) -> None:
    """Nothing is taken for something else: the message says which number it is."""
    values = np.resize(Y, shape)
    time = values.T if shape[0] < shape[1] else values
    np.testing.assert_allclose(followed(values, channels), time.mean(axis=1), rtol=0, atol=1e-7)


# Nothing makes samples of these; the message says what is expected, and no more.
HOPELESS = {
    "None": None,
    "bool": Y > 0,
    "bools": [True, False],
    "words": np.array(["a", "b"]),
    "times": np.zeros(4, "m8[ms]"),
    "dict": {0: Y},
    "generator": (value for value in Y),
    "function": len,
    "ragged list": [[0.0], [0.0, 1.0]],
    "object of objects": np.array([object(), None]),
    "structured, another number": fields(Y, Y, Y),
    "structured, mixed": np.zeros(3, "i2,f4"),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_what_holds_no_samples_gets_no_code(name: str) -> None:
    intake = pylstm.Intake(MODEL, rate=16000, channels=2)
    with pytest.raises(TypeError, match=r"^data is .*; expected bytes, or an array of .* float64$"):
        intake.push(HOPELESS[name])


class Hostile:
    """Raises where somebody looks for samples in it."""

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("no")


def test_an_object_that_raises_gets_the_plain_message() -> None:
    with pytest.raises(TypeError, match=r"^data is Hostile; expected bytes, or an array of"):
        pylstm.Intake(MODEL, rate=16000).push(Hostile())


@pytest.mark.parametrize("make", [str, lambda path: path])
def test_the_name_of_a_file_is_read(tmp_path, make) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, Y16, 16000)
    got = followed(make(path))
    np.testing.assert_allclose(got, Y, rtol=0, atol=0.51 / 32768)


def test_tensors() -> None:
    torch = pytest.importorskip("torch", reason='pip install "pylstm[torch]" runs this')
    for tensor in (torch.tensor(Y), torch.tensor(Y16), torch.tensor(Y, requires_grad=True)):
        np.testing.assert_allclose(followed(tensor), Y, rtol=0, atol=0.51 / 32768)
    np.testing.assert_allclose(followed(torch.tensor(STEREO.T), 2), STEREO.mean(axis=1), atol=1e-7)


@given(
    shape=st.lists(st.sampled_from([0, 1, 2, 3, 400]), min_size=0, max_size=3),
    dtype=st.sampled_from(["i1", "u1", "<i2", ">i4", "u2", "i8", "u8", "f2", "<f4", ">f8", "c8"]),
    transposed=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_any_array_of_numbers_is_taken_in_the_end_or_refused_plainly(
    shape, dtype, transposed
) -> None:
    rng = np.random.default_rng(len(shape))
    value = rng.integers(0, 100, shape).astype(dtype)
    if np.dtype(dtype).kind in "fc":
        value = (value / 100).astype(dtype)
    value = value.T if transposed else value
    if len(value.shape) > 2 and value.shape[0] > 1 and sum(size > 1 for size in shape) > 1:
        # Several recordings at once, or axes that nobody can guess.
        with pytest.raises((TypeError, ValueError), match=r"^data is .*; expected "):
            pylstm.Intake(MODEL, rate=16000).push(value)
        return
    got = followed(value)
    assert np.abs(got).max(initial=0.0) <= 1.0
    assert len(got) == (0 if value.size == 0 else max(value.shape, default=1))


# --- encodings that disagree ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<i4", "<f4", ">f8"])
@pytest.mark.parametrize("encoding", ["int16", "int24", "int32-be", "float64-le", "mulaw", "uint8"])
def test_an_array_in_another_encoding(dtype: str, encoding: str) -> None:
    values = np.linspace(-0.5, 0.5, 50)
    scale = 2 ** (8 * int(dtype[2]) - 1) if dtype[1] == "i" else 1
    got = followed((values * scale).astype(dtype), 1, encoding)
    np.testing.assert_allclose(got, values, rtol=0, atol=1 / 32768)


@pytest.mark.parametrize("encoding", ["int16", "int24", "float64-be"])
def test_bytes_in_an_array_of_bytes(encoding: str) -> None:
    raw = np.zeros(24, np.uint8)
    assert len(followed(raw, 1, encoding)) == 24 * 8 // int(re.sub(r"\D", "", encoding))


def test_a_file_instead_of_samples() -> None:
    """The first bytes of a file, wherever they are cut."""
    starts = {b"RIFF": "WAV", b"fLaC": "FLAC", b"OggS": "Ogg", b"\x1aE\xdf\xa3": "WebM"}
    for start, kind in starts.items():
        for cut in range(1, 5):
            intake = pylstm.Intake(MODEL, rate=16000, encoding="float32")
            assert not len(intake.push(start[: cut - 1]))
            with pytest.raises(ValueError, match=rf"^data begins as an? {kind} [a-z]+ does; exp"):
                intake.push(start[cut - 1 :] + bytes(40))
    with pytest.raises(ValueError, match="as a WAV file does"):
        pylstm.Intake(MODEL, rate=16000, encoding="int16").push(wav_bytes())


# --- pieces that do not go on ---------------------------------------------------------------------


def test_an_array_behind_a_piece_of_a_sample() -> None:
    intake = pylstm.Intake(MODEL, rate=16000, channels=2, encoding="int16")
    intake.push(bytes(5))
    one = np.ones(3, np.int16)
    with pytest.raises(ValueError, match=r"1 byte of an unfinished frame .* in bytes, or reset\("):
        intake.push(one)
    intake.push(bytes(1))
    with pytest.raises(ValueError, match=r"2 bytes of an unfinished frame .* in a 1-D array"):
        intake.push(np.ones((3, 2), np.int16))
    with pytest.raises(ValueError, match="expected the rest of it in int16, or reset"):
        intake.push(one.astype(">i2"))
    assert len(intake.push(one)) == 2


def test_the_encoding_does_not_change_inside_of_a_frame() -> None:
    intake = pylstm.Intake(MODEL, rate=16000, channels=2)
    intake.push(np.ones(3, np.int16))
    with pytest.raises(ValueError, match=r"of float32.*; expected the rest of it in int16"):
        intake.push(np.ones(1, np.float32))
    assert len(intake.push(np.ones(1, np.int16))) == 1
    assert len(intake.push(np.ones(2, np.float32))) == 1  # between frames it may


def test_little_bytes_do_not_go_on_a_big_array() -> None:
    intake = pylstm.Intake(MODEL, rate=16000, channels=2, encoding="int16")
    intake.push(np.ones(1, ">i2"))
    with pytest.raises(ValueError, match="expected the rest of it in int16-be"):
        intake.push(bytes(2))


# --- samples --------------------------------------------------------------------------------------

BAD = (np.nan, np.inf, -np.inf)


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("dtype", ["<f4", ">f8"])
@pytest.mark.parametrize("value", BAD)
def test_no_number_changes_nothing(value, dtype, rate) -> None:
    values = np.resize(STEREO, (800, 2)).astype(dtype)
    intake, clean = (pylstm.Intake(MODEL, rate=rate, channels=2) for _ in range(2))
    out = [intake.push(values)]
    bad = values.copy()
    bad[7, 1] = value
    where = rf"^sample 807 of channel 1 \(counted from 0, at {807 / rate:.3f} s\)"
    with pytest.raises(ValueError, match=rf"{where} is {value}; expected finite values\. Nothing"):
        intake.push(bad)
    with pytest.raises(ValueError, match=where):
        intake.push(bad.reshape(-1))
    assert intake.position == 800
    out += [intake.push(values), intake.flush()]
    expected = [clean.push(values), clean.push(values), clean.flush()]
    np.testing.assert_array_equal(np.concatenate(out), np.concatenate(expected))


@pytest.mark.law_nothing_poisons
def test_no_number_in_an_unfinished_frame() -> None:
    for channel in (None, 1):
        intake = pylstm.Intake(MODEL, rate=16000, channels=3, channel=channel)
        with pytest.raises(ValueError, match=r"sample 1 of channel 1 .* is nan"):
            intake.push(np.float32([0, 0, 0, 0, np.nan]))
        assert len(intake.push(np.zeros(6, np.float32))) == 2


def test_a_channel_that_is_not_taken_is_not_looked_at() -> None:
    columns = STEREO.copy()
    columns[:, 1] = np.nan
    got = pylstm.Intake(MODEL, rate=8000, channels=2, channel=0).push(columns)
    assert np.isfinite(got).all()
    with pytest.raises(ValueError, match=r"sample 0 of channel 1 .* is nan"):
        pylstm.Intake(MODEL, rate=8000, channels=2, channel=1).push(columns)


@pytest.mark.parametrize("value", [1e300, -3.5e38])
def test_what_no_float32_holds_is_named(value: float) -> None:
    values = np.zeros(50)
    values[20] = value
    with pytest.raises(ValueError, match=r"sample 20 .*; expected audio from -1 to 1, which float"):
        pylstm.Intake(MODEL, rate=16000).push(values)


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("value", [3.4e38, -3.4e38, 1e30])
def test_overflow_of_the_resampler_is_named(value, rate, channels) -> None:
    values = np.resize(Y, (3000, channels))
    bad = values.copy()
    bad[100:140] = value
    intake, clean = (pylstm.Intake(MODEL, rate=rate, channels=channels) for _ in range(2))
    out = [intake.push(values)]
    message = r"^sample 3100 .*e\+\d\d; expected audio from -1 to 1, because resampling overflows"
    with pytest.raises(ValueError, match=message):
        intake.push(bad)
    out += [intake.push(values), intake.flush()]
    expected = [clean.push(values), clean.push(values), clean.flush()]
    np.testing.assert_array_equal(np.concatenate(out), np.concatenate(expected))
    # Where nothing is resampled, nothing overflows.
    plain = pylstm.Intake(MODEL, rate=16000, channels=channels)
    assert np.abs(plain.push(bad)).max() >= 1e30


def test_the_limit_is_where_it_says() -> None:
    at = np.full(400, Resampler.LARGEST_SAMPLE, np.float32)
    assert np.isfinite(pylstm.Intake(MODEL, rate=8000).push(at)).all()
    with pytest.raises(ValueError, match=r"sample 0 .* overflows"):
        pylstm.Intake(MODEL, rate=8000).push(np.nextafter(at, np.float32(np.inf)))


@pytest.mark.parametrize("rate", [16000, 48000])
def test_floats_on_another_scale_are_the_streams_to_warn_of(rate: int) -> None:
    """Once: a warning of the intake would be the second."""
    intake, stream = pylstm.Intake(MODEL, rate=rate), MODEL.stream()
    block = np.resize(Y16, rate // 2).astype(np.float32)
    samples = [intake.push(block), intake.flush()]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for part in samples:
            stream.push(part)
    assert [str(one.message).partition("; ")[2][:30] for one in said] == [
        "expected float samples from -1"
    ]


# --- interleaved stereo, taken for one channel ----------------------------------------------------


@pytest.mark.law_chunk
@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("size", [1, 7, 160, 5000])
@pytest.mark.parametrize("silence", [0, 501])
def test_stereo_of_one_voice_is_noticed(rate: int, size: int, silence: int) -> None:
    """On the same sample, whatever the cut: the one with which the 200th change comes."""
    voice = np.concatenate([np.zeros(silence, np.int16), Y16])
    data = np.repeat(voice, 2)
    changes = np.flatnonzero(np.diff(data, prepend=np.int16(0)))
    intake = pylstm.Intake(MODEL, rate=rate)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for start in range(0, len(data), size):
            intake.push(data[start : start + size])
            assert len(said) == (min(start + size, len(data)) > changes[199])
    assert str(said[0].message).startswith("all samples come twice, as those of interleaved stereo")
    assert said[0].filename == __file__


def test_the_warning_as_an_error_changes_nothing() -> None:
    data = np.repeat(Y, 2)
    intake = pylstm.Intake(MODEL, rate=8000)
    for _ in range(2):
        with pytest.raises(RuntimeWarning, match="make the intake with channels=2") as error:
            intake.push(data)
        assert intake.position == 0
    make = MAKE.search(str(error.value))
    assert make
    intake = pylstm.Intake(MODEL, rate=16000, **{make[1]: int(make[2])})
    np.testing.assert_array_equal(intake.push(data), Y)


def test_a_session_that_moved_is_not_warned_again() -> None:
    data = np.repeat(Y16, 2)
    old, new = pylstm.Intake(MODEL, rate=16000), pylstm.Intake(MODEL, rate=16000)
    with pytest.warns(RuntimeWarning, match="all samples come twice"):
        old.push(data)
    new.resume(data, position=old.position, given=old.given)
    new.push(data)


@pytest.mark.parametrize(
    "data",
    [
        Y16,
        np.sign(Y16).astype(np.int16),
        np.zeros(100_000, np.int16),
        np.full(100_000, 5, np.int16),
        np.concatenate([np.repeat(Y16[:150], 2), Y16]),
        np.concatenate([np.zeros(1, np.int16), np.repeat(Y16, 2)]),
        np.repeat(Y16, 3),
    ],
    ids=["noise", "signs", "silence", "offset", "doubled at first", "between pairs", "thrice"],
)
def test_one_channel_is_not_taken_for_two(data: np.ndarray) -> None:
    """Warnings are errors here."""
    intake = pylstm.Intake(MODEL, rate=8000)
    for start in range(0, len(data), 999):
        intake.push(data[start : start + 999])


def test_two_channels_may_be_equal() -> None:
    got = pylstm.Intake(MODEL, rate=16000, channels=2).push(np.repeat(Y, 2))
    np.testing.assert_array_equal(got, Y)


# --- what is asked for ----------------------------------------------------------------------------


def refused(error: type[Exception], words: str, *arguments: object, **options: object) -> str:
    with pytest.raises(error, match=words) as raised:
        pylstm.Intake(*arguments, **{"rate": 16000, **options})  # type: ignore[arg-type]
    return str(raised.value)


def test_a_rate_has_to_be_said() -> None:
    with pytest.raises(TypeError, match="rate"):
        pylstm.Intake(MODEL)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (0, ValueError, "^rate is 0; expected 1 or more$"),
        (-8000, ValueError, "^rate is -8000; expected 1 or more$"),
        (44100.0, TypeError, "^rate is 44100.0; expected a whole number of Hz: pass 44100$"),
        (np.float64(8000), TypeError, "expected a whole number of Hz: pass 8000$"),
        (44100.5, TypeError, "^rate is 44100.5; expected a whole number$"),
        ("8000", TypeError, "^rate is '8000'; expected a whole number$"),
        (None, TypeError, "^rate is None; expected a whole number$"),
        (True, TypeError, "^rate is True; expected a whole number$"),
        (8, ValueError, "^rate is 8; expected 1000 to 1000000 Hz where .* or 16000, where"),
        (10**9, ValueError, "expected 1000 to 1000000 Hz where"),
    ],
)
def test_rates(value: object, error: type[Exception], words: str) -> None:
    message = refused(error, words, MODEL, rate=value)
    if code := PASS.search(message):
        assert pylstm.Intake(MODEL, rate=eval(code[1])).rate == value


def test_the_models_own_rate_may_be_any() -> None:
    assert len(pylstm.Intake(10, rate=10).push(Y)) == len(Y)
    refused(ValueError, "^the model's rate is 10; expected 1000 to 1000000 Hz where", 10)


@pytest.mark.parametrize("value", [0, -1, 1025])
def test_numbers_of_channels(value: int) -> None:
    refused(ValueError, f"^channels is {value}; expected 1 to 1024$", MODEL, channels=value)


@pytest.mark.parametrize("value", [2, -1])
def test_channels(value: int) -> None:
    words = f"^channel is {value}; expected 0 to 1, counted from 0, because channels is 2$"
    refused(ValueError, words, MODEL, channels=2, channel=value)
    refused(TypeError, "^channel is 'left'; expected a whole", MODEL, channels=2, channel="left")


def test_models_that_take_no_audio() -> None:
    layers = [pylstm.Dense(3, 2)]
    refused(ValueError, "^model is Model without features.*; exp", pylstm.Model(None, layers))
    stream = MODEL.stream()
    code = PASS.search(refused(TypeError, "^model is Stream; expected a Model", stream))
    assert code
    assert pylstm.Intake(eval(code[1], {"model": stream}), rate=8000).model_rate == 16000
    code = PASS.search(refused(TypeError, "^model is str; expected a Model", "vad"))
    assert code
    assert pylstm.Intake(eval(code[1], {"pylstm": pylstm}), rate=8000).model_rate == 16000
    refused(TypeError, "expected a Model, .* in Hz: pass 16000$", 16000.0)
    for value in (None, True, [], "vad\0"[:0], MODEL.layers):
        refused(TypeError, "; expected a Model, MFCC or LogMel, or a sample rate in Hz", value)


def test_encodings() -> None:
    refused(ValueError, "^encoding is 's16le'; expected .*: pass 'int16'$", MODEL, encoding="s16le")


NAMED_ELSEWHERE = {
    "L16": "int16-be",
    "audio/L16; rate=16000": "int16-be",
    "L24": "int24-be",
    "L8": "uint8",
    "S16_LE": "int16",
    "S24_3LE": "int24",
    "S24_3BE": "int24-be",
    "s24le": "int24",
    "FLOAT_LE": "float32",
    "FLOAT64_BE": "float64-be",
    "MU_LAW": "mulaw",
    "g711_alaw": "alaw",
    "PCMU": "mulaw",
    "LINEAR16": "int16",
    "pcm16": "int16",
    "PCM_24": "int24",
    ">f4": "float32-be",
}


@pytest.mark.parametrize("name", sorted(NAMED_ELSEWHERE))
def test_names_of_other_programs(name: str) -> None:
    code = PASS.search(refused(ValueError, "^encoding is .*: pass '", MODEL, encoding=name))
    assert code
    intake = pylstm.Intake(MODEL, rate=16000, encoding=eval(code[1]))
    assert intake.encoding == NAMED_ELSEWHERE[name]


@pytest.mark.parametrize("name", ["S24_LE", "s24-32le", "S20_3LE", "opus", "L20", ""])
def test_what_no_encoding_is_gets_no_name(name: str) -> None:
    """ALSA's S24_LE has four bytes a sample."""
    assert ": pass" not in refused(ValueError, "^encoding is ", MODEL, encoding=name)


def test_the_command_of_ffmpeg_is_the_encoding() -> None:
    """What the message about a file says to let ffmpeg write."""
    with pytest.raises(ValueError, match="ffmpeg: -f s16le") as error:
        pylstm.Intake(MODEL, rate=16000, encoding="int16").push(wav_bytes())
    assert str(error.value).isascii()
    assert sys.byteorder in ("little", "big")
    assert len(pylstm.Intake(MODEL, rate=16000, encoding="int16").push(wav_bytes()[44:])) == 1200
