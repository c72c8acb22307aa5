"""A row of the table: a layer with an option, in each framework that has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.convert.interop.sources import Source

__all__ = ["FRAMEWORKS", "Row"]

FRAMEWORKS = {
    "torch": "from PyTorch",
    "keras": "from Keras",
    "onnx": "from ONNX",
    "rtneural": "from RTNeural",
    "to_torch": "to PyTorch",
    "to_onnx": "to ONNX",
}
"""The columns."""


@dataclass(frozen=True)
class Row:
    """What a size n gives in each framework; None where the framework has no such layer.

    Attributes
    ----------
    layer, option : str
        The first two columns.
    ours : callable
        Layers, as `pylstm.Model` takes them: what the exports write.
    torch, keras, onnx, rtneural : callable
        The importer's layers beside the framework itself.
    """

    layer: str
    option: str
    ours: Callable[[int], Any] | None = None
    torch: Callable[[int], Source] | None = None
    keras: Callable[[int], Source] | None = None
    onnx: Callable[[int], Source] | None = None
    rtneural: Callable[[int], Source] | None = None
