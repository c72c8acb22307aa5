"""The audio that the user names: files, pipes and standard input, with a header or without."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Annotated, cast

import typer

from pylstm.audio import (
    AudioError,
    AudioFile,
    EncodedFrames,
    Pipe,
    SampleEncoding,
    has_header,
    piped_audio,
)
from pylstm.cli.console.errors import USAGE, CliError

__all__ = [
    "AudioArguments",
    "AudioInput",
    "ChannelOption",
    "ChannelsOption",
    "RateOption",
    "RawOption",
    "shown",
]

STDIN = Path("-")
# As libsndfile has them.
_MOST_CHANNELS = 1024

AudioArguments = Annotated[
    list[Path],
    typer.Argument(
        metavar="AUDIO",
        help="WAV, FLAC, Ogg, MP3, ... files at any rate, or pipes; - is standard input.",
    ),
]
RawOption = Annotated[
    str | None,
    typer.Option(
        metavar="ENCODING",
        help="The audio has no header, and its samples are int16, int24, int32, float32, float64, "
        "uint8, mulaw or alaw; int16-be is big-endian.",
    ),
]
RateOption = Annotated[
    int | None, typer.Option(metavar="HZ", min=1, help="Sample rate of --raw audio.")
]
ChannelsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, max=_MOST_CHANNELS, help="Interleaved channels of --raw audio, or 1."
    ),
]
ChannelOption = Annotated[
    int | None,
    typer.Option(
        metavar="K", min=0, help="The channel to take, counted from 0, or the mean of all."
    ),
]


def shown(path: Path) -> str:
    """What messages call it."""
    return "standard input" if path == STDIN else str(path)


@dataclass(frozen=True)
class AudioInput:
    """How audio is opened; made by `of`.

    Attributes
    ----------
    encoding : SampleEncoding or None
        Of samples without a header; None: there is one.
    rate, channels : int
        Of samples without a header.
    channel : int or None
        The channel that is taken; None: the mean.
    """

    encoding: SampleEncoding | None
    rate: int
    channels: int
    channel: int | None

    @classmethod
    def of(
        cls, raw: str | None, rate: int | None, channels: int | None, channel: int | None
    ) -> AudioInput:
        """From the options.

        Raises
        ------
        CliError
            They contradict each other, or there is no such encoding.
        """
        if raw is None:
            for name, value in (("--rate", rate), ("--channels", channels)):
                if value is not None:
                    raise CliError(
                        f"{name} is {value} without --raw; expected neither for audio with a"
                        " header, which says it, and for audio without one --raw int16 (or another"
                        " encoding) and --rate",
                        USAGE,
                    )
            return cls(None, 0, 0, channel)
        try:
            encoding = SampleEncoding.named(raw)
        except ValueError as error:
            raise CliError(str(error).replace("encoding is", "--raw is", 1), USAGE) from None
        if rate is None:
            raise CliError(
                f"--raw is {raw} without --rate; expected the rate in Hz, such as --rate 16000",
                USAGE,
            )
        return cls(encoding, rate, channels or 1, channel)

    @staticmethod
    def check_names(audio: Sequence[Path]) -> None:
        """Refuses standard input that is to be read twice."""
        if audio.count(STDIN) > 1:
            raise CliError(
                f"- is given {audio.count(STDIN)} times; expected once, because standard input"
                " comes once",
                USAGE,
            )

    def open(self, path: Path, sample_rate: int, resample: bool = True) -> AudioFile:
        """Opens audio at its beginning, for samples at a rate.

        Raises
        ------
        AudioError
            It cannot be read.
        CliError
            Standard input is a terminal, or audio has a header where none is expected.
        """
        name = shown(path)
        stream = self._stream(path)
        if stream is not None:
            return self.of_stream(stream, name, sample_rate, resample)
        if self.encoding is None:
            try:
                return AudioFile(path, sample_rate, resample, channel=self.channel)
            except AudioError as error:
                raise _hinted(error) from None
        try:
            stream = open(path, "rb")  # noqa: SIM115
        except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
            raise _unreadable(name, error) from None
        return self.of_stream(stream, name, sample_rate, resample)

    def of_stream(
        self, stream: BufferedIOBase, name: str, sample_rate: int, resample: bool = True
    ) -> AudioFile:
        """The same of a stream that comes once, whose `read` waits for as much as is asked for."""
        pipe = Pipe(stream)
        try:
            if self.encoding is None:
                frames = piped_audio(pipe, name)
            elif has_header(pipe):
                raise CliError(
                    f"{name} begins as an audio file does; expected samples without a header:"
                    " leave out --raw, --rate and --channels",
                    USAGE,
                )
            else:
                frames = EncodedFrames(pipe, self.encoding, self.rate, self.channels, live=True)
        except AudioError as error:
            raise _hinted(error) from None
        except OSError as error:
            raise _unreadable(name, error) from None
        return AudioFile(name, sample_rate, resample, channel=self.channel, frames=frames)

    def _stream(self, path: Path) -> BufferedIOBase | None:
        """What comes once and cannot be looked at twice; None: a file, or nothing is there."""
        if path == STDIN:
            return _standard_input()
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError):
            return None
        if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            return None
        try:
            stream = open(path, "rb")  # noqa: SIM115
        except OSError as error:
            raise _unreadable(str(path), error) from None
        if stream.isatty():
            stream.close()
            raise _terminal(str(path))
        return stream


def _standard_input() -> BufferedIOBase:
    if sys.stdin is None:
        raise AudioError("standard input is closed; expected audio")
    if sys.stdin.isatty():
        raise _terminal("standard input")
    with contextlib.suppress(OSError, ValueError):  # it is no file of the system
        os.set_blocking(sys.stdin.fileno(), True)  # else a read would not wait for audio
    return cast(BufferedIOBase, sys.stdin.buffer)


def _terminal(name: str) -> CliError:
    return CliError(
        f"{name} is a terminal; expected audio: put < FILE behind the command, or PROGRAM | before"
        " it",
        USAGE,
    )


def _unreadable(name: str, error: Exception) -> AudioError:
    return AudioError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}")


def _hinted(error: AudioError) -> AudioError:
    """The same error, with what to do where the audio may have no header."""
    text = str(error)
    if text.endswith(("format not recognised", "headerless audio has no rate")):
        return AudioError(f"{text}; --raw int16 --rate 16000 would read samples without a header")
    return error
