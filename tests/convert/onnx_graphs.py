"""Small ONNX graphs, and what a conversion of one is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert import from_onnx
from pylstm.convert.conversion import Conversion

Array = NDArray[Any]
Shape = Sequence[int | str | None]

TOLERANCE = 1e-5


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    """A node; names are separated by spaces, and an underscore is none."""
    helper = pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime").helper
    inputs_, outputs_ = (
        ["" if name == "_" else name for name in names.split()] for names in (inputs, outputs)
    )
    return helper.make_node(kind, inputs_, outputs_, name=f"the {kind}", **attributes)


def graph(
    nodes: Sequence[Any],
    inputs: Mapping[str, Shape],
    outputs: str,
    weights: Mapping[str, Array] | None = None,
    opset: int = 17,
    ints: Mapping[str, Shape] | None = None,
) -> bytes:
    """A file of a graph, whose inputs are of float32, or of int32 and int64 if they are ints."""
    onnx = pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")
    pytest.importorskip("onnxruntime", reason="the oracle is ONNX Runtime: pip install onnxruntime")
    for place, one in enumerate(nodes):  # ONNX Runtime wants names that differ
        if any(one.name == other.name for other in nodes[:place]):
            one.name = f"{one.name} {place}"
    info, types = onnx.helper.make_tensor_value_info, onnx.TensorProto
    made = onnx.helper.make_graph(
        nodes,
        "small",
        [
            *(info(name, types.FLOAT, shape) for name, shape in inputs.items()),
            *(
                info(name, types.INT32 if name == "lengths" else types.INT64, shape)
                for name, shape in (ints or {}).items()
            ),
        ],
        [info(name, types.FLOAT, None) for name in outputs.split()],
        [onnx.numpy_helper.from_array(np.asarray(w), name) for name, w in (weights or {}).items()],
    )
    model = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8
    )
    data: bytes = model.SerializeToString()
    return data


def drawn(*shape: int, seed: int = 0, scale: float = 0.5) -> NDArray[np.float32]:
    """Weights."""
    rng = np.random.default_rng([seed, *shape])
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def streamed(model: pylstm.Model, x: Array, seed: int = 0) -> Array:
    """All rows of a stream that gets frames in random cuts."""
    rng, stream, parts, start = np.random.default_rng(seed), model.stream(), [], 0
    while start < len(x):
        size = int(rng.integers(0, 9))
        parts.append(stream.push_frames(x[start : start + size]))
        start += size
    return np.concatenate([*parts, stream.flush()])


def width_of(conversion: Conversion) -> int:
    """How wide the rows are that go in."""
    source: Any = conversion.run_source
    width = int(np.prod([n for k, n in enumerate(source.shape) if k != source.axis]))
    return width


def converted(data: bytes, n: int = 40, tolerance: float = TOLERANCE, **options: Any) -> Conversion:
    """A conversion whose rows were seen to be those of ONNX Runtime, in random cuts."""
    found = from_onnx(data, **options)
    assert found.run_source is not None
    x = drawn(n, width_of(found), seed=7, scale=1.0)
    expected = found.run_source(x)
    assert expected.size
    y = streamed(pylstm.Model(None, found.layers), x)
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance)
    return found
