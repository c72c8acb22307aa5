"""Reverberation: a room's direct sound and its decaying tail."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from pylstm.arguments import interval
from pylstm.train.augment.augmentation import Augmentation, Changed, Samples, Times

__all__ = ["Reverb"]


class Reverb(Augmentation):
    r"""A room: the direct sound, and a tail of Gaussian noise that decays exponentially.

    .. math::

        h(t) = δ(t) + a \, n(t) \, 10^{-3 t / T_{60}}, \qquad t > 2.5 \text{ to } 25 \text{ ms}

    with `a` such that the ratio of the energies of direct sound and tail is `direct_db`. The direct
    sound keeps its time and level. The length stays the same, so the end of the tail is cut off.

    Parameters
    ----------
    decay : (float, float)
        Lowest and highest T60, seconds, 0.02 to 10; uniform.
    direct_db : (float, float)
        Lowest and highest ratio of direct sound to tail, dB.
    p : float
        Probability, 0 to 1.

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

    def samples(self, y: Samples, sample_rate: int, draw: Generator) -> Changed:
        """See `Augmentation.samples`."""
        try:
            from scipy.signal import oaconvolve
        except ImportError as error:
            raise ImportError(
                f'Reverb needs scipy: pip install "pylstm[train]" ({error})'
            ) from None
        response = self.response(sample_rate, draw)
        return oaconvolve(y, response)[: len(y)].astype(np.float32), Times()

    def response(self, sample_rate: int, draw: Generator) -> Samples:
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
