"""Changes of the waveform: loudness, place in time, speed."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from pylstm.arguments import interval
from pylstm.train.augment.augmentation import Augmentation, Changed, Samples, Times

__all__ = ["Gain", "Shift", "Speed"]


class Gain(Augmentation):
    r"""Another loudness: :math:`y \, 10^{g / 20}`, g uniform in dB.

    Nothing is clipped: features accept samples of any size.

    Parameters
    ----------
    db : (float, float)
        Lowest and highest gain, dB.
    p : float
        Probability, 0 to 1.
    """

    def __init__(self, db: tuple[float, float] = (-12.0, 6.0), p: float = 1.0) -> None:
        super().__init__(p)
        self.db = interval("db", db, -200.0, 200.0)

    def samples(self, y: Samples, sample_rate: int, draw: Generator) -> Changed:
        """See `Augmentation.samples`."""
        return y * np.float32(10 ** (draw.uniform(*self.db) / 20)), Times()


class Shift(Augmentation):
    """Earlier or later: samples are lost at one end, and zeros fill the other.

    No real recording is as quiet as zeros; `Noise` after it covers them. Events move along.

    Parameters
    ----------
    ms : (float, float)
        Lowest and highest shift, milliseconds; below 0: earlier. At most the recording's length.
    p : float
        Probability, 0 to 1.
    """

    def __init__(self, ms: tuple[float, float] = (-100.0, 100.0), p: float = 1.0) -> None:
        super().__init__(p)
        self.ms = interval("ms", ms, -1e7, 1e7)

    def samples(self, y: Samples, sample_rate: int, draw: Generator) -> Changed:
        """See `Augmentation.samples`."""
        by = round(draw.uniform(*self.ms) * sample_rate / 1000)
        by = min(max(by, -len(y)), len(y))
        shifted = np.zeros_like(y)
        if by >= 0:
            shifted[by:] = y[: len(y) - by]
        else:
            shifted[:by] = y[-by:]
        return shifted, Times(1.0, by / sample_rate)


class Speed(Augmentation):
    """Faster or slower, like a tape: tempo, pitch and formants change together.

    With a factor f, n samples become round(n / f), at least 1. Events move along.

    Parameters
    ----------
    factor : (float, float)
        Lowest and highest factor, 0.25 to 4; uniform.
    p : float
        Probability, 0 to 1.

    Notes
    -----
    Ko, Peddinti, Povey and Khudanpur, "Audio augmentation for speech recognition", Interspeech
    2015, with the factors 0.9, 1 and 1.1. Resampled by soxr.
    """

    def __init__(self, factor: tuple[float, float] = (0.9, 1.1), p: float = 1.0) -> None:
        super().__init__(p)
        self.factor = interval("factor", factor, 0.25, 4.0)
        self.shortest = min(1.0, 1 / self.factor[1])

    def samples(self, y: Samples, sample_rate: int, draw: Generator) -> Changed:
        """See `Augmentation.samples`."""
        from pylstm.audio import soundfile_and_soxr

        _, soxr = soundfile_and_soxr()
        factor = draw.uniform(*self.factor)
        n = max(1, round(len(y) / factor))
        resampled = soxr.resample(y, sample_rate * factor, sample_rate, quality="HQ")
        faster = np.zeros(n, np.float32)
        faster[: min(n, len(resampled))] = resampled[:n]
        return faster, Times(1 / factor, 0.0)
