"""An exported ONNX file run chunk by chunk in ONNX Runtime, to compare with its model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx_runtime import RuntimeSession
from pylstm.model import Model

__all__ = ["OnnxStream", "difference_from_onnx"]

Array = NDArray[np.float32]

_DTYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64}

# A frame, none, a few and many: a call may have any number.
_CUTS = (1, 0, 2, 7, 40, 1, 49)


class OnnxStream:
    """What `Stream` is to a model, to its file: the memories go from call to call.

    Parameters
    ----------
    path : Path
        A file of `to_onnx`.

    Raises
    ------
    ImportError
        onnxruntime is not installed.
    ValueError
        ONNX Runtime does not take the file.
    """

    def __init__(self, path: Path) -> None:
        self._runtime = RuntimeSession(os.fspath(path))
        self.session = self._runtime.session
        self.metadata: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        shapes = json.loads(self.metadata["states"])
        self._frames, *states = self.session.get_inputs()
        self.states = {one.name: np.zeros(shapes[one.name], _DTYPES[one.type]) for one in states}
        self.outputs = [one.name for one in self.session.get_outputs()]

    def push(self, frames: Array) -> Array:
        """The rows (n, n_outputs), float32, for the next frames (T, n_features), float32."""
        given = {self._frames.name: frames, **self.states}
        found = dict(zip(self.outputs, self._runtime.run(self.outputs, given), strict=True))
        self.states = {name: found[f"{name}.next"] for name in self.states}
        rows: Array = found["rows"]
        return rows


def difference_from_onnx(model: Model, path: Path) -> float:
    """The largest distance of a row of the file from the model's, over 100 random frames in cuts.

    Raises
    ------
    ImportError
        onnxruntime is not installed.
    ValueError
        A cut gives other rows in number or width, or ONNX Runtime does not run the file.
    """
    theirs, ours, largest = OnnxStream(path), model.stream(), 0.0
    rng = np.random.default_rng(0)
    for count in _CUTS:
        frames = rng.standard_normal((count, model.n_features)).astype(np.float32)
        rows, expected = theirs.push(frames), ours.push_frames(frames)
        if rows.shape != expected.shape:
            raise ValueError(
                f"the file gives rows of shape {rows.shape}; expected {expected.shape}"
            )
        largest = max(largest, float(np.abs(rows - expected).max(initial=0)))
    return largest
