"""Models as the bytes of a safetensors file.

``docs/model-file.md`` says what a model file is and which rules it must keep; the core has the only
reader and validator.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

__all__ = ["encode", "encode_model"]

# dtype in memory -> dtype in a file. NumPy has no bfloat16: its bits stand in uint16.
_DTYPES = {"float32": "F32", "uint16": "BF16", "int8": "I8"}


def encode(metadata: Mapping[str, str], tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """A safetensors file in memory: metadata and tensors, in the given order.

    float32 becomes F32, int8 I8, and uint16 (the upper halves of floats) BF16.

    The same content always gives the same bytes.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        header[name] = {
            "dtype": _DTYPES[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # as the safetensors library does, so that tensors are aligned
    parts = [struct.pack("<Q", len(text)), text]
    parts += [
        tensor.astype(tensor.dtype.newbyteorder("<"), order="C").tobytes()
        for tensor in tensors.values()
    ]
    return b"".join(parts)


def encode_model(
    features: tuple[Mapping[str, str], Mapping[str, NDArray[Any]]] | None,
    layers: Iterable[tuple[Mapping[str, str], Mapping[str, NDArray[Any]]]],
    labels: Sequence[str] = (),
    info: Mapping[str, str] | None = None,
) -> bytes:
    """A model file in memory, from the configuration and the tensors of its parts.

    Equal parts give equal bytes.
    """
    config, tensors = features or ({"features.kind": "none"}, {})
    metadata = {"pylstm.format": "1", **config}
    tensors = dict(tensors)
    layers = list(layers)
    metadata["layers.count"] = str(len(layers))
    for place, (layer_config, weights) in enumerate(layers):
        metadata |= {f"layers.{place}.{key}": value for key, value in layer_config.items()}
        tensors |= {f"layers.{place}.{name}": weight for name, weight in weights.items()}
    metadata["labels.count"] = str(len(labels))
    metadata |= {f"labels.{k}": label for k, label in enumerate(labels)}
    metadata |= {f"info.{name}": value for name, value in (info or {}).items()}
    return encode(metadata, tensors)
