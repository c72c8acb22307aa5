"""Frames of samples that stand in a file or come through a pipe, one after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.audio.doubled_samples import DoubledSamples
from pylstm.audio.errors import AudioError
from pylstm.audio.pipe import Pipe
from pylstm.audio.sample_encoding import SampleEncoding

__all__ = ["EncodedFrames"]

# Bytes that are read at most behind the last frame: what programs write there is short.
_TAIL = 1 << 20


class EncodedFrames:
    """A `FrameSource` of samples in bytes, the channels interleaved.

    Parameters
    ----------
    stream : Pipe
        At the first sample.
    encoding : SampleEncoding
    rate, channels : int
    n_frames : int, optional
        How many frames there should be; what follows is no audio. None: until the stream ends.
    live : bool
        Whether the stream is a pipe whose audio is to be read as soon as it comes.
    """

    def __init__(
        self,
        stream: Pipe,
        encoding: SampleEncoding,
        rate: int,
        channels: int,
        n_frames: int | None = None,
        live: bool = False,
    ) -> None:
        self._stream = stream
        self._encoding = encoding
        self.rate, self.channels = rate, channels
        self.frames = n_frames
        self.declared: float | None = n_frames
        self.subtype = {"float32": "FLOAT", "float64": "DOUBLE"}.get(encoding.name, "PCM")
        self.ends_early = False
        self.unfinished: str | None = None
        self.live = live
        self._pairs = DoubledSamples(possible=channels == 1)
        self._next = 0  # the frame that is read next
        self._block = np.empty(0, np.uint8)  # the frames before it, as they came

    def read(self, count: int) -> NDArray[np.float32]:
        """The next frames, at most `count`, shape (n, channels); fewer: there are no more.

        Raises
        ------
        AudioError
            The system cannot read it.
        """
        if self.unfinished is not None:
            count = 0
        if self.frames is not None:
            count = min(count, self.frames - self._next)
        size = self._encoding.size * self.channels
        try:
            data = np.frombuffer(self._stream.read(count * size), np.uint8)
            if self._next + count == self.frames:
                self._stream.read(_TAIL)  # or the writer of the pipe would find it closed
        except OSError as error:
            raise AudioError(str(error.strerror or error)) from None
        n, rest = divmod(len(data), size)
        if rest:
            what = "sample" if self.channels == 1 else f"frame of {self.channels} channels"
            self.unfinished = (
                f"ends with {number_of(rest, 'byte')} of an unfinished {what} of {self._encoding},"
                " left out: it was cut off there, or encoding or channels are wrong"
            )
        self._block = data[: n * size]
        self._next += n
        samples = self._encoding.decode(self._block)
        if not self._pairs.certain:
            self._pairs = self._pairs.after(samples)
        return samples.reshape(-1, self.channels)

    @property
    def doubled(self) -> bool:
        """Whether it is certain that one channel is two."""
        return self._pairs.certain

    def skip(self, frames: int) -> None:
        """Reads on to a frame, counted from the first."""
        while self._next < frames and len(self.read(frames - self._next)):
            pass

    def exactly(self, frame: int) -> NDArray[np.float64]:
        """A frame of those that were read last, in its own precision."""
        values = self._encoding.values(self._block).astype(np.float64)
        n_frames = len(values) // self.channels
        row: NDArray[np.float64] = values.reshape(-1, self.channels)[frame - self._next + n_frames]
        return row

    def close(self) -> None:
        """Closes the stream."""
        self._stream.close()
