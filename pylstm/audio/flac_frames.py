"""FLAC files that end inside a frame, told from those that are damaged elsewhere.

References
----------
RFC 9639, "Free Lossless Audio Codec" (2024), sections 8.2 and 9.1.
"""

from __future__ import annotations

from typing import BinaryIO

__all__ = ["flac_is_cut"]

# A header of a frame, at most.
_HEADER = 16


def flac_is_cut(file: BinaryIO, size: int, decoded: int) -> bool:
    """Whether a FLAC file that cannot be decoded further ends inside the frame that comes next.

    Parameters
    ----------
    file : binary file
    size : int
        Bytes in it.
    decoded : int
        Samples of a channel that were decoded, from the beginning of the file.
    """
    file.seek(0)
    head = file.read(26)
    if len(head) < 26 or head[:4] != b"fLaC":
        return False
    block, longest = int.from_bytes(head[10:12]), int.from_bytes(head[15:18])
    if not longest:  # unknown: no frame is longer than its samples as they are
        longest = block * (1 + (head[20] >> 1 & 7)) * 4 + 1024
    file.seek(max(0, size - longest - _HEADER))
    tail = file.read()
    # Frames are numbered, in files whose frames have different lengths by their first sample.
    for sync, number in ((b"\xff\xf8", decoded // max(block, 1)), (b"\xff\xf9", decoded)):
        coded = _coded(number)
        at = tail.find(sync)
        while at >= 0:
            found = tail[at + 4 : at + 4 + len(coded)]
            ends_here = at + 4 + len(coded) > len(tail)
            if found == coded or (ends_here and coded.startswith(found)):
                return True
            at = tail.find(sync, at + 1)
    return False


def _coded(number: int) -> bytes:
    """A number as frame headers have it: UTF-8, extended to 36 bits."""
    if number < 0x80:
        return bytes([number])
    tail = []
    room = 0x3F  # what fits into the first byte
    while number > room:
        tail.append(0x80 | number & 0x3F)
        number >>= 6
        room >>= 1
    first = (0xFF << (7 - len(tail))) & 0xFF | number if len(tail) < 7 else 0xFE
    return bytes([first, *reversed(tail)])
