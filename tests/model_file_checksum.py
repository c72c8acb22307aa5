"""The checksum of a model file, as docs/model-file.md describes it; no code of the package."""

from __future__ import annotations

import json
import re
import struct
import zlib

ENTRY = re.compile(rb'(?<="pylstm\.checksum":")crc32:[0-9a-f]{8}(?=")')


def checksum_of(data: bytes) -> str:
    """What the checksum of a file has to be."""
    (length,) = struct.unpack_from("<Q", data)
    header, values = json.loads(data[8 : 8 + length]), data[8 + length :]
    crc = 0
    for key, value in sorted(header.pop("__metadata__").items()):
        if key != "pylstm.checksum":
            crc = zlib.crc32(f"{key}\0{value}\0".encode(), crc)
    crc = zlib.crc32(b"\0", crc)
    for name, tensor in sorted(header.items()):
        shape = ",".join(map(str, tensor["shape"]))
        crc = zlib.crc32(f"{name}\0{tensor['dtype']}\0{shape}\0".encode(), crc)
        begin, end = tensor["data_offsets"]
        crc = zlib.crc32(values[begin:end], crc)
    return f"crc32:{crc:08x}"


def rechecked(data: bytes) -> bytes:
    """A file that was changed, with the checksum that fits; all other bytes stay."""
    return ENTRY.sub(checksum_of(data).encode(), data, count=1)


def with_metadata(data: bytes, entries: dict[str, str]) -> bytes:
    """A file with more metadata, and the checksum that fits."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"].update(entries)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return rechecked(struct.pack("<Q", len(text)) + text + data[8 + length :])


def without_checksum(data: bytes) -> bytes:
    """A file without the entry."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    del header["__metadata__"]["pylstm.checksum"]
    text = json.dumps(header, ensure_ascii=False).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]
