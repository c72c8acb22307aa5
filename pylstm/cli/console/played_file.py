"""An audio file that is played in real time, block by block, as a microphone would give it."""

from __future__ import annotations

import threading
from pathlib import Path
from time import monotonic

from pylstm.arguments import number_of
from pylstm.audio import AudioError
from pylstm.audio.decoder import Decoder
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.live_source import BlockTaker

__all__ = ["PlayedFile"]

_BLOCK_SECONDS = 0.01


class PlayedFile:
    """A `LiveSource` of the samples in a file, at the file's rate and with its channels.

    Parameters
    ----------
    path : Path
        Any format that libsndfile reads.
    channel : int
        The channel that will be listened to, counted from 0.

    Raises
    ------
    AudioError
        It cannot be read.
    CliError
        It has no such channel.
    """

    def __init__(self, path: Path, channel: int) -> None:
        self._path = path
        self._decoder = Decoder(str(path))
        if channel >= self._decoder.channels:
            self._decoder.close()
            raise CliError(
                f"--channel is {channel}; expected 0 to {self._decoder.channels - 1}, because"
                f" {path} has {number_of(self._decoder.channels, 'channel')}",
                USAGE,
            )
        self.name = path.name
        self.rate, self.channels = self._decoder.rate, self._decoder.channels
        self.latency = 0.0
        self.if_silent = "the file begins with silence"
        if self.channels > 1:
            self.if_silent += f" on channel {channel}; --channel chooses another one"
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._read = 0
        self._error: AudioError | None = None

    def start(self, take: BlockTaker) -> None:
        """Begins to play."""
        self._thread = threading.Thread(target=self._play, args=(take,), daemon=True)
        self._thread.start()

    def _play(self, take: BlockTaker) -> None:
        size = max(1, round(self.rate * _BLOCK_SECONDS))
        begin = monotonic()
        try:
            while len(block := self._decoder.read(size)):
                self._read += len(block)
                # A device gives a block when its last sample has been recorded.
                due = begin + self._read / self.rate
                if self._stopped.wait(max(0.0, due - monotonic())):
                    return
                take(block, len(block), None, None)
        except AudioError as error:
            self._error = error

    @property
    def ended(self) -> bool:
        """Whether all of it has been played."""
        return self._thread is not None and not self._thread.is_alive()

    def close(self) -> None:
        """Stops playing and closes the file."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._decoder.close()

    def check(self) -> None:
        """Raises the error that ended the playing, if one did."""
        if self._error is not None:
            after = f"after {self._read / self.rate:.2f} s"
            raise CliError(f"cannot read {self._path} {after}: {self._error}")
        if self.ended and not self._read:
            raise CliError(f"{self._path} holds no samples; expected audio")
