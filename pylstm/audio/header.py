"""The header of an audio file: rate, channels, length; and how loud it is, if it holds floats."""

from __future__ import annotations

from typing import NamedTuple

from pylstm.audio.audio_file import AudioFile
from pylstm.audio.errors import AudioError

__all__ = ["Header", "refuse_cut"]


class Header(NamedTuple):
    """Rate in Hz, channels and length in seconds of a file, and its `AudioFile.peak`."""

    rate: int
    channels: int
    seconds: float
    peak: float = 0.0

    @classmethod
    def of(cls, path: str, decode: bool = False) -> Header:
        """Reads a header, and the whole file if it may hold NaN or declares no length.

        Raises
        ------
        AudioError
            It cannot be used; the message names it.
        """
        with AudioFile(path, None) as file:
            seconds = file.seconds
            if decode or file.may_hold_nan or file.cut or seconds is None:
                for _ in file.chunks(1 << 16):
                    pass
                refuse_cut(path, file)
                seconds = file.seconds_read
            return cls(file.rate, file.channels, seconds, file.peak)


def refuse_cut(path: str, file: AudioFile) -> None:
    """Raises `AudioError` if a file that is read to its end was cut off."""
    if file.shortfall:
        raise AudioError(f"{path} is {file.shortfall}")
