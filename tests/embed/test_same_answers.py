"""The library for C and the package for Python say the same of a model."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator

import numpy as np
import pytest

import pylstm
from tests.core_builds import installed_core
from tests.detector_notes import corpus
from tests.layer_part_cases import FRAMES, MODELS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="for ELF alone: Linux runs this"),
]


class Why(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 400)]


class LayerPart(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("layer", ctypes.c_int),
        ("cell", ctypes.c_int),
        ("offset", ctypes.c_size_t),
        ("size", ctypes.c_size_t),
    ]


OK = 0


@pytest.fixture(scope="module")
def core() -> ctypes.CDLL:
    library = ctypes.CDLL(str(installed_core() / "lib" / "libpylstm.so"))
    library.pylstm_model_state_width.restype = ctypes.c_int64
    library.pylstm_model_trace_width.restype = ctypes.c_int64
    return library


class CModel:
    """A model made by the library."""

    def __init__(self, core: ctypes.CDLL, model: pylstm.Model) -> None:
        self.core, self.model = core, ctypes.c_void_p()
        data = model.to_bytes()
        made = core.pylstm_model_create(
            data, ctypes.c_size_t(len(data)), ctypes.byref(self.model), None
        )
        assert made == OK

    def close(self) -> None:
        self.core.pylstm_model_destroy(self.model)

    def detector(self) -> tuple[int, str, tuple[float, int, int]]:
        why, threshold = Why(), ctypes.c_double()
        smoothing, refractory = ctypes.c_int(), ctypes.c_int()
        status = self.core.pylstm_model_detector(
            self.model,
            *map(ctypes.byref, (threshold, smoothing, refractory, why)),
        )
        return status, why.message.decode(), (threshold.value, smoothing.value, refractory.value)

    def parts(self, of: str) -> Iterator[tuple[str, str, int, int, int, int]]:
        part, describe = LayerPart(), getattr(self.core, f"pylstm_model_{of}_part")
        for k in range(getattr(self.core, f"pylstm_model_n_{of}_parts")(self.model)):
            assert describe(self.model, k, ctypes.byref(part)) == OK
            texts = part.kind.decode(), part.name.decode()
            yield (*texts, part.layer, part.cell, part.offset, part.size)


def test_the_same_verdict_on_the_notes_of_a_detector(core: ctypes.CDLL) -> None:
    for model, good in corpus():
        in_c = CModel(core, model)
        status, message, numbers = in_c.detector()
        assert (status == OK) == good, (model.info, message)
        if good:
            *ours, background = model._core.detector_settings()
            assert tuple(ours) == numbers
            assert model.labels is not None
            marked = [
                label
                for k, label in enumerate(model.labels)
                if core.pylstm_model_is_background(in_c.model, k)
            ]
            assert sorted(background) == sorted(marked)
        else:
            with pytest.raises(ValueError) as caught:  # noqa: PT011  the text is compared
                pylstm.Detector.for_model(model)
            assert str(caught.value) == message
            assert message.startswith("[detector] ")
            assert "; expected " in message
        in_c.close()


@pytest.mark.parametrize("name", MODELS)
def test_the_same_parts_and_the_same_bits(core: ctypes.CDLL, name: str) -> None:
    model = pylstm.Model(None, MODELS[name])
    in_c, stream = CModel(core, model), ctypes.c_void_p()
    assert list(in_c.parts("state")) == [tuple(part) for part in model._core.state_parts]
    assert list(in_c.parts("trace")) == [tuple(part) for part in model._core.trace_parts]
    width, n = core.pylstm_model_trace_width(in_c.model), len(FRAMES)
    n_state = core.pylstm_model_state_width(in_c.model)
    out = np.empty((n, model.n_outputs), np.float32)
    trace, state = np.empty((n, width), np.float32), np.empty(n_state, np.float32)
    rows = ctypes.c_size_t()
    assert core.pylstm_stream_create(in_c.model, ctypes.byref(stream)) == OK
    traced = core.pylstm_stream_trace_frames(
        stream, ctypes.c_void_p(FRAMES.ctypes.data), ctypes.c_size_t(n),
        ctypes.c_ssize_t(FRAMES.strides[0]), ctypes.c_void_p(out.ctypes.data), ctypes.c_size_t(n),
        ctypes.byref(rows), ctypes.c_void_p(trace.ctypes.data),
    )  # fmt: skip
    assert (traced, rows.value) == (OK, n)
    address = ctypes.c_void_p(state.ctypes.data)
    assert core.pylstm_stream_get_state(stream, address, ctypes.c_size_t(n_state)) == OK
    ours = model.stream()
    expected_rows, expected_trace = ours.trace(FRAMES)
    np.testing.assert_array_equal(out, expected_rows)
    flat = [
        part
        for cell in expected_trace
        for part in (cell if type(cell) is tuple else cell.swapaxes(0, 1))
    ]
    np.testing.assert_array_equal(trace, np.concatenate([np.empty((n, 0)), *flat], axis=1))
    memories = [memory for cell in ours.state for memory in cell]
    np.testing.assert_array_equal(state, np.concatenate([np.empty(0), *memories]))
    core.pylstm_stream_destroy(stream)
    in_c.close()
