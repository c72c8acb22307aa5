"""A file read as if its header declared another length of the audio."""

from __future__ import annotations

import io
from typing import BinaryIO, Self

from pylstm.audio.declared_length import AudioExtent, SizeField

__all__ = ["RepairedHeader"]


class RepairedHeader(io.RawIOBase):
    """A file, read-only, with some bytes of its header replaced; the file itself is not changed.

    libsndfile reads it through callbacks, out of which no exception can reach the caller: errors of
    the system are kept in `error`, and the file seems to end there.
    """

    def __init__(self, file: BinaryIO, field: SizeField, size: int) -> None:
        super().__init__()
        self._file = file
        self._place = field.place
        self._bytes = field.bytes_for(size)
        self.error: OSError | None = None

    @classmethod
    def of(cls, path: str, extent: AudioExtent) -> Self | None:
        """A file whose header declares what it holds; None: no header can, it is too much."""
        if extent.field.bytes_for(extent.present) is None:
            return None
        return cls(open(path, "rb"), extent.field, extent.present)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As of any raw file."""
        try:
            start = self._file.tell()
            block = bytearray(self._file.read(len(buffer)))
        except OSError as error:
            self.error = error
            return 0
        for k, byte in enumerate(self._bytes or b""):
            if 0 <= self._place + k - start < len(block):
                block[self._place + k - start] = byte
        buffer[: len(block)] = block
        return len(block)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._file.tell()

    def close(self) -> None:
        """Closes the file, too."""
        self._file.close()
        super().close()
