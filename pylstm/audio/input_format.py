"""What an intake takes: bytes or arrays, with so many channels, in one encoding or in any."""

from __future__ import annotations

from mmap import mmap
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.arguments import described, number_of
from pylstm.audio.sample_encoding import SampleEncoding

if TYPE_CHECKING:
    import array as python_arrays  # its type takes no brackets at run time

__all__ = ["MOST_CHANNELS", "Audio", "EncodedSamples", "InputFormat"]

Audio: TypeAlias = (
    "bytes | bytearray | memoryview | mmap | NDArray[Any]"
    " | python_arrays.array[int] | python_arrays.array[float]"
)
"""What type checkers let pass; any buffer of these types is taken."""

MOST_CHANNELS = 1024
"""As many as libsndfile takes."""

# How files begin. The samples of audio do so once in four thousand million streams.
_BEGINNINGS = {
    b"RIFF": "a WAV file",
    b"RF64": "a WAV file",
    b"FORM": "an AIFF file",
    b".snd": "an AU file",
    b"caff": "a CAF file",
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg stream",
    b"\x1aE\xdf\xa3": "a WebM stream",
}


class EncodedSamples(NamedTuple):
    """Samples as they are written, the channels interleaved; the last may be there in part."""

    data: NDArray[np.uint8]
    encoding: SampleEncoding | None

    @property
    def whole(self) -> int:
        """How many samples are there as wholes."""
        return len(self.data) // self.encoding.size if self.encoding is not None else 0


