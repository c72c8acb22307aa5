"""A listener that hears an audio file or a pipe chunk by chunk, as a microphone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm._engine import Listener
from pylstm.audio import AudioError, AudioFile
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.decisions import Event

__all__ = ["Heard", "Listening", "ListeningSummary"]


@dataclass(frozen=True)
class Heard:
    """The results of one chunk of audio.

    Attributes
    ----------
    first_frame : int
        Number of the first row.
    rows : array, shape (n, n_outputs), float32, or None
        Posteriors, one row a frame, often none; None: they were not asked for.
    events : list of Event
    """

    first_frame: int
    rows: NDArray[np.float32] | None
    events: list[Event]


@dataclass(frozen=True)
class ListeningSummary:
    """How much audio was heard, and how long that took.

    Attributes
    ----------
    audio_seconds : float
        Length of the audio.
    processing_seconds : float
        Time that the engine took.
    reading_seconds : float
        Time that reading, decoding, mixing and resampling took; of a pipe, waiting, too.
    frames : int
        Rows of posteriors.
    events : int
        Events.
    """

    audio_seconds: float
    processing_seconds: float
    reading_seconds: float
    frames: int
    events: int

    def __add__(self, other: ListeningSummary) -> ListeningSummary:
        return ListeningSummary(
            self.audio_seconds + other.audio_seconds,
            self.processing_seconds + other.processing_seconds,
            self.reading_seconds + other.reading_seconds,
            self.frames + other.frames,
            self.events + other.events,
        )

    @property
    def real_time_factor(self) -> float:
        """Processing time per second of audio; below 1 keeps up with a microphone."""
        return self.processing_seconds / self.audio_seconds


class Listening:
    """One pass of audio through a listener; iterate over it once.

    Parameters
    ----------
    listener : Listener
        It is reset.
    audio : AudioFile
        At its beginning, at the model's rate.
    chunk_ms : float
        Milliseconds of audio in a chunk.
    posteriors : bool
        Whether rows are given, too.

    Raises
    ------
    CliError
        A chunk is shorter than one sample.
    """

    def __init__(
        self, listener: Listener, audio: AudioFile, chunk_ms: float, posteriors: bool = False
    ) -> None:
        rate = listener.model.sample_rate
        assert rate is not None  # it has a listener, hence features
        if chunk_ms * rate < 1000:
            raise CliError(
                f"--chunk-ms is {chunk_ms:g}; expected {1000 / rate:g} or more, one sample at"
                f" {rate} Hz",
                USAGE,
            )
        listener.reset()
        self._size = math.floor(chunk_ms * rate / 1000 + 0.5)
        self._listener = listener
        self._audio = audio
        self._posteriors = posteriors
        self._processing = 0.0
        self._reading = 0.0
        self._events = 0

    def __iter__(self) -> Iterator[Heard]:
        chunks = self._audio.chunks(self._size)
        while True:
            start = perf_counter()
            chunk = next(chunks, None)
            self._reading += perf_counter() - start
            if chunk is None:
                break
            yield self._hear(self._listener.push, chunk)
        yield self._hear(self._listener.flush)

    def _hear(self, step: Callable[..., Any], *audio: NDArray[np.float32]) -> Heard:
        first_frame = self._listener.frames
        rows = None
        start = perf_counter()
        try:
            if self._posteriors:
                events, rows = step(*audio, posteriors=True)
            else:
                events = step(*audio)
        except ValueError as error:
            raise AudioError(f"stopped at {self._audio.seconds_read:.2f} s: {error}") from None
        self._processing += perf_counter() - start
        self._events += len(events)
        return Heard(first_frame, rows, events)

    @property
    def summary(self) -> ListeningSummary:
        """Of the audio so far."""
        return ListeningSummary(
            self._audio.seconds_read,
            self._processing,
            self._reading,
            self._listener.frames,
            self._events,
        )
