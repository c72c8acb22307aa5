"""Reads an audio file, or a span of one, as mono float32 at any rate, in bounded memory."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pylstm.audio.declared_length import share_present

__all__ = ["AudioError", "AudioFile", "RateError", "soundfile_and_soxr"]

Samples = NDArray[np.float32]

# libsndfile gives this many frames or more if a file does not know its length.
_UNKNOWN = 1 << 62
# Values in a block, all channels together: no file makes a block larger than 4 MiB.
_BLOCK_VALUES = 1 << 20
# Declared lengths and written times are rounded to about this, seconds.
ROUNDING = 0.1


class AudioError(ValueError):
    """A file cannot be read as audio; the message is one line and names the file."""


class RateError(AudioError):
    """A file is at another rate and may not be resampled.

    Attributes
    ----------
    rate : int
        The rate of the file, Hz.
    """

    def __init__(self, message: str, rate: int) -> None:
        super().__init__(message)
        self.rate = rate


def soundfile_and_soxr() -> tuple[ModuleType, ModuleType]:
    """The two libraries that read audio.

    Raises
    ------
    ImportError
        One of them is not installed; the message names the extra that has them.
    """
    try:
        import soundfile
        import soxr
    except (ImportError, OSError) as error:  # OSError: soundfile without its C library
        raise ImportError(
            f'reading audio needs soundfile and soxr: pip install "pylstm[train]" ({error})'
        ) from error
    return soundfile, soxr


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

    Attributes
    ----------
    rate, channels : int
        Hz and channels of the file.
    seconds : float or None
        Length of the audio as the file declares it, if it does.
    seconds_read : float
        Length of what has been read so far.
    cut : bool
        Whether the header tells that the file ends too soon; see `shortfall`.
    changes : list of str
        Changes of the audio, in words; empty: none.

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
    ) -> None:
        if not (math.isfinite(start) and start >= 0):
            raise ValueError(f"start is {start}; expected seconds, 0 or more")
        if end is not None and not (math.isfinite(end) and end > start):
            raise ValueError(f"end is {end}; expected seconds after start={start}")
        soundfile, soxr = soundfile_and_soxr()
        self._error: type[Exception] = soundfile.SoundFileError
        self._path = os.fspath(path)
        self._file = _opened(self._path, soundfile)
        if self._file.frames >= _UNKNOWN:
            # soundfile seeks to its position after every block. That fails if the end is unknown,
            # as in FLAC from a pipe.
            self._file.seekable = lambda: False
        self.rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        self._frames_read = 0
        self._first = round(start * self.rate)
        self._left = None if end is None else max(1, round(end * self.rate) - self._first)
        self._resampler: Any = None
        self.cut = False
        self.changes: list[str] = []
        try:
            self.seconds = self._length()
            if self._first:
                self._file.seek(self._first)
            if self.channels > 1:
                self.changes.append(f"mixed {self.channels} channels down to mono")
            if sample_rate is not None and self.rate != sample_rate:
                if not resample:
                    raise RateError(
                        f"{self._path} is at {self.rate} Hz; expected {sample_rate} Hz, because it"
                        " is not to be resampled",
                        self.rate,
                    )
                self.changes.append(f"resampled from {self.rate} Hz to {sample_rate} Hz")
                self._resampler = soxr.ResampleStream(
                    self.rate, sample_rate, num_channels=1, dtype="float32", quality="HQ"
                )
        except soundfile.SoundFileError as error:
            self._file.close()
            raise AudioError(
                f"cannot find {start:.2f} s in {self._path}: {_words(error)}"
            ) from None
        except BaseException:
            self._file.close()
            raise

    def _length(self) -> float | None:
        """Declared seconds of audio."""
        frames = self._file.frames
        if frames == 0:
            raise AudioError(f"{self._path} holds no samples; expected audio")
        if frames >= _UNKNOWN:
            return None if self._left is None else self._left / self.rate
        if self._first >= frames:
            raise AudioError(
                f"{self._path} ends at {frames / self.rate:.2f} s; expected audio from"
                f" {self._first / self.rate:.2f} s on"
            )
        if self._left is None and (there := share_present(self._path)) < 1.0:
            self.cut = True
            return frames / there / self.rate - self._first / self.rate
        frames -= self._first
        if self._left is not None:
            if self._left - frames > ROUNDING * self.rate:
                raise AudioError(
                    f"{self._path} ends at {(self._first + frames) / self.rate:.2f} s; expected"
                    f" audio until {(self._first + self._left) / self.rate:.2f} s"
                )
            frames = self._left = min(frames, self._left)
        return frames / self.rate

    def __repr__(self) -> str:
        return f"AudioFile({self._path!r}, rate={self.rate}, channels={self.channels})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    @property
    def may_hold_nan(self) -> bool:
        """Whether the file holds floats; whole numbers are always finite."""
        return self._file.subtype in ("FLOAT", "DOUBLE")

    @property
    def seconds_read(self) -> float:
        """Length of what has been read so far."""
        return self._frames_read / self.rate

    @property
    def shortfall(self) -> str | None:
        """Says how much less than declared the file held, once all is read; None: nothing is
        missing.

        Some decoders stop where a file is cut off without an error, and libsndfile believes that
        WAV and AIFF files are complete (`pylstm.audio.declared_length` does not). Others declare
        rounded lengths, so a tenth of a second is tolerated.
        """
        if self.seconds is None or self.seconds - self.seconds_read < ROUNDING:
            return None
        return f"cut off: {self.seconds_read:.2f} s of the {self.seconds:.2f} s that it declares"

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
            The file is damaged, or holds NaN or infinity.
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
        count = max(1, min(self.rate // 4, _BLOCK_VALUES // self.channels))
        while len(block := self._read(count)):
            # In float64 the sum of finite float32 values stays finite.
            mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float64)
            mono = np.ascontiguousarray(mono, np.float32)
            yield mono if self._resampler is None else self._resampler.resample_chunk(mono)
        if self._frames_read == 0:
            raise AudioError(f"{self._path} holds no samples; expected audio")
        if self._resampler is not None:
            yield self._resampler.resample_chunk(np.empty(0, np.float32), last=True)

    def _read(self, count: int) -> Samples:
        """The next samples of all channels, (n, channels); none at the end."""
        if self._left is not None:
            count = min(count, self._left)
            self._left -= count
        try:
            block = self._file.read(count, dtype="float32", always_2d=True)
        except self._error as error:
            raise AudioError(
                f"cannot read {self._path} after {self.seconds_read:.2f} s: {_words(error)}"
            ) from None
        bad = np.flatnonzero(~np.isfinite(block))
        if len(bad):
            row, channel = divmod(int(bad[0]), block.shape[1])
            sample = self._first + self._frames_read + row
            where = f"sample {sample}" + (f" of channel {channel}" if block.shape[1] > 1 else "")
            raise AudioError(
                f"{self._path}: {where} (counted from 0, at {sample / self.rate:.3f} s) "
                f"is {block[row, channel]}; expected finite values"
            )
        self._frames_read += len(block)
        return block


def _opened(path: str, soundfile: ModuleType) -> Any:
    """The file, open; errors of the system are more exact than libsndfile's "System error"."""
    try:
        # Looked at before it is opened: opening a pipe would wait for its other end.
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(f"{path} is a folder; expected an audio file")
        if not stat.S_ISREG(mode):
            raise AudioError(f"{path} is not a regular file; expected an audio file")
        with open(path, "rb") as file:
            if not file.read(1):
                raise AudioError(f"{path} is empty; expected an audio file")
        return soundfile.SoundFile(path)
    except AudioError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"cannot read {path}: {reason}") from None
    except soundfile.SoundFileError as error:
        raise AudioError(f"cannot read {path}: {_words(error)}") from None
    except TypeError:  # soundfile believes the suffix .raw and asks for the rate
        raise AudioError(f"cannot read {path}: headerless audio has no rate") from None


def _words(error: Exception) -> str:
    """libsndfile's message without the name of the file, which ours has already."""
    text = getattr(error, "error_string", "") or str(error)
    return str(text).removeprefix("Error : ").strip().rstrip(".").lower()
