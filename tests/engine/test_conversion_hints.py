"""Who follows an error about the type of audio to the letter gets the right samples heard."""

from __future__ import annotations

import array
import ctypes
import io
import mmap
import re
import sys
from collections import deque

import numpy
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import _engine
from tests.small_models import small_model

MODEL = small_model()
Y = (0.3 * np.random.default_rng(0).uniform(-1, 1, 1200)).astype(np.float32)
Y16 = np.round(Y * 32768).astype(np.int16)
Y24 = np.round(Y * 2.0**23).astype(np.int32)
Y32 = np.round(Y * 2.0**31).astype(np.int64)
STEREO16 = np.stack([Y16, Y16[::-1]], axis=1)


def packed(values: np.ndarray) -> bytes:
    """24-bit samples in three bytes each."""
    return values.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def mapped(data: bytes) -> mmap.mmap:
    memory = mmap.mmap(-1, len(data))
    memory.write(data)
    return memory


def fields(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    pairs = np.empty(len(left), [("left", left.dtype), ("right", right.dtype)])
    pairs["left"], pairs["right"] = left, right
    return pairs


def ragged(*chunks: np.ndarray) -> np.ndarray:
    found = np.empty(len(chunks), object)
    found[:] = chunks
    return found


def wav_bytes() -> bytes:
    soundfile = pytest.importorskip("soundfile", reason='pip install "pylstm[cli]" runs this')
    file = io.BytesIO()
    soundfile.write(file, Y16, 16000, format="WAV")
    return file.getvalue()


# What comes, as a function that makes it.
INPUTS = {
    "int8": lambda: np.round(Y * 128).astype(np.int8),
    "uint8": lambda: np.round(Y * 128 + 128).astype(np.uint8),
    "uint16": lambda: np.round(Y * 32768.0 + 32768).astype(np.uint16),
    "int32": lambda: Y32.astype(np.int32),
    "uint32": lambda: (Y32 + 2**31).astype(np.uint32),
    "int64 of 16 bits": lambda: Y16.astype(np.int64),
    "int64 of 32 bits": lambda: Y32,
    "int64": lambda: Y32 * 2**32,
    "uint64": lambda: (Y32 * 2**32).view(np.uint64) + np.uint64(2**63),
    "int32 of a device, 24 bits": lambda: Y24 << 8,
    "float64": lambda: Y.astype(np.float64),
    "longdouble": lambda: Y.astype(np.longdouble),
    "float16": lambda: Y.astype(np.float16),
    "complex64": lambda: Y.astype(np.complex64),
    "complex128": lambda: Y.astype(np.complex128),
    "object of floats": lambda: Y.astype(object),
    "object of integers": lambda: Y16.astype(object),
    "object of chunks": lambda: ragged(Y[:100], Y[100:]),
    "object of chunks of int16": lambda: ragged(Y16[:100], Y16[100:]),
    "big-endian float32": lambda: Y.astype(">f4"),
    "big-endian float64": lambda: Y.astype(">f8"),
    "big-endian int16": lambda: Y16.astype(">i2"),
    "big-endian int32": lambda: Y32.astype(">i4"),
    "little-endian float32": lambda: Y.astype("<f4"),
    "little-endian int16": lambda: Y16.astype("<i2"),
    "bytes": Y16.astype("<i2").tobytes,
    "bytearray": lambda: bytearray(Y16.astype("<i2").tobytes()),
    "memoryview": lambda: memoryview(Y16.astype("<i2").tobytes()),
    "memoryview with gaps": lambda: memoryview(np.repeat(Y16.astype("<i2").view(np.uint8), 2))[::2],
    "memory map": lambda: mapped(Y16.astype("<i2").tobytes()),
    "ctypes bytes": lambda: (ctypes.c_ubyte * 2400)(*Y16.astype("<i2").tobytes()),
    "ctypes chars": lambda: (ctypes.c_char * 2400)(*Y16.astype("<i2").tobytes()),
    "odd bytes": lambda: Y16.astype("<i2").tobytes() + b"\7",
    "24-bit bytes": lambda: packed(Y24[:1199]),
    "24-bit rows": lambda: np.frombuffer(packed(Y24), np.uint8).reshape(-1, 3),
    "24-bit rows, transposed": lambda: np.asfortranarray(
        np.frombuffer(packed(Y24), np.uint8).reshape(-1, 3)
    ),
    "24-bit rows with gaps": lambda: np.repeat(
        np.frombuffer(packed(Y24), np.uint8).reshape(-1, 3), 2, axis=0
    )[::2],
    "24-bit voids": lambda: np.frombuffer(packed(Y24), "V3"),
    "bytes of a WAV file": wav_bytes,
    "list of chunks of bytes": lambda: [Y16[:500].tobytes(), Y16[500:].tobytes()],
    "list of floats": Y.tolist,
    "list of integers": Y16.tolist,
    "list of 32-bit integers": Y32.tolist,
    "tuple": lambda: tuple(Y.tolist()),
    "deque": lambda: deque(Y.tolist()),
    "list of float32": lambda: list(Y),
    "list of arrays": lambda: [Y[:7], Y[7:]],
    "list of arrays of int32": lambda: [Y32[:7].astype(np.int32), Y32[7:].astype(np.int32)],
    "samples and rate": lambda: (Y, 16000),
    "rate and samples": lambda: (16000, Y16),
    "array of doubles": lambda: array.array("d", Y),
    "array of 32 bits": lambda: array.array("i", Y32),
    "array of signed bytes": lambda: array.array("b", np.round(Y * 128).astype(np.int8).tobytes()),
    "memoryview of int8": lambda: np.round(Y * 128).astype(np.int8).data,
    "array of bytes": lambda: array.array("B", Y16.astype("<i2").tobytes()),
    "ctypes doubles": lambda: (ctypes.c_double * 1200)(*Y),
    "structured int16": lambda: fields(Y16, Y16[::-1]),
    "structured int32": lambda: fields(Y32.astype(np.int32), Y16),
    "float32 columns": lambda: np.stack([Y, Y[::-1]], axis=1),
    "float32 rows": lambda: np.stack([Y, Y[::-1]]),
    "float32 one row": lambda: Y[None],
    "float32 one column": lambda: Y[:, None],
    "float32 in three axes": lambda: Y[None, None],
    "float32 batch of channels": lambda: np.stack([Y, Y, Y])[None],
    "matrix": lambda: np.asmatrix(Y),
    "int16 columns": lambda: STEREO16,
    "int16 rows": lambda: STEREO16.T,
    "int32 columns": lambda: np.stack([Y32, -Y32], axis=1).astype(np.int32),
    "int32 one row": lambda: Y32[None].astype(np.int32),
    "float64 columns": lambda: np.stack([Y, -Y], axis=1).astype(np.float64),
    "list of rows": lambda: [Y.tolist(), Y.tolist()],
    "masked float32": lambda: np.ma.masked_array(Y, np.zeros(1200, bool)),
    "masked int32": lambda: np.ma.masked_array(Y32.astype(np.int32), np.zeros(1200, bool)),
    "masked columns": lambda: np.ma.masked_array(STEREO16),
    "read-only int32": lambda: np.frombuffer(Y32.astype(np.int32).tobytes(), np.int32),
    "non-contiguous int32": lambda: np.repeat(Y32.astype(np.int32), 3)[::3],
    "reversed int32": lambda: Y32[::-1].astype(np.int32)[::-1],
    "record array": lambda: Y.astype(np.float64).view(np.recarray),
    "empty float64": lambda: np.empty(0),
    "empty list": list,
    "empty columns": lambda: np.empty((0, 2), np.float32),
    "empty bytes": bytes,
    "empty int64": lambda: np.empty(0, np.int64),
}
# Right as they are.
TAKEN = {"little-endian float32", "little-endian int16"} if sys.byteorder == "little" else set()
# Nothing makes samples of these; the message says what is expected, and no more.
HOPELESS = {
    "None": None,
    "bool": Y > 0,
    "words": np.array(["a", "b"]),
    "times": np.zeros(4, "m8[ms]"),
    "dict": {0: Y},
    "generator": (value for value in Y),
    "function": len,
    "ragged list": [[0.0], [0.0, 1.0]],
    "object of objects": np.array([object(), None]),
}

CODE = re.compile(r": pass (.+?)(?:$|, (?:or|and|whose)\b| for the first| if it is one)")


def code_of(error: Exception) -> str:
    found = CODE.search(str(error))
    assert found, error
    return found[1]


def names() -> dict[str, object]:
    soundfile = sys.modules.get("soundfile")
    return {"numpy": numpy, "io": io, "soundfile": soundfile}


def followed(value: object, take, name: str = "pcm") -> tuple[object, int]:
    """What is taken in the end, and how many errors were followed until then."""
    for steps in range(4):
        try:
            take(value)
        except (TypeError, ValueError) as error:
            value = eval(code_of(error), names(), {name: value})
        else:
            return value, steps
    raise AssertionError(f"four hints were not enough, the last gave {value!r}")


def as_floats(samples: np.ndarray) -> np.ndarray:
    return samples / 32768 if samples.dtype == np.int16 else samples


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", INPUTS)
def test_following_the_error_gives_the_samples(name: str) -> None:
    value = INPUTS[name]()
    taken, steps = followed(value, MODEL.stream().push)
    assert steps == (0 if name in TAKEN else 1)
    samples = as_floats(np.asarray(taken))
    expected = {"24-bit bytes": Y[:1199]}.get(name, Y)
    if name.startswith("empty"):
        expected = Y[:0]
    assert samples.shape == expected.shape
    # Half a step of the coarsest type, and of float16.
    eight = ("int8", "uint8", "array of signed bytes", "memoryview of int8")
    coarse = dict.fromkeys(eight, 0.5 / 128) | {"float16": 1e-3}
    np.testing.assert_allclose(samples, expected, rtol=0, atol=coarse.get(name, 0.51 / 32768))


@pytest.mark.parametrize(
    "take",
    [
        lambda value: MODEL.run(value),
        lambda value: MODEL.streams(2).push({1: value}),
    ],
    ids=["run", "pool"],
)
@pytest.mark.parametrize("name", ["int32", "bytes", "float32 rows", "masked int32"])
def test_everywhere_that_audio_is_taken(name: str, take) -> None:
    taken, _ = followed(INPUTS[name](), take)
    np.testing.assert_allclose(as_floats(taken), Y, rtol=0, atol=0.51 / 32768)


@pytest.mark.parametrize("features", [pylstm.MFCC(), pylstm.LogMel()], ids=repr)
def test_features_name_their_own_argument(features) -> None:
    taken, steps = followed(INPUTS["int32"](), features, "y")
    assert steps == 1
    np.testing.assert_allclose(taken, Y, rtol=0, atol=0.51 / 32768)


@pytest.mark.parametrize("name", HOPELESS)
def test_what_holds_no_samples_gets_no_code(name: str) -> None:
    with pytest.raises(TypeError, match=r"expected a NumPy array of float32 or int16$"):
        MODEL.stream().push(HOPELESS[name])


@pytest.mark.parametrize("kind", ["path", "string"])
def test_the_name_of_a_file_is_read(tmp_path, kind: str) -> None:
    soundfile = pytest.importorskip("soundfile", reason='pip install "pylstm[cli]" runs this')
    path = tmp_path / "a.wav"
    soundfile.write(path, Y16, 16000)
    taken, steps = followed(str(path) if kind == "string" else path, MODEL.stream().push)
    assert steps == 1
    np.testing.assert_allclose(taken, Y, rtol=0, atol=0.51 / 32768)


@pytest.mark.parametrize("shape", [(1200,), (1, 1200), (1200, 1), (2, 1200)])
@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "bfloat16", "int16", "int32", "uint8"]
)
def test_tensors(shape: tuple[int, ...], dtype: str) -> None:
    torch = pytest.importorskip("torch", reason='pip install "pylstm[torch]" runs this')
    values = {"int16": Y16, "int32": Y32, "uint8": np.round(Y * 128 + 128)}.get(dtype, Y)
    tensor = torch.tensor(values, dtype=getattr(torch, dtype))
    if tensor.is_floating_point():
        tensor.requires_grad_()
    taken, steps = followed(
        tensor.expand(2, -1) if shape[0] == 2 else tensor.reshape(shape), MODEL.stream().push
    )
    assert steps == 1
    coarse = {"uint8": 0.5 / 128, "float16": 1e-3, "bfloat16": 4e-3}.get(dtype, 0.51 / 32768)
    np.testing.assert_allclose(as_floats(taken), Y, rtol=0, atol=coarse)


