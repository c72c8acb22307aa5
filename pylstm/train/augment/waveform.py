"""Changes of the waveform: loudness, place in time, speed."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from pylstm.arguments import interval, number
from pylstm.train.augment.augmentation import Augmentation, Changed, Samples, Times

__all__ = ["Equaliser", "Gain", "Level", "Shift", "Speed"]


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
        resampled = soxr.resample(y, sample_rate * factor, sample_rate, quality="MQ")
        faster = np.zeros(n, np.float32)
        faster[: min(n, len(resampled))] = resampled[:n]
        return faster, Times(1 / factor, 0.0)


class Level(Augmentation):
    r"""A level drawn anew, whatever the recording had: its loudest 10 ms get the power

    .. math:: l \text{ dB of full scale}, \qquad l \text{ uniform}

    Silence stays as it is.

    Parameters
    ----------
    dbfs : (float, float)
        Lowest and highest level, dB of full scale.
    p : float
        Probability, 0 to 1.
    """

    def __init__(self, dbfs: tuple[float, float] = (-40.0, -3.0), p: float = 1.0) -> None:
        super().__init__(p)
        self.dbfs = interval("dbfs", dbfs, -200.0, 60.0)

    def samples(self, y: Samples, sample_rate: int, draw: Generator) -> Changed:
        """See `Augmentation.samples`."""
        wanted = draw.uniform(*self.dbfs)
        size = max(1, sample_rate // 100)
        whole = len(y) // size * size
        blocks = y[:whole].reshape(-1, size) if whole else y.reshape(1, -1)
        power = float(np.square(blocks, dtype=np.float64).mean(axis=1).max()) if y.size else 0.0
        if power < 1e-14:
            return y, Times()
        return y * np.float32(10 ** (wanted / 20) / np.sqrt(power)), Times()


class Equaliser(Augmentation):
    r"""Another microphone and line: a tilt, and a smooth curve over frequency, both random.

    .. math:: Y(f) = X(f)\, 10^{(s \log_2(f / 1000) + r(f)) / 20}

    with s the tilt in dB an octave, uniform, from 100 Hz on, and r(f) a curve through random points
    at every octave.

    Parameters
    ----------
    tilt_db : (float, float)
        Lowest and highest tilt, dB an octave.
    ripple_db : float
        The points of the curve are uniform within so many dB either way.
    p : float
        Probability, 0 to 1.
    """

    def __init__(
        self, tilt_db: tuple[float, float] = (-3.0, 3.0), ripple_db: float = 4.0, p: float = 1.0
    ) -> None:
        super().__init__(p)
        self.tilt_db = interval("tilt_db", tilt_db, -24.0, 24.0)
        self.ripple_db = number("ripple_db", ripple_db, 0.0, 60.0)

    def samples(self, y: Samples, sample_rate: int, draw: Generator) -> Changed:
        """See `Augmentation.samples`."""
        octaves = np.log2(np.maximum(np.fft.rfftfreq(len(y), 1 / sample_rate), 100.0) / 1000)
        points = np.arange(np.floor(octaves[0]), np.ceil(octaves[-1]) + 1)
        ripple = draw.uniform(-self.ripple_db, self.ripple_db, len(points))
        gain_db = draw.uniform(*self.tilt_db) * octaves + np.interp(octaves, points, ripple)
        gains = (10 ** (gain_db / 20)).astype(np.float32)
        return np.fft.irfft(np.fft.rfft(y) * gains, len(y)).astype(np.float32), Times()
