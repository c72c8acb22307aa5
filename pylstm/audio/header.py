"""What an audio file says of itself: rate, channels, length."""

from __future__ import annotations

from typing import NamedTuple

from pylstm.audio.audio_file import AudioError, AudioFile

__all__ = ["Header", "refuse_cut"]


class Header(NamedTuple):
    """What a file says of itself."""

    rate: int
    channels: int
    seconds: float

    @classmethod
    def of(cls, path: str, decode: bool = False) -> Header:
        """Opens a file; reads all of it where only that shows whether it can be used.

        A file that holds floats may hold NaN, and a few do not know how long they are.

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
            return cls(file.rate, file.channels, seconds)


def refuse_cut(path: str, file: AudioFile) -> None:
    if file.shortfall:
        raise AudioError(f"{path} is {file.shortfall}")
