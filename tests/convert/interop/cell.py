"""A cell of the table: how far a conversion is from its source."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import pylstm
from pylstm.convert import to_torch
from tests.convert.conversions import in_random_cuts, noise
from tests.convert.interop.row import Row
from tests.convert.interop.sources import Array, Source

__all__ = ["SIZES", "difference", "has_cell"]

SIZES = (1, 5, 18)
"""Of a row: one value, fewer than a vector register holds, and more."""

N_FRAMES = 40


def has_cell(row: Row, framework: str) -> bool:
    """Whether there is anything to convert."""
    return getattr(row, "ours" if framework.startswith("to_") else framework) is not None


def difference(row: Row, framework: str, size: int) -> float:
    """The largest distance of a value from the source's, over random frames.

    Raises
    ------
    ValueError
        The conversion is refused.
    """
    if framework == "to_onnx":
        return _from_onnx_runtime(row.ours(size))  # type: ignore[misc]
    if framework == "to_torch":
        source = _as_torch(row.ours(size))  # type: ignore[misc]
    else:
        source = _drawn(getattr(row, framework), size)
    frames = noise(N_FRAMES, source.width)
    expected = source.rows(frames)
    rows = _rows(source.layers, frames)
    assert rows.shape == expected.shape, (rows.shape, expected.shape)
    assert np.ptp(expected) > 1e-3, "rows that do not move say nothing"
    return float(np.abs(rows - expected).max())


def _drawn(make: Any, size: int) -> Source:
    """The source with the same weights in each run."""
    try:
        import torch

        torch.manual_seed(size)
    except ImportError:
        pass
    source: Source = make(size)
    return source


def _rows(layers: Any, frames: Array) -> Array:
    """A stream's, in random cuts; layers in both directions run over the whole."""
    nodes = layers if isinstance(layers, list) else layers.values()
    chain = [node[0] if isinstance(node, tuple) else node for node in nodes]
    if any(getattr(layer, "bidirectional", False) for layer in chain):
        for layer in chain:
            frames, _ = layer.forward(frames)
        return frames
    return in_random_cuts(layers, frames)


def _as_torch(layers: Any) -> Source:
    import torch

    model = pylstm.Model(None, layers)
    module = to_torch(model)

    def rows(frames: Array) -> Array:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
            found: Array = module(torch.from_numpy(frames)).numpy()
        return found

    return Source(layers, rows, model.n_features)


def _from_onnx_runtime(layers: Any) -> float:
    from tests.onnx_stream import exported

    model = pylstm.Model(None, layers)
    frames = noise(N_FRAMES, model.n_features)
    ours, largest = model.stream(), 0.0
    with TemporaryDirectory() as folder:
        theirs = exported(model, Path(folder))
        for part in np.split(frames, [1, 3, 10, 11]):
            away = theirs.push(part) - ours.push_frames(part)
            largest = max(largest, float(np.abs(away).max(initial=0)))
    return largest
