"""How much audio the header of a file declares, and how much the file holds.

Recorders that crash, programs that write to pipes, and copies that stop leave sizes behind that are
0, all ones, or larger than the file. libsndfile ignores a size beyond the end and believes any
other.

References
----------
Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991); EBU Tech
3306, "RF64" (2009); Sony, "Wave64" (2003); Apple, "Audio Interchange File Format 1.3" (1989) and
"Core Audio Format 1.0" (2011); Sun, "The au audio file format" (1990); RFC 3533, "Ogg" (2003).
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

from pylstm.audio.chunk_chains import chunks_behind, chunks_follow, is_padding_or_tag

__all__ = ["UNTOLD", "AudioExtent", "SizeField", "audio_extent", "ogg_is_cut"]

# A program that writes to a pipe cannot return to the header and leaves a size that means "until
# the end": all ones, the largest even one, or a round one just below 2 GiB or at it. For AIFF sox
# writes as many whole frames as 0x7F00_0000 bytes hold, and a frame of many channels is large.
UNTOLD = 0x7EFF_0000
_RIFF = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<"}
_W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
# Codings of WAV whose samples are decoded one by one: PCM, float, A-law, u-law, extensible.
_SAMPLE_BY_SAMPLE = (1, 3, 6, 7, 0xFFFE)
# What follows the audio and is shorter than this, seconds, is not audio that was left out.
_SHORT_TAIL = 0.1
# The largest page of Ogg: its header, 255 sizes, 255 pieces.
_OGG_PAGE = 27 + 255 + 255 * 255


class SizeField(NamedTuple):
    """Where a header says how long the audio is: `place` in the file, a format of `struct`, and
    what the number counts `beside` the audio, bytes."""

    place: int
    format: str
    beside: int = 0

    def bytes_for(self, size: int) -> bytes | None:
        """The field for another size of the audio; None: it does not hold so large a number."""
        try:
            return struct.pack(self.format, size + self.beside)
        except struct.error:
            return None


class AudioExtent(NamedTuple):
    """Where the audio of a file lies, bytes.

    Attributes
    ----------
    start : int
        Its first byte.
    declared : int or None
        Its size as the header says; None: left open, as by a program that writes to a pipe.
    present : int
        How much of it the file holds, other chunks behind it not counted.
    field : SizeField
    """

    start: int
    declared: int | None
    present: int
    field: SizeField

    def misleads(self, size: int) -> bool:
        """Whether libsndfile would not find the audio by this header, in a file of so many bytes.

        It reads to the end of the file by itself where 32 bits say too much.
        """
        if self.declared == self.present:
            return False
        too_much = self.declared is None or self.declared > self.present
        to_the_end = self.start + self.present == size
        return not (too_much and to_the_end and self.field.format[-1] == "I")


def audio_extent(file: BinaryIO, size: int) -> AudioExtent | None:
    """Finds the audio of a file.

    Parameters
    ----------
    file : binary file
    size : int
        Bytes in it.

    Returns
    -------
    AudioExtent or None
        None: not WAV, RF64, Wave64, AIFF, AU or CAF, or there is no audio in it.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    file.seek(0)
    head = file.read(40)
    if len(head) < 12:
        return None
    if head[:4] in _RIFF and head[8:12] == b"WAVE":
        return _of_wave(file, _RIFF[head[:4]], size)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _of_aiff(file, size)
    if head[:16] == _W64_RIFF:
        return _of_wave64(file, size)
    if head[:4] in (b".snd", b"dns."):
        order = ">" if head[:4] == b".snd" else "<"
        start, declared = struct.unpack(order + "II", head[4:12])
        return _measured(start, declared, size, SizeField(8, order + "I"))
    return _of_caf(file, size) if head[:4] == b"caff" else None