class InputFormat:
    """Opens what comes, or says what is wrong with it.

    Parameters
    ----------
    channels : int
        Channels in what comes.
    encoding : SampleEncoding or None
        How samples are written; None: as the dtype of each array says.
    """

    def __init__(self, channels: int, encoding: SampleEncoding | None) -> None:
        self.channels = channels
        self.encoding = encoding

    def nothing(self) -> EncodedSamples:
        """What is there before anything came."""
        return EncodedSamples(np.empty(0, np.uint8), self.encoding)

    def opened(self, data: Any, waiting: EncodedSamples, at_start: bool) -> EncodedSamples:
        """What was waiting, and the data behind it.

        Parameters
        ----------
        data : object
            Whatever a caller gives.
        waiting : EncodedSamples
            The unfinished frame that came before.
        at_start : bool
            Whether no frame came before, so that a file would show its first bytes.

        Raises
        ------
        TypeError, ValueError
            The data cannot be taken.
        """
        if isinstance(data, np.ndarray):
            return self._array(data, data, waiting)
        try:
            view = memoryview(data)
            if view.itemsize == 1 and view.format.strip("<>=@!") in ("B", "c"):
                kept = data if isinstance(data, bytes) else view.tobytes()
                raw = np.frombuffer(kept, np.uint8)
            else:
                raw, array = None, np.asarray(view)
        except (TypeError, ValueError, BufferError):
            raise self._unusable(data) from None
        if raw is None:
            return self._array(array, data, waiting)
        if self.encoding is None:
            raise TypeError(
                f"data is {type(data).__name__}, and the intake has no encoding; expected an array,"
                " or bytes whose encoding is known: make the intake with encoding='int16', or with"
                " the one that they are in"
            )
        came = self._behind(waiting, EncodedSamples(raw, self.encoding), "bytes")
        kind = _BEGINNINGS.get(came.data[:4].tobytes()) if at_start else None
        if kind is not None:
            raise ValueError(
                f"data begins as {kind} does; expected samples alone: pass"
                " soundfile.read(io.BytesIO(data), dtype='float32')[0] if it is a whole file, else"
                " let the sender leave the header out (ffmpeg: -f s16le)"
            )
        return came

    def unfinished(self, waiting: EncodedSamples) -> str:
        """The unfinished frame in words."""
        what = "sample" if self.channels == 1 else f"frame of {self.channels} channels"
        return f"{number_of(len(waiting.data), 'byte')} of an unfinished {what}"

    def _array(self, array: NDArray[Any], given: object, waiting: EncodedSamples) -> EncodedSamples:
        """An array behind what was waiting; `given` is what it was made of."""
        if isinstance(array, np.ma.MaskedArray):
            raise self._unusable(given, "a masked array")
        encoding = SampleEncoding.of_dtype(array.dtype)
        if encoding is None:
            raise self._unusable(given)
        if self.encoding is not None:
            if not self.encoding.fits(encoding):
                raise self._contradiction(array, encoding)
            encoding = SampleEncoding(self.encoding.name, encoding.order)
        self._check_shape(array)
        raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        what = "a 2-D array" if array.ndim == 2 else "an array"
        return self._behind(waiting, EncodedSamples(raw, encoding), what)

    def _behind(self, waiting: EncodedSamples, came: EncodedSamples, what: str) -> EncodedSamples:
        """What came behind what was waiting."""
        if not len(waiting.data) or waiting.encoding is None or came.encoding is None:
            return came
        if what == "bytes" and waiting.encoding == came.encoding:
            expected = ""
        elif len(waiting.data) % waiting.encoding.size:
            expected = "the rest of it in bytes"
        elif waiting.encoding.in_arrays != came.encoding.in_arrays:
            expected = f"the rest of it in {waiting.encoding}"
        elif what not in ("bytes", "an array"):
            expected = "the rest of it in a 1-D array"
        else:
            expected = ""
        if expected:
            raise ValueError(
                f"data is {what} of {came.encoding}, where {self.unfinished(waiting)} came before"
                f" it; expected {expected}, or reset()"
            )
        return EncodedSamples(np.concatenate([waiting.data, came.data]), came.encoding)

    def _check_shape(self, array: NDArray[Any]) -> None:
        shape, n = array.shape, self.channels
        if len(shape) == 1 or (len(shape) == 2 and shape[1] == n):
            return
        expected = f"shape (n, {n}), or (n,)" + (" with the channels interleaved" * (n > 1))
        raise ValueError(f"data is {described(array)}; expected {expected}{self._reshaped(shape)}")

    def _reshaped(self, shape: tuple[int, ...]) -> str:
        """The end of an error about a shape: what to do, if it can be known."""
        n = self.channels
        if 0 in shape or (n == 1 and len([size for size in shape if size != 1]) < 2):
            return f": pass data.reshape(-1, {n})"
        if len(shape) == 2 and shape[0] == n:
            return ": pass data.T"
        if len(shape) == 2 and min(shape) <= MOST_CHANNELS:
            # The longer axis is time.
            turned = ", and pass data.T" if shape[0] < shape[1] else ""
            return f": make the intake with channels={min(shape)}{turned}"
        if len(shape) > 2 and {1}.issuperset(shape[:-2]):
            return f": pass data[{', '.join('0' * (len(shape) - 2))}]"
        return ""

    def _contradiction(self, array: NDArray[Any], encoding: SampleEncoding) -> TypeError:
        ours = self.encoding
        assert ours is not None
        if ours.name == encoding.name:
            hint = f"make the intake with encoding={ours.name!r}"
        elif encoding.name == "uint8":
            hint = "pass data.tobytes() if these are the bytes of samples"
        else:
            hint = "make the intake without an encoding"
        expected = "uint8" if ours.name in ("mulaw", "alaw") else str(ours)
        expected = "bytes" if ours.name == "int24" else f"bytes or {expected}"
        return TypeError(
            f"data is {described(array)}, and the intake's encoding is {str(ours)!r}; expected"
            f" {expected}: {hint}"
        )

    def _unusable(self, data: object, what: str = "") -> TypeError:
        hint = _engine.samples_instead(data, "data", self.channels)
        return TypeError(
            f"data is {what or described(data)}; expected bytes, or an array of int16, int32,"
            f" uint8, float32 or float64{hint}"
        )
