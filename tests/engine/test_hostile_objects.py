"""Objects that say one thing and export another: only the exported buffer counts."""

from __future__ import annotations

import array
import ctypes
from typing import Any

import numpy as np
import pytest

import pylstm
from tests.signals import audio
from tests.small_models import small_model

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


@pytest.mark.law_nothing_poisons
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


class Vain(np.ndarray):
    """Cannot be sliced or measured."""

    def __len__(self) -> int:
        raise RuntimeError("len")

    def __getitem__(self, key: object) -> Any:
        raise RuntimeError("getitem")


def outs(rows: int) -> dict[str, Any]:
    plain = np.zeros((rows, 3), np.float32)
    return {
        "ndarray": plain,
        "subclass": plain.copy().view(Vain),
        "ctypes": ctypes_copy(plain),
        "memoryview": memoryview(plain.copy()),
    }


@pytest.mark.parametrize("rows", [39, 50])
@pytest.mark.parametrize("kind", outs(0))
def test_whatever_out_is_the_push_either_raises_or_returns(kind: str, rows: int) -> None:
    """39 rows fill it; of 50 the first are returned."""
    whole, tail = MODEL.run(GOOD)[:39], MODEL.run(GOOD)[39:]
    stream, out = MODEL.stream(), outs(rows)[kind]
    result = stream.push(GOOD, out=out)
    assert (result is out) == (rows == 39)
    np.testing.assert_array_equal(np.frombuffer(result, np.float32).reshape(-1, 3), whole)
    np.testing.assert_array_equal(np.frombuffer(out, np.float32)[: whole.size], whole.ravel())
    flushed = stream.flush(out=outs(rows)[kind])
    np.testing.assert_array_equal(flushed, tail)
    out = outs(rows)[kind]
    result = MODEL.streams(1).push({0: GOOD}, out={0: out})[0]
    assert (result is out) == (rows == 39)
    np.testing.assert_array_equal(np.frombuffer(result, np.float32).reshape(-1, 3), whole)


class Disguised:
    """An array to some, something else to others."""

    dtype, shape = np.dtype(np.float32), (6,)

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.array


MEMORY = np.zeros(6, np.float32)
STATES = {
    "a small array in disguise": ([(MEMORY, MEMORY), (MEMORY, Disguised(MEMORY[:1]))], TypeError,
                                  "c of cell 1 is float32"),
    "other values in disguise": ([(Disguised(MEMORY.astype(complex)), MEMORY)] * 2, TypeError,
                                 "h of cell 0 is float32"),
    "None": (None, TypeError, "state is NoneType; expected a list of tuples"),
    "None as pair": ([(MEMORY, MEMORY), None], TypeError, r"state of cell 1 is NoneType; expected"),
    "None as memory": ([(MEMORY, MEMORY), (MEMORY, None)], TypeError, "c of cell 1 is NoneType"),
    "one": ([(MEMORY,), (MEMORY, MEMORY)], ValueError, "state of cell 0 has 1 item; expected a p"),
    "three": ([(MEMORY, MEMORY), (MEMORY,) * 3], ValueError, "state of cell 1 has 3 items"),
    "numbers": ([1, 2], TypeError, "state of cell 0 is int; expected a pair"),
    "a number": (3, TypeError, "state is int; expected a list"),
    "2-D": ([(MEMORY[None], MEMORY)] * 2, ValueError, r"h of cell 0 .* expected shape \(6,\)"),
    "masked": ([(np.ma.array(MEMORY), MEMORY)] * 2, TypeError, "h of cell 0 is a masked array"),
}  # fmt: skip


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("name", STATES)
def test_state_trusts_nothing_but_buffers(name: str) -> None:
    value, error, message = STATES[name]
    stream = FRAMES_MODEL.stream()
    stream.push_frames(FRAMES)
    before = stream.snapshot()
    with pytest.raises(error, match=message):
        stream.state = value
    assert stream.snapshot() == before


@pytest.mark.law_state_is_a_value
def test_state_takes_what_holds_float32() -> None:
    stream, other = FRAMES_MODEL.stream(), FRAMES_MODEL.stream()
    stream.push_frames(FRAMES)
    other.state = (pair for pair in stream.state)  # type: ignore[assignment]
    assert [h.tobytes() + c.tobytes() for h, c in other.state] == [
        h.tobytes() + c.tobytes() for h, c in stream.state
    ]
    other.reset()
    other.state = [
        (ctypes_copy(h), (part for part in [np.repeat(c, 2)[::2]]).__next__())
        for h, c in stream.state
    ]
    np.testing.assert_array_equal(other.push_frames(FRAMES), stream.push_frames(FRAMES))
    with pytest.raises(AttributeError, match="state cannot be deleted"):
        del stream.state


def masked(*shape: int) -> Any:
    return np.ma.masked_invalid(np.zeros(shape, np.float32))


def test_masked_arrays_are_refused_by_name() -> None:
    """A mask would be ignored: the hidden values would be heard."""
    frames = FRAMES_MODEL.stream()
    mfcc = pylstm.MFCC()
    for name, call in {
        "pcm": lambda: MODEL.stream().push(masked(800)),
        "slot 0: pcm": lambda: MODEL.streams(1).push({0: masked(800)}),
        "frames": lambda: frames.push_frames(masked(2, 4)),
        "out": lambda: frames.push_frames(FRAMES, out=masked(9, 6)),
        "mean": lambda: pylstm.MFCC(mean=masked(13), std=np.ones(13)),
        "'weight' of Dense": lambda: pylstm.Dense(
            4, 2, weights={"weight": masked(2, 4), "bias": np.zeros(2, np.float32)}
        ),
    }.items():
        with pytest.raises(TypeError, match=rf"^{name}.*is a masked array; expected a plain one"):
            call()
    with pytest.raises(TypeError, match="y is a masked array"):
        mfcc(masked(800))
    assert frames.position == 0


def test_bytes_are_contiguous_buffers() -> None:
    data, stream = MODEL.to_bytes(), MODEL.stream()
    spread = np.repeat(np.frombuffer(data, np.uint8), 2)[::2]
    with pytest.raises(TypeError, match=r"data is uint8 .*expected bytes"):
        pylstm.Model.from_bytes(spread)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data is str; expected bytes"):
        pylstm.Model.from_bytes("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"snapshot is uint8 .*expected bytes"):
        stream.restore(np.repeat(np.frombuffer(stream.snapshot(), np.uint8), 2)[::2])
    for kind in (bytearray, memoryview, np.array):
        assert pylstm.Model.from_bytes(kind(data)).to_bytes() == data  # type: ignore[arg-type]
        stream.restore(kind(stream.snapshot()))  # type: ignore[arg-type]
