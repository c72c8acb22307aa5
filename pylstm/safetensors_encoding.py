"""Models as the bytes of a safetensors file.

``docs/model-file.md`` says what a model file is and which rules it must keep; the core has the only
reader and validator.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

__all__ = ["CHECKSUM", "encode", "encode_model"]

# The key of a model file's checksum.
CHECKSUM = "pylstm.checksum"

# dtype in memory -> dtype in a file. NumPy has no bfloat16: its bits stand in uint16.
_DTYPES = {"float32": "F32", "uint16": "BF16", "int8": "I8"}


def encode(metadata: Mapping[str, str], tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """A safetensors file in memory: metadata and tensors, in the given order.

    float32 becomes F32, int8 I8, and uint16 (the upper halves of floats) BF16.

    The same content always gives the same bytes.
    """
    return _joined(metadata, {name: _Values.of(tensor) for name, tensor in tensors.items()})


def encode_model(
    features: tuple[Mapping[str, str], Mapping[str, NDArray[Any]]] | None,
    layers: Iterable[tuple[Mapping[str, str], Mapping[str, NDArray[Any]]]],
    labels: Sequence[str] = (),
    info: Mapping[str, str] | None = None,
    decision: Mapping[str, str] | None = None,
    *,
    checksum: bool = True,
    format: int = 1,
) -> bytes:
    """A model file in memory, from the configuration and the tensors of its parts.

    Equal parts give equal bytes. Whoever writes them to a file lets them have their checksum.
    """
    config, tensors = features or ({"features.kind": "none"}, {})
    metadata = {"pylstm.format": str(format), **config}
    tensors = dict(tensors)
    layers = list(layers)
    metadata["layers.count"] = str(len(layers))
    for place, (layer_config, weights) in enumerate(layers):
        metadata |= {f"layers.{place}.{key}": value for key, value in layer_config.items()}
        tensors |= {f"layers.{place}.{name}": weight for name, weight in weights.items()}
    metadata["labels.count"] = str(len(labels))
    metadata |= {f"labels.{k}": label for k, label in enumerate(labels)}
    metadata |= {f"decision.{name}": value for name, value in (decision or {}).items()}
    metadata |= {f"info.{name}": value for name, value in (info or {}).items()}
    values = {name: _Values.of(tensor) for name, tensor in tensors.items()}
    if checksum:
        metadata[CHECKSUM] = _checksum(metadata, values)
    return _joined(metadata, values)


class _Values(NamedTuple):
    """A tensor as a file holds it."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, tensor: NDArray[Any]) -> _Values:
        data = tensor.astype(tensor.dtype.newbyteorder("<"), order="C", copy=False).tobytes()
        return cls(_DTYPES[tensor.dtype.name], tensor.shape, data)


def _joined(metadata: Mapping[str, str], tensors: Mapping[str, _Values]) -> bytes:
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + len(tensor.data)
        header[name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # as the safetensors library does, so that tensors are aligned
    return b"".join(
        [struct.pack("<Q", len(text)), text, *(tensor.data for tensor in tensors.values())]
    )


def _checksum(metadata: Mapping[str, str], tensors: Mapping[str, _Values]) -> str:
    """The checksum of a model file without one: ``docs/model-file.md``, "The checksum"."""
    crc = 0
    for key in sorted(metadata):
        crc = zlib.crc32(f"{key}\0{metadata[key]}\0".encode(), crc)
    crc = zlib.crc32(b"\0", crc)
    for name in sorted(tensors):
        tensor = tensors[name]
        shape = ",".join(map(str, tensor.shape))
        crc = zlib.crc32(f"{name}\0{tensor.dtype}\0{shape}\0".encode(), crc)
        crc = zlib.crc32(tensor.data, crc)
    return f"crc32:{crc:08x}"
