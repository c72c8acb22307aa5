"""Noise and rooms: what a microphone hears beside the speaker."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from pylstm.arguments import interval
from pylstm.audio import AudioFile
from pylstm.audio.header import Header
from pylstm.train.augment.waveform import Augmentation, Samples, Times

__all__ = ["Noise", "Reverb"]

# What stands for the level of a silent recording: noise is heard there, too. -60 dB of full scale.
_SILENCE = 1e-3
# Below this, 20 Hz of 16 kHz, the colour of noise is white: brown noise has no power at 0 Hz.
_LOWEST = 20.0


class Noise(Augmentation):
    r"""Noise at a signal-to-noise ratio that is uniform in dB: coloured noise, or recorded noise.

    .. math::

        y + n \, \frac{\mathrm{rms}(y)}{\mathrm{rms}(n)} \, 10^{-snr / 20}

    with the root mean square of the whole recording, pauses included; that of a recording which is
    silent counts as -60 dB of full scale. Coloured noise is Gaussian, its power falls as
    :math:`f^{-c}` above 20 Hz: c = 0 is white, 1 pink, 2 brown.

    Parameters
    ----------
    snr_db : (float, float)
        Lowest and highest ratio, dB.
    colour : (float, float)
        Lowest and highest c; uniform.
    recordings : sequence of paths, optional
        Noise to be used instead: a random stretch of one of these files, from its beginning again
        where it is too short. See `Recordings.noises`.
    p : float
        How often, 0 to 1.

    Raises
    ------
    AudioError
        A file of noise cannot be read; said when it is made.
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
            raise ValueError("recordings is empty; expected a file of noise at least, or None")
        self.recordings = tuple(os.fspath(path) for path in recordings or ()) or None
        self._seconds = [Header.of(path).seconds for path in self.recordings or ()]

    def samples(
        self, y: Samples, sample_rate: int, draw: np.random.Generator
    ) -> tuple[Samples, Times]:
        """See `Augmentation.samples`."""
        ratio = draw.uniform(*self.snr_db)
        if self.recordings is None:
            noise = coloured(draw, len(y), sample_rate, draw.uniform(*self.colour))
        else:
            noise = self._recorded(draw, len(y), sample_rate)
        level = _rms(noise)
        if level == 0.0:  # a silent stretch of a recording adds nothing
            return y, Times()
        factor = max(_rms(y), _SILENCE) / level * 10 ** (-ratio / 20)
        return (y + noise * factor).astype(np.float32), Times()

    def _recorded(self, draw: np.random.Generator, n: int, sample_rate: int) -> Samples:
        """A random stretch; only what is needed of a long file is read."""
        assert self.recordings is not None
        which = int(draw.integers(len(self.recordings)))
        path, seconds = self.recordings[which], self._seconds[which]
        # A little more than is needed, for the ends of the resampler.
        needed = n / sample_rate + 0.05
        start = draw.uniform(0, max(0.0, seconds - needed))
        end = start + needed if start + needed < seconds else None
        with AudioFile(path, sample_rate, start=start, end=end) as file:
            stretch = file.read()
        return np.resize(stretch, n) if len(stretch) else np.zeros(n, np.float32)


def coloured(draw: np.random.Generator, n: int, sample_rate: int, colour: float) -> Samples:
    """Gaussian noise, (n,), whose power falls as frequency to the power -colour."""
    spectrum = np.fft.rfft(draw.standard_normal(n))
    frequencies = np.maximum(np.fft.rfftfreq(n, 1 / sample_rate), _LOWEST)
    spectrum *= (frequencies / 1000.0) ** (-colour / 2)
    return np.fft.irfft(spectrum, n).astype(np.float32)


class Reverb(Augmentation):
    r"""A room: the direct sound, and a tail of Gaussian noise that decays by 60 dB.

    .. math::

        h(t) = δ(t) + a \, n(t) \, 10^{-3 t / T_{60}}, \qquad t > 2.5 \text{ to } 25 \text{ ms}

    with `a` such that the energy of the direct sound over that of the tail is `direct_db`. The
    direct sound comes when it came, as loud as it was; the length stays, the last tail is cut.

    Parameters
    ----------
    decay : (float, float)
        Lowest and highest T60, seconds, 0.02 to 10; uniform.
    direct_db : (float, float)
        Lowest and highest ratio of direct sound to tail, dB.
    p : float
        How often, 0 to 1.

    Notes
    -----
    Polack, "La transmission de l'énergie sonore dans les salles", 1988: the statistical model of
    late reverberation.
    """

    def __init__(
        self,
        decay: tuple[float, float] = (0.1, 0.6),
        direct_db: tuple[float, float] = (-3.0, 15.0),
        p: float = 1.0,
    ) -> None:
        super().__init__(p)
        self.decay = interval("decay", decay, 0.02, 10.0)
        self.direct_db = interval("direct_db", direct_db, -60.0, 200.0)

    def samples(
        self, y: Samples, sample_rate: int, draw: np.random.Generator
    ) -> tuple[Samples, Times]:
        """See `Augmentation.samples`."""
        try:
            from scipy.signal import oaconvolve
        except ImportError as error:
            raise ImportError(
                f'Reverb needs scipy: pip install "pylstm[train]" ({error})'
            ) from None
        response = self.response(sample_rate, draw)
        return oaconvolve(y, response)[: len(y)].astype(np.float32), Times()

    def response(self, sample_rate: int, draw: np.random.Generator) -> Samples:
        """The impulse response of a room.

        Parameters
        ----------
        sample_rate : int
            Hz.
        draw : numpy.random.Generator

        Returns
        -------
        array, shape (n,), float32
            As long as it takes to decay by 60 dB; 1 at its beginning.
        """
        decay = draw.uniform(*self.decay)
        time = np.arange(max(2, round(decay * sample_rate))) / sample_rate
        tail = draw.standard_normal(len(time)) * 10 ** (-3 * time / decay)
        # The first wall is 40 cm to 4 m around; a room with a short tail is a small one.
        first = round(min(draw.uniform(0.0025, 0.025), decay / 4) * sample_rate)
        tail[: max(1, first)] = 0.0
        tail *= 10 ** (-draw.uniform(*self.direct_db) / 20) / np.sqrt(np.sum(tail**2) + 1e-30)
        tail[0] = 1.0
        return tail.astype(np.float32)


def _rms(y: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(y, dtype=np.float64)))) if len(y) else 0.0
