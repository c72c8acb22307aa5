"""What is in a file, as far as it tells which network it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx.file import graphs_of, read_onnx
from pylstm.convert.published.torchscript import (
    is_torchscript,
    names_in_archive,
    read_torchscript,
)
from pylstm.convert.source_file import check_regular
from pylstm.convert.torch.checkpoint import read_checkpoint, state_dict_in, without_wrappers

__all__ = ["Contents", "read_contents"]

Shape = tuple[int | None, ...]

# How files begin: those of torch.save before PyTorch 1.6; and an ONNX file, with its version.
_OLD_CHECKPOINT = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_ONNX = b"\x08"


@dataclass(frozen=True)
class Contents:
    """Names and shapes of inputs and tensors.

    Attributes
    ----------
    kind : {"onnx", "torchscript", "tensors"}
    path : Path
    inputs : mapping of str to tuple
        Of an ONNX graph; None for a size that is open.
    shapes : mapping of str to tuple
        Of all tensors, those in the branches of a graph too.
    tensors : mapping of str to tensor
        None for an ONNX graph.
    """

    kind: Literal["onnx", "torchscript", "tensors"]
    path: Path
    inputs: Mapping[str, Shape] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    tensors: Mapping[str, Any] = field(default_factory=dict)

    def has_shapes(self, *shapes: Shape) -> bool:
        """Whether there is a tensor of each of some shapes."""
        return set(shapes) <= set(self.shapes.values())

    def array(self, name: str) -> NDArray[np.float32]:
        """A tensor of numbers.

        Raises
        ------
        ValueError
            They are not float32.
        """
        values = np.asarray(self.tensors[name])
        if values.dtype != np.float32:
            raise ValueError(f"tensor {name!r} is of {values.dtype}; expected float32")
        return values


def read_contents(path: Path) -> Contents | None:
    """What is in a file of ONNX, TorchScript or tensors; None of any other, and of broken ones.

    Raises
    ------
    ValueError
        It is not a regular file, such as a folder or a pipe.
    ImportError
        What reads such files, ``onnx`` or PyTorch, is not installed.
    OSError
        The file cannot be read.
    """
    check_regular(path)
    with path.open("rb") as file:
        start = file.read(16)
    try:
        if start.startswith(_ONNX):
            return _of_onnx(path)
        if is_torchscript(path):
            return _of_tensors("torchscript", path, read_torchscript(path))
        if _is_checkpoint(path, start):
            found = state_dict_in(read_checkpoint(path), str(path))
            return _of_tensors("tensors", path, without_wrappers(found, "", str(path))[0])
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # The importer of its kind says what is wrong with it.
        return None
    return None


def _is_checkpoint(path: Path, start: bytes) -> bool:
    """Whether it is of safetensors or torch.save; `start` is its beginning."""
    header = int.from_bytes(start[:8], "little")
    if start[8:9] == b"{" and header + 8 <= path.stat().st_size:
        return True
    if start.startswith(_OLD_CHECKPOINT):
        return True
    return any(name.endswith("/data.pkl") for name in names_in_archive(path))


def _of_tensors(
    kind: Literal["torchscript", "tensors"], path: Path, tensors: Mapping[str, Any]
) -> Contents:
    shapes = {name: tuple(map(int, value.shape)) for name, value in tensors.items()}
    return Contents(kind, path, {}, shapes, tensors)


def _of_onnx(path: Path) -> Contents:
    model = read_onnx(path)
    inputs = {
        one.name: tuple(
            axis.dim_value if axis.HasField("dim_value") else None
            for axis in one.type.tensor_type.shape.dim
        )
        for one in model.graph.input
    }
    shapes: dict[str, Shape] = {}
    for graph in graphs_of(model.graph):
        shapes |= {one.name: tuple(one.dims) for one in graph.initializer}
        for node in graph.node:
            for one in node.attribute:
                if one.HasField("t"):
                    shapes[node.output[0]] = tuple(one.t.dims)
    return Contents("onnx", path, inputs, shapes)
