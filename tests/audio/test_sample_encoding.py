"""Every encoding of samples, as libsndfile and the standard decode it, and every name of one."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
import soundfile

from pylstm.audio.companding import ALAW, MULAW
from pylstm.audio.sample_encoding import NAMES, SampleEncoding

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
SIZES = {"int16": 2, "int24": 3, "int32": 4, "uint8": 1, "float32": 4, "float64": 8}
WITH_ORDER = ("int16", "int24", "int32", "float32", "float64")

# Of codes 0 to 127; those from 128 on are the same with the other sign. From the decoder tables 2a
# and 1a of ITU-T G.711, times 4 and times 16 (A-law: 13 bits and a sign in 16).
MULAW_SEGMENTS = (
    (-32124, 1024),
    (-15996, 512),
    (-7932, 256),
    (-3900, 128),
    (-1884, 64),
    (-876, 32),
    (-372, 16),
    (-120, 8),
)
ALAW_CODES = [-5504, -5248, -6016, -5760, -4480, -4224, -4992, -4736, -7552, -7296, -8064, -7808]
ALAW_CODES += [-6528, -6272, -7040, -6784, -2752, -2624, -3008, -2880, -2240, -2112, -2496, -2368]
ALAW_CODES += [-3776, -3648, -4032, -3904, -3264, -3136, -3520, -3392, -22016, -20992, -24064]
ALAW_CODES += [-23040, -17920, -16896, -19968, -18944, -30208, -29184, -32256, -31232, -26112]
ALAW_CODES += [-25088, -28160, -27136, -11008, -10496, -12032, -11520, -8960, -8448, -9984, -9472]
ALAW_CODES += [-15104, -14592, -16128, -15616, -13056, -12544, -14080, -13568, -344, -328, -376]
ALAW_CODES += [-360, -280, -264, -312, -296, -472, -456, -504, -488, -408, -392, -440, -424, -88]
ALAW_CODES += [-72, -120, -104, -24, -8, -56, -40, -216, -200, -248, -232, -152, -136, -184, -168]
ALAW_CODES += [-1376, -1312, -1504, -1440, -1120, -1056, -1248, -1184, -1888, -1824, -2016, -1952]
ALAW_CODES += [-1632, -1568, -1760, -1696, -688, -656, -752, -720, -560, -528, -624, -592, -944]
ALAW_CODES += [-912, -1008, -976, -816, -784, -880, -848]


def bytes_of(samples: np.ndarray, name: str, big: bool) -> np.ndarray:
    """What libsndfile writes of samples, without a header."""
    file = io.BytesIO()
    endian = "BIG" if big else "LITTLE"
    endian = endian if name in WITH_ORDER else "FILE"
    soundfile.write(file, samples, 8000, SUBTYPES[name], endian, format="RAW")
    return np.frombuffer(file.getvalue(), np.uint8)


def read_by_libsndfile(data: np.ndarray, name: str, big: bool) -> np.ndarray:
    return soundfile.read(
        io.BytesIO(data.tobytes()),
        dtype="float32",
        samplerate=8000,
        channels=1,
        subtype=SUBTYPES[name],
        endian=("BIG" if big else "LITTLE") if name in WITH_ORDER else "FILE",
        format="RAW",
    )[0]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_decoded_as_libsndfile_does(name: str, big: bool) -> None:
    rng = np.random.default_rng(0)
    samples = np.concatenate([rng.uniform(-1, 1, 5000), [0, -1, 0.99999, 1e-9, -1e-7]])
    data = bytes_of(samples, name, big)
    ending = ("-be" if big else "-le") if name in WITH_ORDER else ""
    decoded = SampleEncoding.named(name + ending).decode(data)
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded, read_by_libsndfile(data, name, big))
    # Half a step of the coarsest, µ-law.
    np.testing.assert_allclose(decoded, samples, rtol=0, atol=0.02)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("name", ["int16", "int24", "int32", "uint8", "mulaw", "alaw"])
def test_any_bytes_are_decoded_as_libsndfile_does(name: str, big: bool) -> None:
    size = SIZES.get(name, 1)
    data = np.random.default_rng(1).integers(0, 256, 4096 * size).astype(np.uint8)
    data[:256] = np.arange(256)
    data = data[: len(data) // size * size]
    order = "" if size == 1 else ">" if big else "<"
    decoded = SampleEncoding(name, order).decode(data)
    np.testing.assert_array_equal(decoded, read_by_libsndfile(data, name, big))


@pytest.mark.parametrize("name", ["int16", "int24", "int32", "uint8"])
def test_full_scale(name: str) -> None:
    """The lowest code is -1; the highest is a step below 1, as far as float32 has that step."""
    bits = 8 * SIZES[name]
    ends = np.array([-(2 ** (bits - 1)), 0, 2 ** (bits - 1) - 1])
    if name == "uint8":
        ends += 128
    data = b"".join(int(v).to_bytes(SIZES[name], "little", signed=name != "uint8") for v in ends)
    decoded = SampleEncoding.named(name).decode(np.frombuffer(data, np.uint8))
    expected = np.float32([-1, 0, (2 ** (bits - 1) - 1) / 2 ** (bits - 1)])
    np.testing.assert_array_equal(decoded, expected)


def test_mulaw_is_the_standards() -> None:
    half = [start + step * k for start, step in MULAW_SEGMENTS for k in range(16)]
    np.testing.assert_array_equal(MULAW * 2**15, half + [-value for value in half])


def test_alaw_is_the_standards() -> None:
    assert len(ALAW_CODES) == 128
    expected = ALAW_CODES + [-value for value in ALAW_CODES]
    np.testing.assert_array_equal(ALAW * 2**15, expected)


@pytest.mark.parametrize("name", ["mulaw", "alaw"])
def test_all_codes_as_python_decodes_them(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop", reason="Python below 3.13 runs this")
    codes = np.arange(256, dtype=np.uint8)
    decode = audioop.ulaw2lin if name == "mulaw" else audioop.alaw2lin
    expected = np.frombuffer(decode(codes.tobytes(), 2), np.int16) / 2**15
    np.testing.assert_array_equal(SampleEncoding(name).decode(codes), expected)


@pytest.mark.parametrize("table", [MULAW, ALAW])
def test_tables_cannot_be_changed(table: np.ndarray) -> None:
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert str(SampleEncoding.named(name)) == name
    for ending, order in (("-le", "<"), ("-be", ">")):
        if name in WITH_ORDER:
            assert SampleEncoding.named(name + ending) == SampleEncoding(name, order)
            assert str(SampleEncoding.named(name + ending)) == name + ending
        else:
            with pytest.raises(ValueError, match="expected 'int16', "):
                SampleEncoding.named(name + ending)


# Names that other programs have, and ours.
OTHERS = {
    "s16le": "int16",
    "s16be": "int16-be",
    "pcm_s16le": "int16",
    "pcm_s24be": "int24-be",
    "s24le": "int24",
    "s32le": "int32",
    "f32le": "float32",
    "f32be": "float32-be",
    "pcm_f64le": "float64",
    "u8": "uint8",
    "pcm_u8": "uint8",
    "pcm_mulaw": "mulaw",
    "pcm_alaw": "alaw",
    "ulaw": "mulaw",
    "mu-law": "mulaw",
    "µ-law": "mulaw",
    "u-law": "mulaw",
    "MULAW": "mulaw",
    "a-law": "alaw",
    "PCMU": "mulaw",
    "PCMA": "alaw",
    "PCM_16": "int16",
    "PCM_24": "int24",
    "PCM_32": "int32",
    "PCM_U8": "uint8",
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "ULAW": "mulaw",
    "ALAW": "alaw",
    "<i2": "int16",
    ">i2": "int16-be",
    "i4": "int32",
    "<f4": "float32",
    ">f8": "float64-be",
    "Int16": "int16",
    "int16le": "int16",
    "int16_be": "int16-be",
    "int16 be": "int16-be",
    "float": "float32",
    "double": "float64",
    "float32le": "float32",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_names_are_refused_with_ours(name: str) -> None:
    with pytest.raises(ValueError, match=r"^encoding is .*; expected ") as error:
        SampleEncoding.named(name)
    assert str(error.value).endswith(f": pass {OTHERS[name]!r}")
    SampleEncoding.named(OTHERS[name])


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        (np.int16, "int16"),
        (b"int16", "int16"),
        (np.dtype(">i4"), "int32-be"),
        (np.float32, "float32"),
        (float, "float64"),
        (np.uint8, "uint8"),
    ],
)
def test_types_are_refused_with_a_name(value: object, ours: str) -> None:
    with pytest.raises(TypeError, match=r"^encoding is .*; expected ") as error:
        SampleEncoding.named(value)
    assert str(error.value).endswith(f": pass {ours!r}")


@pytest.mark.parametrize("name", ["", "opus", "int8", "uint16", "int64", "float16", "s8", "int20"])
def test_what_there_is_not_is_refused_without_a_guess(name: str) -> None:
    with pytest.raises(ValueError, match="expected 'int16', ") as error:
        SampleEncoding.named(name)
    assert "pass" not in str(error.value)


@pytest.mark.parametrize("value", [16, np.int8, complex, ["int16"], object()])
def test_what_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="expected 'int16', ") as error:
        SampleEncoding.named(value)
    assert "pass" not in str(error.value)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["i2", "i4", "f4", "f8", "u1"])
def test_arrays_say_their_encoding(kind: str, order: str) -> None:
    dtype = np.dtype(order + kind)
    encoding = SampleEncoding.of_dtype(dtype)
    assert encoding is not None
    values = np.arange(5).astype(dtype)
    expected = values.astype(np.float64)
    if kind == "u1":
        expected = (expected - 128) / 128
    elif kind[0] == "i":
        expected /= 2.0 ** (8 * dtype.itemsize - 1)
    np.testing.assert_array_equal(
        encoding.decode(values.view(np.uint8)), expected.astype(np.float32)
    )


@pytest.mark.parametrize(
    "dtype", ["i1", "u2", "u4", "i8", "u8", "f2", "g", "c8", "?", "O", "V3", "S1", "M8[s]", "i2,i2"]
)
def test_other_arrays_have_none(dtype: str) -> None:
    assert SampleEncoding.of_dtype(np.dtype(dtype)) is None
