"""Reads an audio file, or a span of one, as mono float32 at any rate, in bounded memory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.audio.channel_levels import ChannelLevels, MixLoss
from pylstm.audio.decoder import Decoder, soundfile_and_soxr
from pylstm.audio.errors import AudioError, RateError
from pylstm.audio.frame_source import FrameSource

__all__ = ["AudioFile"]

Samples = NDArray[np.float32]

# Values in a block, all channels together: no file makes a block larger than 4 MiB.
_BLOCK_VALUES = 1 << 20
# Blocks a second of what comes live: a model hears it 10 ms later at most.
_LIVE_BLOCKS = 100
# Declared lengths and written times are rounded to about this, seconds.
ROUNDING = 0.1
# What is resampled, Hz: speech has no rate beyond, and a header of 1 Hz makes hours of a few bytes.
LOWEST_RATE, HIGHEST_RATE = 1000, 1_000_000


class AudioFile:
    """An audio file, or a span of one; a context manager.

    Parameters
    ----------
    path : str or path
        Any format that libsndfile reads: WAV, FLAC, Ogg, MP3, AIFF, ...
    sample_rate : int or None
        The rate of the samples, Hz; None: the file's own rate.
    resample : bool
        Whether a file at another rate is resampled (soxr, high quality) or refused.
    start, end : float, optional
        The span to read, seconds, `end` excluded. None: the file's end.
    channel : int, optional
        The channel that is taken, counted from 0; nothing else is looked at. None: the mean of all.
    frames : FrameSource, optional
        What is read instead of a file, such as a pipe; `path` is then its name. It is closed with
        this one.

    Attributes
    ----------
    rate, channels : int
        Hz and channels of the file.
    seconds : float or None
        Length of the audio as the file declares it, if it does; as the file holds it, if that is
        more.
    seconds_read : float
        Length of what has been read so far.
    peak : float
        The largest magnitude of a float sample in what has been read so far, before mixing and
        resampling; `pylstm.audio.scale_problem` says whether that can be audio. 0 for files of
        whole numbers, whose full scale is 1.
    cut : bool
        Whether the header tells that its own length is wrong; see `shortfall`.
    changes : list of str
        Changes of the audio, in words; empty: none.
    mix_loss : MixLoss or None
        By how much mixing has made what was read so far quieter, if that is 9 dB or more: channels
        that cancel each other, or speech on one of several.

    Raises
    ------
    AudioError
        It cannot be read, has no audio or another rate, or ends before `start`.
    ImportError
        soundfile or soxr is missing.

    Examples
    --------
    >>> import tempfile, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/a.wav"
    ...     soundfile.write(path, np.zeros((8000, 2)), 8000)
    ...     with AudioFile(path, 16000) as audio:
    ...         audio.changes, [len(chunk) for chunk in audio.chunks(10_000)]
    (['mixed 2 channels down to mono', 'resampled from 8000 Hz to 16000 Hz'], [10000, 6000])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate: int | None,
        resample: bool = True,
        start: float = 0.0,
        end: float | None = None,
        *,
        channel: int | None = None,
        frames: FrameSource | None = None,
    ) -> None:
        if not (math.isfinite(start) and start >= 0):
            raise ValueError(f"start is {start}; expected seconds, 0 or more")
        if end is not None and not (math.isfinite(end) and end > start):
            raise ValueError(f"end is {end}; expected seconds after start={start}")
        _, soxr = soundfile_and_soxr()
        self._path = os.fsdecode(path)
        self._decoder: FrameSource = Decoder(self._path) if frames is None else frames
        self.rate, self.channels = self._decoder.rate, self._decoder.channels
        self._channel = channel
        self._levels: ChannelLevels | None = None
        self._frames_read = 0
        self._first = round(start * self.rate)
        self._left = None if end is None else max(1, round(end * self.rate) - self._first)
        self._resampler: Any = None
        self.peak = 0.0
        self._loudest = ""
        self.cut = False
        self.changes: list[str] = []
        try:
            if channel is not None and not 0 <= channel < self.channels:
                expected = "0" if self.channels == 1 else f"0 to {self.channels - 1}"
                raise AudioError(
                    f"channel is {channel}; expected {expected}, counted from 0, because"
                    f" {self._path} has {number_of(self.channels, 'channel')}"
                )
            self.seconds = self._length()
            if self._first:
                self._decoder.skip(self._first)
            if self.channels > 1 and channel is None:
                self._levels = ChannelLevels(self.channels)
                self.changes.append(f"mixed {self.channels} channels down to mono")
            if sample_rate is not None and self.rate != sample_rate:
                if not resample:
                    raise RateError(
                        f"{self._path} is at {self.rate} Hz; expected {sample_rate} Hz, because it"
                        " is not to be resampled",
                        self.rate,
                    )
                if not LOWEST_RATE <= self.rate <= HIGHEST_RATE:
                    raise AudioError(
                        f"{self._path} declares a rate of {self.rate} Hz; expected"
                        f" {LOWEST_RATE} to {HIGHEST_RATE} Hz, or {sample_rate} Hz"
                    )
                self.changes.append(f"resampled from {self.rate} Hz to {sample_rate} Hz")
                self._resampler = soxr.ResampleStream(
                    self.rate, sample_rate, num_channels=1, dtype="float32", quality="HQ"
                )
        except BaseException:
            self._decoder.close()
            raise

    def _length(self) -> float | None:
        """Declared seconds of audio, or those that are there, if they are more."""
        frames, declared = self._decoder.frames, self._decoder.declared
        if frames == 0:
            cut = ": it was cut off before the first" if self._decoder.ends_early else ""
            raise AudioError(f"{self._path} holds no samples{cut}; expected audio")
        if frames is None:
            return None if self._left is None else self._left / self.rate
        if self._first >= frames:
            raise AudioError(
                f"{self._path} ends at {frames / self.rate:.2f} s; expected audio from"
                f" {self._first / self.rate:.2f} s on"
            )
        if self._left is None:
            self.cut = self._decoder.ends_early or declared not in (None, frames)
            return (max(frames, declared or 0) - self._first) / self.rate
        frames -= self._first
        if self._left - frames > ROUNDING * self.rate:
            raise AudioError(
                f"{self._path} ends at {(self._first + frames) / self.rate:.2f} s; expected"
                f" audio until {(self._first + self._left) / self.rate:.2f} s"
            )
        self._left = min(frames, self._left)
        return self._left / self.rate

    def __repr__(self) -> str:
        return f"AudioFile({self._path!r}, rate={self.rate}, channels={self.channels})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._decoder.close()

    @property
    def may_hold_nan(self) -> bool:
        """Whether the file holds floats; whole numbers are always finite."""
        return self._decoder.subtype in ("FLOAT", "DOUBLE")

    @property
    def seconds_read(self) -> float:
        """Length of what has been read so far."""
        return self._frames_read / self.rate

    @property
    def doubled(self) -> bool:
        """Whether all samples that were read came twice: stereo that is taken for one channel."""
        return self._decoder.doubled

    @property
    def mix_loss(self) -> MixLoss | None:
        """What mixing has lost so far, if that is much."""
        return None if self._levels is None else self._levels.loss

    @property
    def shortfall(self) -> str | None:
        """Says how the length of the file is not what it declares, once all is read; None: it is.

        Some decoders stop where a file is cut off without an error, and libsndfile believes that
        WAV and AIFF files are complete (`pylstm.audio.declared_length` does not). Others declare
        rounded lengths, so a tenth of a second is tolerated. A header may also declare less than
        the file holds, as where a recorder crashed: all of it is read.
        """
        read, decoder = self.seconds_read, self._decoder
        if decoder.unfinished is not None:
            return decoder.unfinished
        if self.seconds is not None and self.seconds - read >= ROUNDING:
            return f"cut off: {read:.2f} s of the {self.seconds:.2f} s that it declares"
        if self._left is not None:
            return None
        if decoder.ends_early:
            return f"cut off after {read:.2f} s: its end is missing"
        if decoder.declared is not None and decoder.frames is not None:
            surplus = (decoder.frames - decoder.declared) / self.rate
            if surplus >= ROUNDING or (surplus > 0 and decoder.declared == 0):
                declared = decoder.declared / self.rate
                return (
                    f"longer than its header says: {declared + surplus:.2f} s, not {declared:.2f} s"
                )
        return None

    def chunks(self, size: int) -> Iterator[Samples]:
        """The audio from the beginning to the end, once.

        Parameters
        ----------
        size : int
            Samples in a chunk; the last chunk may be shorter.

        Yields
        ------
        array, shape (n,), float32

        Raises
        ------
        AudioError
            The file is damaged, or holds NaN or infinity, or samples too large to be resampled.
        """
        pending = np.empty(0, np.float32)
        for block in self._blocks():
            samples = np.concatenate([pending, block]) if len(pending) else block
            whole = len(samples) // size * size
            for start in range(0, whole, size):
                yield samples[start : start + size]
            pending = samples[whole:]
        if len(pending):
            yield pending

    def read(self) -> Samples:
        """Reads all of it at once.

        Returns
        -------
        array, shape (n,), float32

        Raises
        ------
        AudioError
            As `chunks`.
        """
        return np.concatenate([*self._blocks()])

    def _blocks(self) -> Iterator[Samples]:
        """Mono float32 at the rate asked for, block by block."""
        # A quarter of a second, so that blocks stay small after resampling from a low rate.
        parts = _LIVE_BLOCKS if self._decoder.live else 4
        count = max(1, min(self.rate // parts, _BLOCK_VALUES // self.channels))
        while len(block := self._next(count)):
            if self._levels is None:
                mono = block[:, 0]
            else:
                # In float64 the sum of finite float32 values stays finite.
                mono = block.mean(axis=1, dtype=np.float64)
                self._levels.add(block, mono)
            mono = np.ascontiguousarray(mono, np.float32)
            yield mono if self._resampler is None else self._resampled(mono)
        if self._frames_read == 0:
            raise AudioError(f"{self._path} holds no samples; expected audio")
        if self._resampler is not None:
            yield self._resampled(np.empty(0, np.float32), last=True)

    def _resampled(self, mono: Samples, last: bool = False) -> Samples:
        samples: Samples = self._resampler.resample_chunk(mono, last=last)
        if self.may_hold_nan and not np.isfinite(samples).all():
            raise AudioError(
                f"{self._path}: {self._loudest}; expected audio from -1 to 1, because resampling"
                " overflows"
            )
        return samples

    def _next(self, count: int) -> Samples:
        """The next samples of the channels that count, (n, channels), finite; none at the end."""
        if self._left is not None:
            count = min(count, self._left)
            self._left -= count
        try:
            block = self._decoder.read(count)
        except AudioError as error:
            raise AudioError(
                f"cannot read {self._path} after {self.seconds_read:.2f} s: {error}"
            ) from None
        if self._channel is not None:
            block = block[:, self._channel : self._channel + 1]
        if self.may_hold_nan and len(block):
            self._look_at(block)
        self._frames_read += len(block)
        return block

    def _look_at(self, block: Samples) -> None:
        """Keeps the loudest sample in mind, and refuses NaN and infinity."""
        magnitudes = np.abs(block)
        peak = float(magnitudes.max())  # NaN, if there is one
        if peak <= self.peak:
            return
        bad = ~np.isfinite(block)
        row, channel = divmod(int(np.argmax(bad if bad.any() else magnitudes)), block.shape[1])
        value = block[row, channel]
        channel += self._channel or 0
        sample = self._first + self._frames_read + row
        where = f"sample {sample}" + (f" of channel {channel}" if self.channels > 1 else "")
        where += f" (counted from 0, at {sample / self.rate:.3f} s)"
        if bad.any():
            expected = "finite values"
            if self._decoder.subtype == "DOUBLE" and np.isinf(value):
                exact = self._decoder.exactly(sample)[channel]
                if np.isfinite(exact):  # libsndfile makes infinity of what float32 cannot hold
                    value, expected = exact, "audio from -1 to 1, which float32 holds"
            raise AudioError(f"{self._path}: {where} is {value!s}; expected {expected}")
        self._loudest = f"{where} is {value!s}"
        self.peak = peak
