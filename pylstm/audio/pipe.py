"""A pipe, of which one may look at the first bytes before they are read."""

from __future__ import annotations

import io

__all__ = ["Pipe"]


class Pipe(io.RawIOBase):
    """A stream that comes once, read-only.

    Parameters
    ----------
    stream : buffered binary file
        Its `read` waits until all bytes are there that it was asked for, or the end.
    """

    def __init__(self, stream: io.BufferedIOBase) -> None:
        super().__init__()
        self._stream = stream
        self._seen = b""

    def peek(self, count: int) -> bytes:
        """The next bytes, which `read` gives once more; fewer than `count`: the stream ends."""
        if len(self._seen) < count:
            self._seen += self._stream.read(count - len(self._seen))
        return self._seen[:count]

    def read(self, count: int = -1) -> bytes:
        """The next bytes; all that are left without a count. Fewer: the stream ends."""
        if count < 0:
            data, self._seen = self._seen + self._stream.read(), b""
            return data
        data = self.peek(count) if self._seen else self._stream.read(count)
        self._seen = self._seen[count:]
        return data

    def read_some(self, count: int) -> bytes:
        """As many of the next bytes as are there, at most `count`; none: the stream ends."""
        if self._seen:
            return self.read(min(count, len(self._seen)))
        return self._stream.read1(count)

    def readable(self) -> bool:
        """True."""
        return True

    def close(self) -> None:
        """Closes the stream, too."""
        self._stream.close()
        super().close()
