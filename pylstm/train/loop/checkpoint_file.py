"""The container of checkpoints: a safetensors file of float32 tensors and texts, read strictly.

Model files have one reader, the core's (``docs/model-file.md``). Its limits (256 MiB; 4,096 bytes
a text) are right for what comes from anywhere and too tight for a training's moments and history;
hence this one, for files that this package wrote. Any safetensors library reads them, too.
"""

from __future__ import annotations

import json
import math
import os
import stat
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["decode", "read"]

_RECORD = {"dtype", "shape", "data_offsets"}


def read(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is not a regular file.
    """
    # Looked at before it is opened: opening a pipe would wait for its other end.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError(f"{os.fspath(path)} is not a regular file")
    with open(path, "rb") as file:
        return file.read()


def decode(data: bytes) -> tuple[dict[str, str], dict[str, NDArray[np.float32]]]:
    """What `pylstm.safetensors_encoding.encode` made of texts and float32 tensors.

    Parameters
    ----------
    data : bytes
        A whole file.

    Returns
    -------
    metadata : dict of str to str
    tensors : dict of str to ndarray
        float32, copies.

    Raises
    ------
    ValueError
        Anything is not as it is written: a header that is no JSON or says something twice, tensors
        that overlap, leave a gap or do not end with the file.
    """
    if len(data) < 8:
        raise ValueError(f"it has {len(data)} bytes: cut off")
    (length,) = struct.unpack_from("<Q", data)
    if length > len(data) - 8:
        raise ValueError(f"its header should have {length} bytes, {len(data) - 8} follow: cut off")
    try:
        header = json.loads(data[8 : 8 + length].decode(), object_pairs_hook=_distinct)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    except ValueError as error:  # not UTF-8, no JSON, or a name twice
        raise ValueError(f"its header is damaged: {error}") from None
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its __metadata__ holds something other than texts")
    tensors = {}
    position = 0
    for name, record in header.items():
        shape, position = _placed(name, record, position)
        count = math.prod(shape)
        start = 8 + length + position - 4 * count
        if start + 4 * count > len(data):
            raise ValueError(f"tensor {name!r} ends behind the end of the file: cut off")
        flat = np.frombuffer(data, "<f4", count, start)
        tensors[name] = flat.astype(np.float32).reshape(shape)
    if 8 + length + position != len(data):
        raise ValueError(f"{len(data) - 8 - length - position} bytes follow the last tensor")
    return metadata, tensors


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _placed(name: str, record: Any, position: int) -> tuple[list[int], int]:
    """The shape of a tensor that begins at `position`, and where it ends."""
    if not isinstance(record, dict) or record.keys() != _RECORD:
        raise ValueError(f"tensor {name!r} lacks dtype, shape or data_offsets, or has more")
    shape, offsets = record["shape"], record["data_offsets"]
    if record["dtype"] != "F32":
        raise ValueError(f"tensor {name!r} is {record['dtype']!r}; expected F32")
    # type(), because JSON's true is an int to isinstance.
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"tensor {name!r} has no shape")
    end = position + 4 * math.prod(shape)
    if offsets != [position, end]:
        raise ValueError(f"tensor {name!r} lies at {offsets}; expected {[position, end]}")
    return shape, end
