"""The header of an audio file: rate, channels, length; and how loud it is, if it holds floats."""

from __future__ import annotations

from typing import NamedTuple

from pylstm.audio.audio_file import AudioFile

__all__ = ["Header"]


class Header(NamedTuple):
    """Rate in Hz, channels and length in seconds of a file, its `AudioFile.peak`, and its
    `AudioFile.shortfall`, if the header tells or the whole file was read."""

    rate: int
    channels: int
    seconds: float
    peak: float = 0.0
    shortfall: str | None = None

    @classmethod
    def of(cls, path: str, decode: bool = False) -> Header:
        """Reads a header, and the whole file if it may hold NaN or declares no length.

        Raises
        ------
        AudioError
            It cannot be used; the message names it.
        """
        with AudioFile(path, None) as file:
            seconds, shortfall = file.seconds, None
            if decode or file.may_hold_nan or file.cut or seconds is None:
                for _ in file.chunks(1 << 16):
                    pass
                seconds, shortfall = file.seconds_read, file.shortfall
            return cls(file.rate, file.channels, seconds, file.peak, shortfall)
