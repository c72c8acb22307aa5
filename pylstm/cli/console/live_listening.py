"""The path of live audio from a device's block to the ring that the display reads."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from traceback import clear_frames
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from pylstm.arguments import number_of
from pylstm.cli.console.result_ring import ResultRing
from pylstm.decisions import Event
from pylstm.model import Model

__all__ = ["LiveListening", "LiveResult"]

# Blocks of 10 ms that wait while the display is held up: five seconds.
_CAPACITY = 512


@dataclass(frozen=True, slots=True)
class LiveResult:
    """What became of the audio since the result before, and totals.

    Attributes
    ----------
    audio_seconds : float
        Audio that came so far.
    frames : int
        Rows of posteriors so far.
    overflows : int
        How often the device said that samples were lost before a block, so far.
    resampling_seconds : float
        Audio that a resampler holds.
    samples : int
        Samples since the result before, at the model's rate.
    energy, peak : float
        The sum of their squares, and the largest magnitude; full scale is 1.
    posteriors : array, shape (n_outputs,), or None
        The highest of each output since then; None: there were no rows.
    events : tuple of Event
        Since then.
    processing_seconds, slowest_seconds : float
        What the blocks since then took in all, and the slowest of them.
    error : BaseException or None
        What ended the listening.
    """

    audio_seconds: float
    frames: int
    overflows: int
    resampling_seconds: float
    samples: int
    energy: float
    peak: float
    posteriors: NDArray[np.float32] | None
    events: tuple[Event, ...]
    processing_seconds: float
    slowest_seconds: float
    error: BaseException | None


class LiveListening:
    """A listener that takes the blocks of an audio device; it is called as the device's callback.

    It never waits, prints or raises: what comes of a block goes into a ring. Where the ring is
    full, because the display is held up, everything waits in here and is in the next result that
    finds room, so that neither events nor peaks are lost.

    Parameters
    ----------
    model : Model
        With features.
    listener : Listener
        Of this model, at its beginning.
    rate, channels : int
        Of the blocks.
    channel : int
        The one that is listened to, counted from 0.
    seconds : float, optional
        Audio to take, at most; later samples are not listened to.
    capacity : int
        Results that can wait for the display.

    Attributes
    ----------
    ring : ResultRing of LiveResult
    over : bool
        Whether it takes no more audio: `seconds` are over, or there was an error.
    """

    def __init__(
        self,
        model: Model,
        listener: pylstm.Listener,
        rate: int,
        channels: int,
        channel: int = 0,
        seconds: float | None = None,
        capacity: int = _CAPACITY,
    ) -> None:
        self._listener = listener
        self._rate = rate
        self._most = None if seconds is None else max(1, round(seconds * rate))
        self._intake = None
        if (rate, channels) != (model.sample_rate, 1):
            self._intake = pylstm.Intake(model, rate=rate, channels=channels, channel=channel)
        self.ring: ResultRing[LiveResult] = ResultRing(capacity)
        self.over = False
        self._position = 0
        self._overflows = 0
        self._error: BaseException | None = None
        self._begin()

    def _begin(self) -> None:
        """Nothing has come since the last result."""
        self._samples = 0
        self._energy = self._peak = 0.0
        self._posteriors: NDArray[np.float32] | None = None
        self._events: tuple[Event, ...] = ()
        self._processing = self._slowest = 0.0

    def __call__(self, block: NDArray[Any], n_frames: int, time: object, status: Any) -> None:
        """Takes a block, shape (n, channels), in the form that sounddevice calls it."""
        if self.over:  # what there is left comes from `finish`
            return
        start = perf_counter()
        try:
            if status and status.input_overflow:
                self._overflows += 1
            self._take(block)
        except BaseException as error:
            del block
            self._fail(error)
        taken = perf_counter() - start
        self._processing += taken
        self._slowest = max(self._slowest, taken)
        if self.ring.put(self._result()):
            self._begin()

    def _take(self, block: NDArray[Any]) -> None:
        if self._most is not None and self._position + len(block) >= self._most:
            block = block[: self._most - self._position]
            self.over = True
        samples = block[:, 0] if self._intake is None else self._intake.push(block)
        self._hear(samples)
        self._position += len(block)

    def _hear(self, samples: NDArray[Any]) -> None:
        if not len(samples):
            return
        events, rows = self._listener.push(samples, posteriors=True)
        self._add(events, rows)
        if samples.dtype == np.int16:
            samples = samples.astype(np.float32) / np.float32(32768)
        self._samples += len(samples)
        self._energy += float(np.dot(samples, samples))
        self._peak = max(self._peak, float(samples.max()), -float(samples.min()))

    def _add(self, events: list[Event], rows: NDArray[np.float32]) -> None:
        self._events += tuple(events)
        if len(rows):
            highest = rows.max(axis=0)
            before = self._posteriors
            self._posteriors = highest if before is None else np.maximum(before, highest)

    def _fail(self, error: BaseException) -> None:
        clear_frames(error.__traceback__)  # they hold the block, whose memory is the device's
        self._error = error
        self.over = True

    def _result(self) -> LiveResult:
        return LiveResult(
            self._position / self._rate,
            self._listener.frames,
            self._overflows,
            0.0 if self._intake is None else self._intake.delay,
            self._samples,
            self._energy,
            self._peak,
            self._posteriors,
            self._events,
            self._processing,
            self._slowest,
            self._error,
        )

    def finish(self) -> LiveResult:
        """The last result, once the device calls no more: what waited, and the end of the audio.

        Returns
        -------
        LiveResult
            It is not in the ring, and comes behind what is.
        """
        start = perf_counter()
        try:
            if self._error is None and self._position:
                if self._intake is not None:
                    self._hear(self._intake.flush(drop_unfinished=True))
                self._end()
        except BaseException as error:
            self._fail(error)
        self._processing += perf_counter() - start
        return self._result()

    def _end(self) -> None:
        try:
            self._add(*self._listener.flush(posteriors=True))
        except ValueError:
            # Audio that is too short for deltas has no row, and nothing can be decided on it.
            if self._listener.frames:
                raise

    def __repr__(self) -> str:
        return (
            f"LiveListening({self._listener!r}, {self._rate} Hz,"
            f" {number_of(self._overflows, 'overflow')})"
        )
