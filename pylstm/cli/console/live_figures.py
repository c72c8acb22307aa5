"""Figures of live audio for the eye: level, posteriors, speed, losses, from results one by one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pylstm.cli.console.live_listening import LiveResult

__all__ = ["SILENCE", "LiveFigures", "decibels"]

SILENCE = -120.0
"""The lowest level, dBFS: below the noise of 16 bits, and of any microphone."""

# The level follows the power with the time constant "fast" of sound level meters (IEC 61672-1).
_LEVEL_SECONDS = 0.125
# How long the highest peak is shown, seconds of audio.
_HOLD_SECONDS = 1.5
# The real-time factor is that of about the last seconds.
_SPEED_SECONDS = 2.0


def decibels(magnitude: float) -> float:
    """A magnitude in dBFS: 20 log10, and `SILENCE` at least.

    Examples
    --------
    >>> decibels(1.0), decibels(0.1), decibels(0.0)
    (0.0, -20.0, -120.0)
    """
    return max(SILENCE, 20 * math.log10(magnitude)) if magnitude > 0 else SILENCE


class LiveFigures:
    """What the results so far say.

    Parameters
    ----------
    rate : int
        Of the samples that results count, Hz.
    n_outputs : int
        Of the model.
    model_latency : float
        Seconds from a frame's beginning to its row.

    Attributes
    ----------
    posteriors : array, shape (n_outputs,), float32
        The highest of each output since `drawn`, or the ones before if there are none since.
    audio_seconds, processing_seconds, slowest_seconds : float
    frames, overflows, events : int
        As in the last result; events, processing and the slowest block of all so far.
    latencies : dict of str to float
        What delays a result, and by how many seconds.
    """

    def __init__(self, rate: int, n_outputs: int, model_latency: float = 0.0) -> None:
        self.latencies = {"model": model_latency}
        self._rate = rate
        self.posteriors: NDArray[np.float32] = np.zeros(n_outputs, np.float32)
        self._is_drawn = True
        self.audio_seconds = self.processing_seconds = self.slowest_seconds = 0.0
        self.frames = self.overflows = self.events = 0
        self._power = 0.0
        self._hold = 0.0
        self._hold_ends = 0.0
        self._loudest = 0.0
        self._recent_audio = self._recent_processing = 0.0

    def take(self, result: LiveResult) -> None:
        """Takes the next result."""
        audio = result.audio_seconds - self.audio_seconds
        self.audio_seconds = result.audio_seconds
        self.frames, self.overflows = result.frames, result.overflows
        if result.resampling_seconds:
            self.latencies["resampling"] = result.resampling_seconds
        self.events += len(result.events)
        self.processing_seconds += result.processing_seconds
        self.slowest_seconds = max(self.slowest_seconds, result.slowest_seconds)
        fades = math.exp(-audio / _SPEED_SECONDS)
        self._recent_audio = fades * self._recent_audio + audio
        self._recent_processing = fades * self._recent_processing + result.processing_seconds
        if result.samples:
            fades = math.exp(-result.samples / (self._rate * _LEVEL_SECONDS))
            power = result.energy / result.samples
            self._power = fades * self._power + (1 - fades) * power
            if result.peak >= self._hold or self.audio_seconds >= self._hold_ends:
                self._hold = result.peak
                self._hold_ends = self.audio_seconds + _HOLD_SECONDS
            self._loudest = max(self._loudest, result.peak)
        if result.posteriors is not None:
            if self._is_drawn:
                self.posteriors, self._is_drawn = result.posteriors, False
            else:
                self.posteriors = np.maximum(self.posteriors, result.posteriors)

    def drawn(self) -> None:
        """What is taken from here on is for the next drawing."""
        self._is_drawn = True

    @property
    def level(self) -> float:
        """Power, dBFS: 0 is that of samples at full scale, -3 that of a sine at full scale."""
        return decibels(math.sqrt(self._power))

    @property
    def peak(self) -> float:
        """The highest peak of the last moments, dBFS."""
        return decibels(self._hold)

    @property
    def is_clipped(self) -> bool:
        """Whether that peak is at full scale."""
        return self._hold >= 0.999

    @property
    def is_digital_silence(self) -> bool:
        """Whether every sample so far is exactly 0."""
        return self._loudest == 0.0

    @property
    def real_time_factor(self) -> float:
        """Processing time per second of audio, of the last seconds; 0 before there is audio."""
        return self._recent_processing / self._recent_audio if self._recent_audio else 0.0
