"""Audio files: any that soundfile reads, as mono float32 at the model's rate, in bounded memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from pylstm.cli.errors import CliError

__all__ = ["AudioFile"]

Samples = NDArray[np.float32]

# libsndfile's way to say that a file does not know how long it is begins here.
_UNKNOWN = 1 << 62
# Values in a block, all channels together: no file makes a block larger than 4 MiB.
_BLOCK_VALUES = 1 << 20


class AudioFile:
    """An audio file on its way to a model; a context manager.

    Parameters
    ----------
    path : Path
        Any format that libsndfile reads: WAV, FLAC, Ogg, MP3, AIFF, ...
    sample_rate : int
        Hz that come out.
    resample : bool
        Whether a file at another rate is resampled (soxr, high quality) or refused.

    Attributes
    ----------
    seconds : float or None
        Length that the file declares, if it does.
    seconds_read : float
        Length of what has been read so far.
    changes : list of str
        What is done to the audio before it comes out, in words; empty: nothing.

    Raises
    ------
    CliError
        It cannot be read, or holds no audio, or has another rate.
    """

    def __init__(self, path: Path, sample_rate: int, resample: bool = True) -> None:
        self._path = path
        self._file = _opened(path)
        self._rate = int(self._file.samplerate)
        self._frames_read = 0
        frames = self._file.frames
        self.seconds = None if frames >= _UNKNOWN else frames / self._rate
        self.changes: list[str] = []
        self._resampler: soxr.ResampleStream | None = None
        try:
            if frames == 0:
                raise CliError(f"{path} holds no audio")
            if self._file.channels > 1:
                self.changes.append(f"mixed {self._file.channels} channels down to mono")
            if self._rate != sample_rate:
                if not resample:
                    raise CliError(
                        f"{path} is at {self._rate} Hz, the model takes {sample_rate} Hz, "
                        "and --no-resample forbids to change it"
                    )
                self.changes.append(f"resampled from {self._rate} Hz to {sample_rate} Hz")
                self._resampler = soxr.ResampleStream(
                    self._rate, sample_rate, num_channels=1, dtype="float32", quality="HQ"
                )
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def seconds_read(self) -> float:
        """Length of what has been read so far."""
        return self._frames_read / self._rate

    @property
    def shortfall(self) -> str | None:
        """Once all is read: how much the file lacks of what it declares, in words; None: nothing.

        Some decoders stop at the cut of a file without complaint. Others declare rounded lengths: a
        tenth of a second is let pass.
        """
        if self.seconds is None or self.seconds - self.seconds_read < 0.1:
            return None
        return f"cut off: {self.seconds_read:.2f} s of the {self.seconds:.2f} s that it declares"

    def chunks(self, size: int) -> Iterator[Samples]:
        """The audio from the beginning to the end, once.

        Parameters
        ----------
        size : int
            Samples a chunk; the last chunk holds what is left.

        Yields
        ------
        array, shape (n,), float32

        Raises
        ------
        CliError
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

    def _blocks(self) -> Iterator[Samples]:
        """Mono float32 at the rate that the model takes, as much at a time as is read at a time."""
        # A quarter of a second: however low the file's rate is, what is resampled stays small.
        count = max(1, min(self._rate // 4, _BLOCK_VALUES // self._file.channels))
        while len(block := self._read(count)):
            # In float64 the sum of finite float32 values stays finite.
            mono = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float64)
            mono = np.ascontiguousarray(mono, np.float32)
            yield mono if self._resampler is None else self._resampler.resample_chunk(mono)
        if self._frames_read == 0:
            raise CliError(f"{self._path} holds no audio")
        if self._resampler is not None:
            yield self._resampler.resample_chunk(np.empty(0, np.float32), last=True)

    def _read(self, count: int) -> Samples:
        """The next samples of all channels, (n, channels); none at the end."""
        try:
            block = self._file.read(count, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise CliError(
                f"cannot read {self._path} after {self.seconds_read:.2f} s: {_words(error)}"
            ) from None
        bad = np.flatnonzero(~np.isfinite(block))
        if len(bad):
            row, channel = divmod(int(bad[0]), block.shape[1])
            sample = self._frames_read + row
            where = f"sample {sample}" + (f" of channel {channel}" if block.shape[1] > 1 else "")
            raise CliError(
                f"{self._path}: {where} (counted from 0, at {sample / self._rate:.3f} s) "
                f"is {block[row, channel]}; expected finite values"
            )
        self._frames_read += len(block)
        return block


def _opened(path: Path) -> soundfile.SoundFile:
    """The file, open; libsndfile calls all that the system refuses a "System error"."""
    try:
        # Looked at before it is opened: opening a pipe would wait for its other end.
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise CliError(f"{path} is a folder; expected an audio file")
        if not stat.S_ISREG(mode):
            raise CliError(f"{path} is not a regular file; expected an audio file")
        with open(path, "rb") as file:
            if not file.read(1):
                raise CliError(f"{path} is empty; expected an audio file")
        return soundfile.SoundFile(path)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        raise CliError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    except soundfile.SoundFileError as error:
        raise CliError(f"cannot read {path}: {_words(error)}") from None
    except TypeError:  # soundfile takes the suffix .raw for its word and asks for the rate
        raise CliError(f"cannot read {path}: headerless audio has no rate") from None


def _words(error: Exception) -> str:
    """What libsndfile says, without the name of the file, which stands in our line already."""
    text = getattr(error, "error_string", "") or str(error)
    return str(text).removeprefix("Error : ").strip().rstrip(".").lower()