def _measured(start: int, declared: int, size: int, field: SizeField) -> AudioExtent | None:
    """The extent, where nothing is known to follow the audio."""
    there = size - start
    if there < 0:
        return None
    wide = field.format[-1] in "Qq"
    open_end = declared > there and declared >= (1 << 62 if wide else UNTOLD)
    present = min(declared, there) if declared > 0 else there
    return AudioExtent(start, None if open_end else declared, present, field)


def _of_wave(file: BinaryIO, order: str, size: int) -> AudioExtent | None:
    large: tuple[int, SizeField] | None = None
    rate, block = 0, 1  # bytes a second, and of what can only be decoded as a whole
    place = 12
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack(order + "4sI", file.read(8))
        body = file.read(16)
        place += 8
        if name == b"ds64" and len(body) == 16:
            large = struct.unpack("<Q", body[8:])[0], SizeField(place + 8, "<Q")
        elif name == b"fmt " and len(body) == 16:
            coding, _, _, rate, align = struct.unpack(order + "HHIIH", body[:14])
            block = 1 if coding in _SAMPLE_BY_SAMPLE else max(1, align)
        elif name == b"data":
            field = SizeField(place - 4, order + "I")
            if length == 0xFFFF_FFFF and large is not None:
                length, field = large
            found = _measured(place, length, size, field)
            if found is None:
                return None
            present = _of_chunked(file, order, size, found, rate)
            if present != found.declared:
                present -= present % block
            return found._replace(present=present)
        place += length + length % 2
    return None


def _of_chunked(file: BinaryIO, order: str, size: int, found: AudioExtent, rate: int) -> int:
    """Bytes of audio in a file whose other chunks may follow the audio."""
    start, declared, present, _ = found
    if declared == size - start:  # as in most files, which need no search
        return present
    if declared:
        end = start + present
        if end < size and (
            size - end < _SHORT_TAIL * rate
            or chunks_follow(file, order, end, size)
            or is_padding_or_tag(file, end)
        ):
            return present
    elif declared == 0 and chunks_follow(file, order, start, size):
        return 0
    return chunks_behind(file, order, start, size) - start


def _of_aiff(file: BinaryIO, size: int) -> AudioExtent | None:
    place = 12
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack(">4sI", file.read(8))
        place += 8
        if name == b"SSND" and place + 8 <= size:
            # Two numbers come before the audio, and as many bytes as the first one says.
            beside = 8 + struct.unpack(">I", file.read(4))[0]
            field = SizeField(place - 4, ">I", beside)
            return _measured(place + beside, max(0, length - beside), size, field)
        place += length + length % 2
    return None


def _of_wave64(file: BinaryIO, size: int) -> AudioExtent | None:
    place = 40
    while place + 24 <= size:
        file.seek(place)
        name, length = struct.unpack("<16sQ", file.read(24))  # the length counts these 24, too
        if name == _W64_DATA:
            return _measured(place + 24, max(0, length - 24), size, SizeField(place + 16, "<Q", 24))
        place += max(24, length + -length % 8)
    return None


def _of_caf(file: BinaryIO, size: int) -> AudioExtent | None:
    place = 8
    while place + 12 <= size:
        file.seek(place)
        name, length = struct.unpack(">4sq", file.read(12))
        place += 12
        if name == b"data":
            found = _measured(place + 4, max(0, length - 4), size, SizeField(place - 8, ">q", 4))
            return found and (found._replace(declared=None) if length == -1 else found)
        if length < 0:
            return None
        place += length
    return None


def ogg_is_cut(file: BinaryIO, size: int) -> bool:
    """Whether an Ogg file ends before the page that ends its stream; False for other files."""
    file.seek(0)
    if file.read(4) != b"OggS":
        return False
    file.seek(max(0, size - _OGG_PAGE - 4))
    tail = file.read()
    last = tail.rfind(b"OggS")
    if last < 0 or len(tail) < last + 27:
        return True
    pieces = tail[last + 27 : last + 27 + tail[last + 26]]
    page = 27 + tail[last + 26] + sum(pieces)
    return len(tail) < last + page or not tail[last + 5] & 4
