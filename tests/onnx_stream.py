"""A model's ONNX file beside its stream, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert import to_onnx
from pylstm.convert.onnx_export.onnx_stream import OnnxStream

Array = NDArray[np.float32]


def need_onnx() -> Any:
    """onnxruntime, where it and the onnx package are installed."""
    pytest.importorskip("onnx", reason="it writes the files: pip install onnx")
    return pytest.importorskip("onnxruntime", reason="it is the oracle: pip install onnxruntime")


def exported(model: pylstm.Model, folder: Path) -> OnnxStream:
    """The model's file, checked by the onnx package."""
    need_onnx()
    import onnx

    path = folder / "model.onnx"
    to_onnx(model, path)
    onnx.checker.check_model(path, full_check=True)
    return OnnxStream(path)


def assert_same_rows(model: pylstm.Model, folder: Path, cuts: Sequence[int], seed: int = 0) -> None:
    """Each chunk has as many rows as the stream's, within 1e-5 of these (of the largest value,
    where that is above 1)."""
    theirs, ours = exported(model, folder), model.stream()
    rng = np.random.default_rng(seed)
    for count in cuts:
        frames = rng.standard_normal((count, model.n_features)).astype(np.float32)
        expected = ours.push_frames(frames)
        largest = max(1, np.abs(expected).max(initial=0))
        np.testing.assert_allclose(theirs.push(frames), expected, rtol=0, atol=1e-5 * largest)