def test_a_mix_keeps_its_scale() -> None:
    for columns in (STEREO16, STEREO16.T, np.stack([Y, -Y[::-1], Y])):
        with pytest.raises(ValueError, match="or mix them: ") as error:
            MODEL.stream().push(columns)
        mixed = eval(str(error.value).partition("or mix them: ")[2], names(), {"pcm": columns})
        MODEL.stream().push(mixed)
        axis = int(columns.shape[0] > columns.shape[1])
        np.testing.assert_allclose(mixed, as_floats(columns).mean(axis), rtol=0, atol=1e-6)


FRAMES = {
    "float64": np.ones((3, 4)),
    "int16": np.ones((3, 4), np.int16),
    "big-endian": np.ones((3, 4), ">f4"),
    "list": [[1.0] * 4] * 3,
    "masked": np.ma.masked_array(np.ones((3, 4))),
    "transposed": np.ones((4, 3), np.float32),
    "transposed float64": np.ones((4, 3)),
    "one frame": np.ones(4, np.float32),
    "one of a batch": np.ones((1, 3, 4), np.float32),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames(name: str) -> None:
    model = pylstm.Model(None, [pylstm.LSTM(4, 6, seed=0)])
    for take in (
        model.stream().push_frames,
        model.stream().trace,
        lambda frames: model.streams(2).push_frames({0: frames}),
    ):
        taken, _ = followed(FRAMES[name], take, "frames")
        assert np.asarray(taken).shape == ((1, 4) if name == "one frame" else (3, 4))


def test_frames_of_what_holds_none() -> None:
    model = pylstm.Model(None, [pylstm.LSTM(4, 6, seed=0)])
    for value in (b"0000", "a.npy", None, np.ones((3, 4), bool), np.ones((3, 4), complex)):
        with pytest.raises(TypeError, match=r"expected a NumPy array of float32$"):
            model.stream().push_frames(value)


def test_a_state() -> None:
    stream = pylstm.Model(None, [pylstm.LSTM(4, 6, seed=0)]).stream()
    h = np.full(6, 0.5)
    with pytest.raises(TypeError, match=r"^h of cell 0 is float64 .*: pass h\.astype") as error:
        stream.state = [(h, h.astype(np.float32))]
    h = eval(code_of(error.value), names(), {"h": h})
    stream.state = [(h, h)]
    assert stream.state[0][0].tolist() == [0.5] * 6


@example(shape=[3, 400], dtype="u1", transposed=True)
@given(
    shape=st.lists(st.sampled_from([0, 1, 2, 3, 400]), min_size=0, max_size=3),
    dtype=st.sampled_from(
        [
            "i1",
            "u1",
            "<i2",
            ">i2",
            "u2",
            "<i4",
            ">i4",
            "u4",
            "i8",
            "u8",
            "f2",
            "<f4",
            ">f4",
            "f8",
            "c8",
        ]
    ),
    transposed=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_any_array_of_numbers_becomes_samples(shape, dtype, transposed) -> None:
    rng = np.random.default_rng(len(shape))
    value = rng.integers(0, 100, shape).astype(dtype)
    if np.dtype(dtype).kind in "fc":
        value = (value / 100).astype(dtype)
    value = value.T if transposed else value
    taken, _ = followed(value, MODEL.stream().push)
    assert taken.dtype in (np.float32, np.int16)
    assert np.abs(as_floats(taken)).max(initial=0.0) <= 1.0
    # All of the longest axis is there.
    assert len(taken) == (0 if value.size == 0 else max(value.shape, default=1))


class Hostile:
    """Raises where somebody looks for samples in it."""

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("no")


def test_an_object_that_raises_gets_the_plain_error() -> None:
    with pytest.raises(TypeError, match=r"^pcm is Hostile; expected a NumPy array"):
        _engine.run(MODEL._core, Hostile())


def test_an_array_for_the_rows() -> None:
    stream = MODEL.stream()
    masked = np.ma.masked_array(np.empty((40, 3), np.float32))
    with pytest.raises(TypeError, match=r"out is a masked array") as error:
        stream.push(Y, out=masked)
    out = eval(code_of(error.value), {}, {"out": masked})
    rows = stream.push(Y, out=out)
    assert np.shares_memory(rows, masked.data)


@pytest.mark.parametrize(
    "dtype", ["float64", "float16", ">f4", "int8", "int64", "bool", "complex64"]
)
def test_weights_are_never_told_to_lose_their_scale(dtype: str) -> None:
    weight = np.arange(8).reshape(2, 4).astype(dtype)
    bias = np.zeros(2, np.float32)
    with pytest.raises(TypeError, match=r"'weight' of Dense is .*; expected float32") as error:
        pylstm.Dense(4, 2, weights={"weight": weight, "bias": bias})
    method = str(error.value).partition(", convert it with ")[2]
    assert bool(method) == (dtype not in ("int8", "bool", "complex64"))
    if method:
        weight = eval(f"weight{method}", {"np": np}, {"weight": weight})
        pylstm.Dense(4, 2, weights={"weight": weight, "bias": bias})
