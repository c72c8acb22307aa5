"""A model that listens to an audio file chunk by chunk, as to a microphone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.audio import AudioFile
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.decisions import Detector, Event
from pylstm.model import Model

__all__ = ["Heard", "Listening", "ListeningSummary", "detector_of", "keywords_of"]


@dataclass(frozen=True)
class Heard:
    """The results of one chunk of audio.

    Attributes
    ----------
    first_frame : int
        Number of the first row.
    rows : array, shape (n, n_outputs), float32
        Posteriors, one row a frame; often none.
    events : list of Event
    """

    first_frame: int
    rows: NDArray[np.float32]
    events: list[Event]


@dataclass(frozen=True)
class ListeningSummary:
    """How much audio was heard, and how long that took.

    Attributes
    ----------
    audio_seconds : float
        Length of the audio.
    processing_seconds : float
        Time that the engine and the detector took.
    reading_seconds : float
        Time that reading, decoding, mixing and resampling took.
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

    @property
    def real_time_factor(self) -> float:
        """Processing time per second of audio; below 1 keeps up with a microphone."""
        return self.processing_seconds / self.audio_seconds


class Listening:
    """One pass of a file through a model and its detector; iterate over it once.

    Parameters
    ----------
    model : Model
        With features and labels.
    detector : Detector
        At the start of a stream.
    audio : AudioFile
        At its beginning, at the model's rate.
    chunk_ms : float
        Milliseconds of audio in a chunk.

    Raises
    ------
    CliError
        A chunk is shorter than one sample.
    """

    def __init__(self, model: Model, detector: Detector, audio: AudioFile, chunk_ms: float) -> None:
        rate = model.sample_rate
        assert rate is not None  # detector_of has checked it
        if chunk_ms * rate < 1000:
            raise CliError(
                f"--chunk-ms is {chunk_ms:g}; expected {1000 / rate:g} or more, one sample at"
                f" {rate} Hz",
                USAGE,
            )
        self._size = math.floor(chunk_ms * rate / 1000 + 0.5)
        self._stream = model.stream()
        self._detector = detector
        self._audio = audio
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
            yield self._hear(self._stream.push, chunk)
        yield self._hear(self._stream.flush)

    def _hear(self, step: Callable[..., NDArray[np.float32]], *audio: Any) -> Heard:
        first_frame = self._stream.frames
        start = perf_counter()
        try:
            rows = step(*audio)
            events = self._detector.push(rows)
        except ValueError as error:
            raise CliError(f"stopped at {self._audio.seconds_read:.2f} s: {error}") from None
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
            self._stream.frames,
            self._events,
        )


def detector_of(model: Model, name: str) -> Detector:
    """The detector whose parameters are in a model's info.

    Raises
    ------
    CliError
        The model has no features, no labels, or no parameters of a detector.
    """
    try:
        return Detector.for_model(model)
    except ValueError as error:
        raise CliError(
            f"{name} has no detector: {error}; Model(..., info=...) sets its parameters, see"
            " pylstm.Detector.for_model"
        ) from None


def keywords_of(detector: Detector) -> list[str]:
    """The labels that a detector reports."""
    return [label for label in detector.labels if label not in detector.background]
