"""An ONNX file run chunk by chunk, its memories handed from call to call, as a user does it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert import to_onnx

Array = NDArray[np.float32]

DTYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64}


def need_onnx() -> Any:
    """onnxruntime, where it and the onnx package are installed."""
    pytest.importorskip("onnx", reason="it writes the files: pip install onnx")
    return pytest.importorskip("onnxruntime", reason="it is the oracle: pip install onnxruntime")


class OnnxStream:
    """What `Stream` is to a model, to its file."""

    def __init__(self, path: Path) -> None:
        runtime = need_onnx()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.metadata = self.session.get_modelmeta().custom_metadata_map
        shapes = json.loads(self.metadata["states"])
        frames, *states = self.session.get_inputs()
        assert frames.name == "features"
        self.states = {one.name: np.zeros(shapes[one.name], DTYPES[one.type]) for one in states}
        self.outputs = [one.name for one in self.session.get_outputs()]

    def push(self, frames: Array) -> Array:
        """The rows for the next frames."""
        given = {"features": frames, **self.states}
        found = dict(zip(self.outputs, self.session.run(None, given), strict=True))
        self.states = {name: found[f"{name}.next"] for name in self.states}
        return found["rows"]


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
