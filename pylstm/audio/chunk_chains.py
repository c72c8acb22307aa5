"""Chunks of RIFF files, each with a name and a size in front: where they are, and where not."""

from __future__ import annotations

import struct
from typing import BinaryIO

__all__ = ["chunks_behind", "chunks_follow", "is_padding_or_tag"]

# Names of chunks that programs write behind the audio.
_BEHIND = (b"LIST", b"list", b"id3 ", b"ID3 ", b"bext", b"cue ", b"smpl", b"inst", b"PEAK", b"iXML",
           b"_PMX", b"fact", b"plst", b"acid", b"JUNK", b"junk", b"PAD ", b"FLLR", b"axml", b"chna",
           b"DISP", b"afsp", b"note", b"labl", b"cart", b"levl", b"umid", b"LGWV")  # fmt: skip
# How far from the end of the file they are looked for, bytes.
_SEARCHED = 1 << 16
# Tags of other formats that programs append to any file.
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")
_BLOCK = 1 << 16


def chunks_follow(file: BinaryIO, order: str, place: int, size: int) -> bool:
    """Whether chunks, one after the other, fill the file from a place to its end.

    A chunk of an odd size is followed by a byte that makes it even; some programs forget it.
    """
    starts = {place, place + place % 2}
    return any(_chain(file, order, start, size) for start in starts)


def _chain(file: BinaryIO, order: str, place: int, size: int) -> bool:
    if place + 8 > size:
        return False
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack(order + "4sI", file.read(8))
        if not all(0x20 <= letter < 0x7F for letter in name):
            return False
        place += 8 + length + length % 2
    # The last byte that makes a size even may be missing, or others that are no chunk follow it.
    return size - 8 < place <= size + 1


def chunks_behind(file: BinaryIO, order: str, start: int, size: int) -> int:
    """Where chunks that end a file begin, after `start`; `size`, the end, if there are none."""
    first = max(start, size - _SEARCHED)
    file.seek(first)
    tail = file.read(size - first)
    found = size
    for name in _BEHIND:
        at = tail.find(name)
        while at >= 0:
            if first + at < found and _chain(file, order, first + at, size):
                found = first + at
                break
            at = tail.find(name, at + 1)
    return found


def is_padding_or_tag(file: BinaryIO, place: int) -> bool:
    """Whether zeros, or a tag of another format, fill a file from a place to its end."""
    file.seek(place)
    block = file.read(_BLOCK)
    if block.lstrip(b"\0").startswith(_TAGS):
        return True
    while block:
        if block.count(0) < len(block):
            return False
        block = file.read(_BLOCK)
    return True
