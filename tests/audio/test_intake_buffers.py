"""What an intake takes as bytes and what as an array, in any layout of memory."""

from __future__ import annotations

import array
import mmap

import numpy as np
import pytest

import pylstm
from tests.audio.intake_audio import noise
from tests.small_models import small_model

MODEL = small_model()
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
