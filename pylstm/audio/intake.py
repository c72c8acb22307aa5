"""From audio as it arrives, bytes or arrays at any rate, to the samples that a model takes."""

from __future__ import annotations

import warnings
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, flag, shown, whole
from pylstm.audio.doubled_samples import DoubledSamples
from pylstm.audio.input_format import MOST_CHANNELS, Audio, EncodedSamples, InputFormat
from pylstm.audio.model_rate import TakesAudio, check_resampling, hertz, rate_of
from pylstm.audio.one_call import OneCall
from pylstm.audio.resampler import Resampler
from pylstm.audio.resumption import samples_before
from pylstm.audio.sample_encoding import EncodingName, SampleEncoding

__all__ = ["Intake"]

Samples = NDArray[np.float32]


class Intake:
    """Makes a model's samples of audio as it arrives: bytes of a socket or a pipe, blocks of a
    sound card, at any rate, with any number of channels.

    Whatever the cut of what comes, the samples that come out are the same, bit for bit. Bytes may
    be cut anywhere, inside of a sample too: the piece is kept until the rest of it comes.

    One thread at a time may call it: a second one gets `StreamBusyError` at once. A call that
    raises has changed nothing.

    Parameters
    ----------
    model : Model, Features or int
        What takes the samples, or its sample rate in Hz.
    rate : int
        Rate of what comes, Hz. Where it is not the model's, soxr resamples in high quality, as
        audio files are resampled; ``pylstm[cli]`` has it.
    channels : int, default 1
        Channels in what comes. In bytes and in 1-D arrays they are interleaved; 2-D arrays have
        the shape (n, channels).
    channel : int, optional
        The channel that is taken, counted from 0; nothing else is looked at. None: the mean of all.
    encoding : {"int16", "int24", "int32", "float32", "float64", "uint8", "mulaw", "alaw", \
"int16-le", "int16-be", "int24-le", "int24-be", "int32-le", "int32-be", "float32-le", \
"float32-be", "float64-le", "float64-be"}, optional
        How samples are written: ``-le`` with the lowest byte first, as in bytes where nothing is
        said; ``-be`` with the highest first. 24-bit samples are packed in three bytes. Integers are
        divided by 2 ** (bits - 1). µ-law and A-law are those of G.711. None: as the dtype of each
        array says; bytes are then refused.

    Raises
    ------
    TypeError, ValueError
        A model without features, a rate that no recording has, an unknown encoding.
    ImportError
        Resampling is needed, and soxr is missing.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> model = pylstm.load("vad")                                # takes 16000 Hz
    >>> telephone = pylstm.Intake(model, rate=8000, encoding="mulaw")
    >>> samples = [telephone.push(b"\\xff" * 160) for _ in range(50)]  # 20 ms each
    >>> samples.append(telephone.flush())
    >>> sum(map(len, samples)), samples[0].dtype
    (16000, dtype('float32'))
    """

    def __init__(
        self,
        model: TakesAudio | int,
        *,
        rate: int,
        channels: int = 1,
        channel: int | None = None,
        encoding: EncodingName | None = None,
    ) -> None:
        self._model_rate = rate_of(model)
        self._rate = hertz("rate", rate)
        self._channels = count("channels", channels, 1, MOST_CHANNELS)
        self._channel = None if channel is None else whole("channel", channel)
        if self._channel is not None and not 0 <= self._channel < self._channels:
            raise ValueError(
                f"channel is {shown(channel)}; expected 0 to {self._channels - 1}, counted from 0,"
                f" because channels is {channels}"
            )
        self._format = InputFormat(
            self._channels, None if encoding is None else SampleEncoding.named(encoding)
        )
        self._nothing = self._format.nothing()
        self._resampler: Resampler | None = None
        if self._rate != self._model_rate:
            check_resampling(self._rate, self._model_rate)
            self._resampler = Resampler(self._rate, self._model_rate)
        self._calls = OneCall("intake")
        self._begin()

    def _begin(self) -> None:
        self._waiting = self._nothing
        self._doubled = DoubledSamples(possible=self._channels == 1)
        self._position = 0
        self._given = 0
        self._given_elsewhere = 0  # what comes next, as far as `resume` has been told that it came
        self._flushed = False

    # --- what it is -------------------------------------------------------------------------------

    @property
    def rate(self) -> int:
        """Rate of what comes, Hz."""
        return self._rate

    @property
    def model_rate(self) -> int:
        """Rate of the samples that come out, Hz."""
        return self._model_rate

    @property
    def channels(self) -> int:
        """Channels in what comes."""
        return self._channels

    @property
    def channel(self) -> int | None:
        """The channel that is taken; None: the mean of all."""
        return self._channel

    @property
    def encoding(self) -> str | None:
        """How samples are written; None: as the dtype of each array says."""
        return None if self._format.encoding is None else str(self._format.encoding)

    @property
    def position(self) -> int:
        """How many samples of each channel have come since the beginning, or since `reset`."""
        return self._position

    @property
    def given(self) -> int:
        """How many samples have come out since then."""
        return self._given

    @property
    def delay(self) -> float:
        """Seconds of audio that have come and are not out yet: what a resampler holds.

        `flush` gives them. 0 where nothing is resampled.
        """
        return max(0.0, self._position / self._rate - self._given / self._model_rate)

    def __repr__(self) -> str:
        return (
            f"Intake({self._model_rate}, rate={self._rate}, channels={self._channels},"
            f" channel={self._channel}, encoding={self.encoding!r})"
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an Intake cannot be pickled or copied, because the memory of a resampler cannot be"
            f" read; expected a new one where it is needed: pylstm.{self!r}. Its resume() goes on"
            " where this one is"
        )

    # --- audio ------------------------------------------------------------------------------------

    def push(self, data: Audio) -> Samples:
        """Takes audio and gives the model's samples, as far as they are ready.

        Parameters
        ----------
        data : bytes-like, or array of shape (n,) or (n, channels)
            Any length. Buffers of single bytes (``bytes``, ``bytearray``, ``memoryview``,
            ``mmap``) are bytes in the `encoding`. Arrays (NumPy, ``array.array``, ``memoryview``
            with a format) are of int16, int32, uint8, float32 or float64, in either byte order; if
            there is an `encoding`, they have to be in it. Codes of µ-law and A-law are uint8.

        Returns
        -------
        array, shape (m,), float32
            Of the model's rate, one channel, for ``Stream.push``. It is new. Floats on another
            scale than -1 to 1 are passed on as they are: the stream warns of them.

        Raises
        ------
        TypeError
            Something else came, bytes without an `encoding`, or an array in another one.
        ValueError
            NaN or infinity, samples that overflow in resampling, another number of channels, the
            beginning of a file instead of samples, or audio after `flush`.
        StreamBusyError
            Another thread is inside a call on this intake, or was when this process was forked:
            then `reset` it.

        Warns
        -----
        RuntimeWarning
            There is one channel, and all samples come twice: this is interleaved stereo of one
            voice. Once an intake, until `reset`. The samples are taken, unless the warning is made
            an error.
        """
        with self._calls.alone():
            return self._taken(data)

    def _taken(self, data: Audio) -> Samples:
        if self._flushed:
            raise ValueError("the intake was flushed; expected reset() before it takes more")
        came = self._format.opened(data, self._waiting, self._position == 0)
        encoding = came.encoding
        assert encoding is not None
        n_samples = came.whole
        n_frames = n_samples // self._channels
        values = encoding.values(came.data[: n_samples * encoding.size])
        samples = encoding.samples(values[self._channel or 0 :: self._step])
        if encoding.is_float and not np.isfinite(samples).all():
            self._refuse(samples, values, ~np.isfinite(samples), "finite values")
        doubled = self._doubled
        if doubled.possible and (doubled := doubled.after(samples)).certain:
            self._warn_of_doubled_samples()
            doubled = DoubledSamples(possible=False)
        mono = samples[:n_frames] if self._step > 1 else self._mixed(samples, n_frames)
        if self._resampler is not None:
            # Whether one of them overflows must be known before the resampler changes.
            if encoding.is_float and np.abs(mono).max(initial=0.0) > Resampler.LARGEST_SAMPLE:
                large = np.abs(samples) > Resampler.LARGEST_SAMPLE
                self._refuse(
                    samples, values, large, "audio from -1 to 1, because resampling overflows"
                )
            mono = self._resampler.push(mono)
        self._doubled = doubled
        rest = came.data[n_frames * self._channels * encoding.size :]
        self._waiting = EncodedSamples(rest.copy(), encoding) if len(rest) else self._nothing
        self._position += n_frames
        return self._new(mono)

    def _warn_of_doubled_samples(self) -> None:
        warnings.warn(
            "all samples come twice, as those of interleaved stereo do; expected one channel:"
            " make the intake with channels=2 if there are two. This is said once an intake",
            RuntimeWarning,
            stacklevel=4,
        )

    def flush(self, *, drop_unfinished: bool = False) -> Samples:
        """Ends the audio and gives the samples that were not out yet.

        Afterwards the intake takes nothing until `reset`.

        Parameters
        ----------
        drop_unfinished : bool, default False
            What becomes of a piece of a sample, or of samples of some channels alone, at the end of
            the audio: left out, or refused.

        Returns
        -------
        array, shape (m,), float32

        Raises
        ------
        ValueError
            The audio ends inside of a sample or between the channels; or it was flushed before.
        StreamBusyError
            As `push`.
        """
        drop_unfinished = flag("drop_unfinished", drop_unfinished)
        with self._calls.alone():
            return self._rest(drop_unfinished)

    def _rest(self, drop_unfinished: bool) -> Samples:
        if self._flushed:
            raise ValueError("the intake was flushed; expected reset() before it is flushed again")
        if len(self._waiting.data) and not drop_unfinished:
            raise ValueError(
                f"the audio ends with {self._format.unfinished(self._waiting)}; expected whole"
                " ones: if it was cut off there, flush(drop_unfinished=True) leaves that out, else"
                " channels or encoding are wrong"
            )
        samples = np.empty(0, np.float32) if self._resampler is None else self._resampler.flush()
        self._waiting, self._flushed = self._nothing, True
        return self._new(samples)

    def reset(self) -> None:
        """Forgets all audio: what comes next is the beginning.

        Raises
        ------
        StreamBusyError
            Another thread is inside a call on this intake.
        """
        with self._calls.alone(resets=True):
            if self._resampler is not None:
                self._resampler.reset()
            self._begin()

    def resume(self, data: Audio, *, position: int, given: int) -> Samples:
        """Goes on where another intake of the same kind is, as for a session that moves to another
        process.

        What comes out is what the other one would have given, within 1e-6 of full scale: the
        resampler meets the last audio once more.

        Parameters
        ----------
        data : bytes-like, or array
            The last audio that came to the other one, to its end: more than its `delay`, and 320
            samples of the lower one of both rates (20 ms at 16 kHz). Where nothing is resampled, it
            may be empty. With it comes a piece of an unfinished frame, if there was one.
        position, given : int
            Attributes of the other one.

        Returns
        -------
        array, shape (m,), float32
            The samples behind the `given` ones, as far as they are ready.

        Raises
        ------
        TypeError
            As `push`.
        ValueError
            As `push`; the data is too short, or begins where samples of both rates do not coincide;
            or this intake has taken audio already.
        StreamBusyError
            As `push`.
        """
        position, given = count("position", position, 0), count("given", given, 0)
        with self._calls.alone():
            return self._resumed(data, position, given)

    def _resumed(self, data: Audio, position: int, given: int) -> Samples:
        if self._flushed or self._position or len(self._waiting.data):
            raise ValueError("the intake has taken audio; expected reset() before it resumes")
        came = self._format.opened(data, self._waiting, at_start=False)
        start = position - came.whole // self._channels
        before = samples_before(start, position, given, self._rate, self._model_rate)
        self._position, self._doubled = start, DoubledSamples(possible=False)
        try:
            samples = self._taken(data)
        except BaseException:
            self._begin()
            raise
        self._given = given
        self._given_elsewhere = max(0, given - before - len(samples))
        return self._new(samples[given - before :])

    def _new(self, samples: Samples) -> Samples:
        """What of the next samples did not come out elsewhere."""
        new = samples[self._given_elsewhere :]
        self._given_elsewhere -= len(samples) - len(new)
        self._given += len(new)
        return new

    @property
    def _step(self) -> int:
        """From one sample that is looked at to the next, in interleaved channels."""
        return 1 if self._channel is None else self._channels

    def _mixed(self, samples: Samples, n_frames: int) -> Samples:
        if self._channels == 1:
            return samples
        # In float64 the sum of finite float32 values stays finite. One channel after the other, so
        # that a frame's sum does not depend on how many there are.
        frames = samples[: n_frames * self._channels]
        total = frames[:: self._channels].astype(np.float64)
        for channel in range(1, self._channels):
            total += frames[channel :: self._channels]
        total /= self._channels
        return total.astype(np.float32)

    def _refuse(
        self, samples: Samples, values: NDArray[Any], bad: NDArray[np.bool_], expected: str
    ) -> NoReturn:
        """The error about the first sample that is bad, with its place in all that came."""
        place = int(np.argmax(bad)) * self._step + (self._channel or 0)
        frame, channel = divmod(place, self._channels)
        frame += self._position
        where = f"sample {frame}" + (f" of channel {channel}" if self._channels > 1 else "")
        value = values[place]
        if expected == "finite values" and np.isfinite(value):
            expected = "audio from -1 to 1, which float32 holds"
        raise ValueError(
            f"{where} (counted from 0, at {frame / self._rate:.3f} s) is {value!s}; expected"
            f" {expected}. Nothing of the data was taken"
        )
