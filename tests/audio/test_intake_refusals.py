"""What an intake refuses, and that following the message to the letter works."""

from __future__ import annotations

import array
import ctypes
import re

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from tests.audio.followed_messages import followed
from tests.audio.intake_audio import STEREO, Y16, Y, wav_bytes
from tests.small_models import small_model

MODEL = small_model()
Y24 = np.round(Y * 2.0**23).astype(np.int32)
Y32 = np.round(Y * 2.0**31).astype(np.int64)


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
