"""FLAC that comes through a pipe, decoded as it comes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.audio.decoder import UNKNOWN_LENGTH, soundfile_and_soxr
from pylstm.audio.errors import AudioError
from pylstm.audio.pipe import Pipe

__all__ = ["PipedFlac"]

# libsndfile asks for the length and goes there and back before it reads; no file is so long.
_FAR_END = 1 << 60
# What of the beginning is kept, because libsndfile reads it twice.
_HEAD = 1 << 16


class PipedFlac:
    """A `FrameSource`.

    Parameters
    ----------
    pipe : Pipe
        At its beginning.
    name : str
        What errors call it.

    Raises
    ------
    AudioError
        It cannot be decoded.
    """

    def __init__(self, pipe: Pipe, name: str) -> None:
        soundfile, _ = soundfile_and_soxr()
        self._errors = soundfile.SoundFileError
        self._face = _SeekableFace(pipe)
        try:
            self._file: Any = soundfile.SoundFile(self._face)
        except self._errors as error:
            raise AudioError(f"cannot read {name}: {_words(error)}") from None
        self._file.seekable = lambda: False
        self.rate, self.channels = int(self._file.samplerate), int(self._file.channels)
        self.frames = None if self._file.frames >= UNKNOWN_LENGTH else int(self._file.frames)
        self.declared: float | None = self.frames
        self.subtype = str(self._file.subtype)
        self.ends_early = False
        self.unfinished: str | None = None
        self.doubled = False  # a header says how many channels there are
        self.live = True

    def read(self, count: int) -> NDArray[np.float32]:
        """The next frames, at most `count`, shape (n, channels).

        Raises
        ------
        AudioError
            The file is damaged there, or the system cannot read it.
        """
        block = np.full((0 if self.ends_early else count, self.channels), np.nan, np.float32)
        try:
            read: NDArray[np.float32] = self._file.read(out=block)
        except self._errors as error:
            # libsndfile has written what was left before it failed.
            read = block[: int(np.isfinite(block).all(axis=1).sum())]
            if not self._face.ended:
                raise AudioError(_words(error)) from None
            self.ends_early = True
        if self._face.error is not None:
            raise AudioError(str(self._face.error.strerror))
        return read

    def skip(self, frames: int) -> None:
        """Reads on to a frame, counted from the first."""
        while frames and len(block := self.read(min(frames, self.rate))):
            frames -= len(block)

    def exactly(self, frame: int) -> NDArray[np.float64]:
        """Never needed: samples of FLAC are whole numbers."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes the pipe."""
        self._file.close()
        self._face.pipe.close()


class _SeekableFace(io.RawIOBase):
    """What libsndfile takes for a file: it may go anywhere, but read only what comes next."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self.pipe = pipe
        self.ended = False
        self.error: OSError | None = None
        self._head = b""
        self._come = 0
        self._place = 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As of any raw file; beyond what comes next it seems to end."""
        if self._place < len(self._head):
            data = self._head[self._place : self._place + len(buffer)]
        elif self._place == self._come:
            try:
                data = self.pipe.read_some(len(buffer))
            except OSError as error:
                self.error, data = error, b""
            self.ended = not data
            if self._come == len(self._head) and len(self._head) < _HEAD:
                self._head += data
            self._come += len(data)
        else:
            data = b""
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of any file."""
        before = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: _FAR_END}[whence]
        self._place = before + offset
        return self._place

    def tell(self) -> int:
        """As of any file."""
        return self._place


def _words(error: Exception) -> str:
    text = getattr(error, "error_string", "") or str(error)
    return str(text).removeprefix("Error : ").strip().rstrip(".").lower()
