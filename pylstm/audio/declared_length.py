"""WAV and AIFF files that are cut off: how much of the declared audio they hold.

Both formats are chunks with their sizes in front; libsndfile ignores a size beyond the end.

References
----------
Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991); EBU Tech
3306, "RF64" (2009); Apple, "Audio Interchange File Format 1.3" (1989).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

__all__ = ["share_present"]

# A program that writes to a pipe cannot return to the header and leaves a size that means "until
# the end": all ones, the largest even one, or a round one just below 2 GiB or at it. For AIFF sox
# writes as many whole frames as 0x7F00_0000 bytes hold, and a frame of many channels is large.
_UNTOLD = 0x7EFF_0000
_FORMS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"FORM": ">"}
_KINDS = (b"WAVE", b"AIFF", b"AIFC")


def share_present(path: str | os.PathLike[str]) -> float:
    """The share of the declared audio that a file holds.

    Parameters
    ----------
    path : str or path
        A regular file.

    Returns
    -------
    float
        Above 0 and below 1 if a WAV or AIFF file is cut off; 1 if nothing is missing, if the file
        does not declare a length, and for any other format.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        if len(head) < 12 or head[:4] not in _FORMS or head[8:] not in _KINDS:
            return 1.0
        found = _audio(file, _FORMS[head[:4]], size)
    if found is None:
        return 1.0
    start, declared = found
    present = size - start
    return present / declared if 0 < present < declared else 1.0


def _audio(file: BinaryIO, order: str, size: int) -> tuple[int, int] | None:
    """The position and the declared size of the audio, bytes; None: not declared."""
    large = None
    place = 12
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack(order + "4sI", file.read(8))
        if name == b"ds64" and place + 24 <= size:
            large = struct.unpack("<Q", file.read(16)[8:])[0]
        place += 8
        if name == b"data":
            if length == 0xFFFF_FFFF and large is not None:
                return place, large
            return (place, length) if 0 < length < _UNTOLD else None
        if name == b"SSND":
            if not 8 < length < _UNTOLD or place + 4 > size:
                return None
            # Two numbers come before the audio, and as many bytes as the first one says.
            offset = 8 + struct.unpack(">I", file.read(4))[0]
            return place + offset, length - offset
        place += length + length % 2
    return None
