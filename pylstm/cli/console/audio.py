"""Audio files as the commands read them: what `pylstm.audio` cannot do is one line on stderr."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

# Imported here, so that a missing one is said before a command begins.
import soundfile  # noqa: F401
import soxr  # noqa: F401

from pylstm import audio
from pylstm.cli.console.errors import CliError

__all__ = ["AudioFile"]


class AudioFile(audio.AudioFile):
    """An audio file on its way to a model; a context manager.

    Parameters
    ----------
    path : Path
        Any format that libsndfile reads: WAV, FLAC, Ogg, MP3, AIFF, ...
    sample_rate : int
        Hz that come out.
    resample : bool
        Whether a file at another rate is resampled (soxr, high quality) or refused.

    Raises
    ------
    CliError
        It cannot be read, or holds no audio, or has another rate.
    """

    def __init__(self, path: Path, sample_rate: int, resample: bool = True) -> None:
        try:
            with _on_one_line():
                super().__init__(path, sample_rate, resample)
        except audio.RateError as error:
            raise CliError(
                f"{path} is at {error.rate} Hz, the model takes {sample_rate} Hz, "
                "and --no-resample forbids to change it"
            ) from None

    def chunks(self, size: int) -> Iterator[audio.Samples]:
        """The audio from the beginning to the end, once; errors are those of the command line."""
        with _on_one_line():
            yield from super().chunks(size)


@contextlib.contextmanager
def _on_one_line() -> Iterator[None]:
    try:
        yield
    except audio.RateError:
        raise  # said in the words of the option
    except audio.AudioError as error:
        raise CliError(str(error)) from None
