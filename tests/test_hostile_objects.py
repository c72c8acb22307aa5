"""Objects that say one thing and export another: only the exported buffer counts."""

from __future__ import annotations

import array
import ctypes
from typing import Any

import numpy as np
import pytest
from conftest import audio, small_model

import pylstm

MODEL = small_model()
FRAMES_MODEL = pylstm.Model(None, [pylstm.LSTM(4, 6, num_layers=2, seed=0)])
GOOD = audio(0.4)
FRAMES = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)


def ctypes_copy(values: np.ndarray) -> Any:
    """A ctypes array: its buffer has no strides, even for those who ask."""
    kind: Any = ctypes.c_int16 if values.dtype == np.int16 else ctypes.c_float
    for length in reversed(values.shape):
        kind = kind * length
    return kind.from_buffer_copy(np.ascontiguousarray(values))


def test_ctypes_arrays_are_arrays() -> None:
    pcm = (GOOD * 1000).astype(np.int16)
    for values in (GOOD, pcm):
        rows = MODEL.stream().push(ctypes_copy(values))
        np.testing.assert_array_equal(rows, MODEL.stream().push(values))
        np.testing.assert_array_equal(
            MODEL.streams(2).push({1: ctypes_copy(values)})[1], MODEL.stream().push(values)
        )
        np.testing.assert_array_equal(MODEL.run(ctypes_copy(values)), MODEL.run(values))
    expected, gates = FRAMES_MODEL.stream().trace(FRAMES)
    rows, other = FRAMES_MODEL.stream().trace(ctypes_copy(FRAMES))
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(other, gates)
    pooled = FRAMES_MODEL.streams(1).push_frames({0: ctypes_copy(FRAMES)})
    np.testing.assert_array_equal(pooled[0], expected)


def test_ctypes_arrays_are_refused_like_arrays() -> None:
    bad = GOOD.copy()
    bad[7] = np.nan
    with pytest.raises(ValueError, match=r"pcm\[7\] is nan"):
        MODEL.stream().push(ctypes_copy(bad))
    bad_frames = FRAMES.copy()
    bad_frames[3, 2] = np.inf
    with pytest.raises(ValueError, match=r"frames\[3, 2\] is inf"):
        FRAMES_MODEL.stream().push_frames(ctypes_copy(bad_frames))
    shared = ctypes_copy(np.zeros(800, np.float32))
    view = np.frombuffer(shared, np.float32)
    with pytest.raises(ValueError, match="out overlaps pcm"):
        MODEL.stream().push(shared, out=view[30:60].reshape(10, 3))
    with pytest.raises(TypeError, match="pcm is c_double_Array_4"):
        MODEL.stream().push((ctypes.c_double * 4)())


def test_other_exporters() -> None:
    expected = MODEL.stream().push(GOOD)
    for pcm in (array.array("f", GOOD), memoryview(GOOD), memoryview(GOOD)[::1]):
        np.testing.assert_array_equal(MODEL.stream().push(pcm), expected)


class Shrunk(np.ndarray):
    """Says that it is nearly empty."""

    def __len__(self) -> int:
        return 1


def test_a_length_that_lies_does_not_size_the_trace() -> None:
    expected, gates = FRAMES_MODEL.stream().trace(FRAMES)
    for frames in (FRAMES.view(Shrunk), np.asfortranarray(FRAMES).view(Shrunk)):
        rows, other = FRAMES_MODEL.stream().trace(frames)
        np.testing.assert_array_equal(rows, expected)
        np.testing.assert_array_equal(other, gates)
