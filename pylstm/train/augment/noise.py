"""Noise: coloured or recorded, at a signal-to-noise ratio."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from pylstm.arguments import interval
from pylstm.audio import AudioFile
from pylstm.audio.header import Header
from pylstm.train.augment.augmentation import Augmentation, Changed, Samples, Times
from pylstm.train.kept_samples import LONG_SECONDS, KeptSamples

__all__ = ["Noise", "coloured"]

# The level that a silent recording counts as, so that noise is added there, too: -60 dBFS.
_SILENCE = 1e-3
# Noise is white below 20 Hz, because the power of brown noise would be infinite at 0 Hz.
_LOWEST = 20.0


class Noise(Augmentation):
    r"""Coloured or recorded noise at a signal-to-noise ratio that is uniform in dB.

    .. math::

        y + n \, \frac{\mathrm{rms}(y)}{\mathrm{rms}(n)} \, 10^{-snr / 20}

    with the root mean square of the whole recording, including pauses; a silent recording counts
    as -60 dB of full scale. Coloured noise is Gaussian; its power falls as :math:`f^{-c}` above
    20 Hz: c = 0 is white, 1 pink, 2 brown.

    Parameters
    ----------
    snr_db : (float, float)
        Lowest and highest ratio, dB.
    colour : (float, float)
        Lowest and highest c; uniform.
    recordings : sequence of paths, optional
        Noise to use instead: a random stretch of one of these files, repeated if the file is too
        short. See `Recordings.noises`.
    p : float
        Probability, 0 to 1.

    Raises
    ------
    AudioError
        A file of noise cannot be read; raised by the constructor.
    """

    def __init__(
        self,
        snr_db: tuple[float, float] = (5.0, 30.0),
        colour: tuple[float, float] = (0.0, 2.0),
        recordings: Sequence[str | os.PathLike[str]] | None = None,
        p: float = 1.0,
    ) -> None:
        super().__init__(p)
        self.snr_db = interval("snr_db", snr_db, -200.0, 200.0)
        self.colour = interval("colour", colour, -4.0, 4.0)
        if isinstance(recordings, (str, os.PathLike)):
            raise TypeError(f"recordings is {recordings!r}; expected a list of paths")
        if recordings is not None and not recordings:
            raise ValueError("recordings is empty; expected at least one file of noise, or None")
        self.recordings = tuple(os.fspath(path) for path in recordings or ()) or None
        self._kept = KeptSamples()
        self._seconds = [Header.of(path).seconds for path in self.recordings or ()]

    def samples(self, y: Samples, sample_rate: int, draw: Generator) -> Changed:
        """See `Augmentation.samples`."""
        ratio = draw.uniform(*self.snr_db)
        if self.recordings is None:
            noise = coloured(draw, len(y), sample_rate, draw.uniform(*self.colour))
        else:
            noise = self._recorded(draw, len(y), sample_rate)
        level = _rms(noise)
        if level == 0.0:  # a silent stretch of recorded noise adds nothing
            return y, Times()
        factor = max(_rms(y), _SILENCE) / level * 10 ** (-ratio / 20)
        return (y + noise * factor).astype(np.float32), Times()

    def _recorded(self, draw: Generator, n: int, sample_rate: int) -> Samples:
        """A random stretch; of a long file, only that stretch is read."""
        assert self.recordings is not None
        which = int(draw.integers(len(self.recordings)))
        path, seconds = self.recordings[which], self._seconds[which]
        if seconds <= LONG_SECONDS:
            whole = self._kept.get((path, sample_rate), lambda: AudioFile(path, sample_rate).read())
            first = int(draw.uniform(0, max(0.0, seconds - n / sample_rate)) * sample_rate)
            stretch = whole[first : first + n]
        else:
            # A little more, for the ends of the resampler.
            needed = n / sample_rate + 0.05
            start = draw.uniform(0, max(0.0, seconds - needed))
            end = start + needed if start + needed < seconds else None
            with AudioFile(path, sample_rate, start=start, end=end) as file:
                stretch = file.read()
        return np.resize(stretch, n) if len(stretch) else np.zeros(n, np.float32)


def coloured(draw: Generator, n: int, sample_rate: int, colour: float) -> Samples:
    """Gaussian noise, (n,), whose power falls as frequency to the power -colour."""
    m = -(-n // 512) * 512  # prime lengths are slow
    frequencies = np.maximum(np.fft.rfftfreq(m, 1 / sample_rate), _LOWEST)
    gains = np.sqrt(m / 2) * (frequencies / 1000.0) ** (-colour / 2)
    # Drawn as a spectrum: that of white noise is Gaussian, too.
    spectrum = draw.standard_normal((len(gains), 2), np.float32) * gains[:, None].astype(np.float32)
    spectrum[[0, -1], 1] = 0.0
    return np.fft.irfft(spectrum.view(np.complex64)[:, 0], m)[:n].astype(np.float32)


def _rms(y: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(y, dtype=np.float64)))) if len(y) else 0.0
