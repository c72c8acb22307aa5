"""The header of a WAV file that comes through a pipe, where nothing can be read twice.

References
----------
Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991); Microsoft,
"Multiple Channel Audio Data and WAVE Files" (2001); EBU Tech 3306, "RF64" (2009).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from pylstm.audio.declared_length import UNTOLD
from pylstm.audio.pipe import Pipe
from pylstm.audio.sample_encoding import SampleEncoding

__all__ = ["WaveHeader", "read_wave_header"]

# What is looked at for the beginning of the audio.
_LONGEST = 1 << 20
_ORDERS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<"}
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
# Behind the first two bytes of the format of extensible headers.
_GUID = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
_NAMES = {
    (_PCM, 1): "uint8",
    (_PCM, 2): "int16",
    (_PCM, 3): "int24",
    (_PCM, 4): "int32",
    (_FLOAT, 4): "float32",
    (_FLOAT, 8): "float64",
    (_ALAW, 1): "alaw",
    (_MULAW, 1): "mulaw",
}


class WaveHeader(NamedTuple):
    """What the header says; `n_frames` is None where it leaves the length open."""

    encoding: SampleEncoding
    rate: int
    channels: int
    n_frames: int | None


def read_wave_header(pipe: Pipe) -> WaveHeader | None:
    """Reads a header up to the first sample.

    Parameters
    ----------
    pipe : Pipe

    Returns
    -------
    WaveHeader or None
        None: it is no WAV file, or its samples are not written one by one. Nothing was read then.
    """
    head = pipe.peek(12)
    order = _ORDERS.get(head[:4])
    if order is None or head[8:] != b"WAVE":
        return None
    form: tuple[SampleEncoding, int, int] | None = None
    long_size: int | None = None
    place = 12
    while place < _LONGEST:
        head = pipe.peek(place + 8)
        if len(head) < place + 8:
            return None
        name, size = struct.unpack(order + "4sI", head[place:])
        place += 8
        if name == b"data":
            if form is None:
                return None
            if size == 0xFFFFFFFF and long_size is not None:
                size = long_size
            open_end = size == 0 or UNTOLD <= size <= 0xFFFFFFFF or size >= 1 << 62
            pipe.read(place)
            frame = form[0].size * form[2]
            return WaveHeader(*form, None if open_end else size // frame)
        body = pipe.peek(place + min(size, 40))[place:]
        if name == b"ds64" and len(body) >= 16:
            long_size = struct.unpack(order + "Q", body[8:16])[0]
        elif name == b"fmt ":
            form = _form(body, order)
            if form is None:
                return None
        place += size + size % 2
    return None


def _form(body: bytes, order: str) -> tuple[SampleEncoding, int, int] | None:
    """Encoding, rate and channels."""
    if len(body) < 16:
        return None
    coding, channels, rate, _, align, _ = struct.unpack(order + "HHIIHH", body[:16])
    if coding == _EXTENSIBLE and len(body) == 40 and body[26:] == _GUID:
        coding = struct.unpack(order + "H", body[24:26])[0]
    if not (channels and rate and align) or align % channels:
        return None
    name = _NAMES.get((coding, align // channels))
    if name is None:
        return None
    encoding = SampleEncoding(name, "" if align == channels else order)
    return encoding, rate, channels
