"""Augmentation: the same recordings in other rooms, at other distances, from other speakers.

Every change is drawn from the seed, the epoch, the number of the recording and the place of the
augmentation in its chain: neither the order of batches nor the number of threads has a say.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, interval, within

__all__ = ["Augmentation", "Chain", "Gain", "Shift", "Speed", "Times"]

Samples = NDArray[np.float32]

# Draws for augmentation share their seed with nothing else (see pylstm.train.data.batches).
_AUGMENT = 0xA0


class Times(NamedTuple):
    """Where a moment of a recording is afterwards: at ``scale * t + offset``, seconds."""

    scale: float = 1.0
    offset: float = 0.0

    def then(self, after: Times) -> Times:
        """Both, one after the other."""
        return Times(self.scale * after.scale, self.offset * after.scale + after.offset)

    def __call__(self, seconds: float) -> float:
        return self.scale * seconds + self.offset


class Augmentation:
    """What all augmentations have in common.

    Parameters
    ----------
    p : float
        How often it is done, 0 to 1.

    Attributes
    ----------
    changes : {"samples", "frames"}
        What it changes.
    shortest : float
        The least share of its length that a recording may end up with.
    """

    changes: ClassVar[str] = "samples"
    shortest: float = 1.0

    def __init__(self, p: float) -> None:
        self.p = within("p", p, 0.0, 1.0)

    def samples(
        self, y: Samples, sample_rate: int, draw: np.random.Generator
    ) -> tuple[Samples, Times]:
        """Another recording, and where the moments of this one are in it.

        Parameters
        ----------
        y : array, shape (n,), float32
            Left as it is.
        sample_rate : int
            Hz.
        draw : numpy.random.Generator

        Returns
        -------
        array, shape (m,), float32
        Times
        """
        raise NotImplementedError

    def frames(
        self, x: NDArray[np.float32], draw: np.random.Generator, blocks: int = 1
    ) -> NDArray[np.float32]:
        """Other frames of the same shape.

        Parameters
        ----------
        x : array, shape (T, n_features), float32
            Left as it is.
        draw : numpy.random.Generator
        blocks : int
            A frame is so many vectors of equal width: static values and deltas.

        Returns
        -------
        array, shape (T, n_features), float32
        """
        raise NotImplementedError

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._settings())
        return f"{type(self).__name__}({values})"

    def _settings(self) -> list[tuple[str, object]]:
        """The arguments it was made with."""
        names = inspect.signature(type(self)).parameters
        return [(name, getattr(self, name)) for name in names]


class Chain:
    """Augmentations one after the other, first those of samples, then those of frames.

    Parameters
    ----------
    steps : iterable of Augmentation

    Raises
    ------
    TypeError, ValueError
        Something else is among them, or samples would be changed after frames.

    Examples
    --------
    >>> chain = Chain([Speed(), Gain()])
    >>> y = np.ones(16000, np.float32)
    >>> once, times = chain.samples(y, 16000, seed=0, epoch=3, item=7)
    >>> again, _ = chain.samples(y, 16000, seed=0, epoch=3, item=7)
    >>> len(once) == round(16000 * times.scale), np.array_equal(once, again)
    (True, True)
    """

    def __init__(self, steps: Iterable[Augmentation]) -> None:
        self.steps = tuple(steps)
        for place, step in enumerate(self.steps):
            if not isinstance(step, Augmentation):
                raise TypeError(f"steps[{place}] is {type(step).__name__}; expected augmentations")
            if place and step.changes == "samples" and self.steps[place - 1].changes == "frames":
                raise ValueError(
                    f"steps[{place}], {type(step).__name__}, changes samples and stands after"
                    f" {type(self.steps[place - 1]).__name__}, which changes frames; expected it"
                    " before"
                )

    @classmethod
    def of(cls, augment: Chain | Augmentation | Iterable[Augmentation] | None) -> Chain:
        """A chain from what an argument ``augment`` may be."""
        if isinstance(augment, Chain):
            return augment
        if isinstance(augment, Augmentation):
            return cls([augment])
        return cls(() if augment is None else augment)

    def __repr__(self) -> str:
        return f"Chain({list(self.steps)!r})"

    @property
    def shortest(self) -> float:
        """The least share of its length that a recording may end up with."""
        return math.prod(step.shortest for step in self.steps if step.p > 0)

    def _drawn(
        self, changes: str, seed: int, epoch: int, item: int
    ) -> list[tuple[Augmentation, np.random.Generator]]:
        """What chance wants to be done, each with its own draws."""
        numbers = [count("seed", seed, 0), count("epoch", epoch, 0), count("item", item, 0)]
        drawn = []
        for place, step in enumerate(self.steps):
            draw = np.random.default_rng([_AUGMENT, *numbers, place + 1])
            if step.changes == changes and draw.random() < step.p:
                drawn.append((step, draw))
        return drawn

    def changes_samples(self, *, seed: int, epoch: int, item: int) -> bool:
        """Whether `samples` would change a recording in an epoch; if not, frames may be reused."""
        return bool(self._drawn("samples", seed, epoch, item))

    def samples(
        self, y: Samples, sample_rate: int, *, seed: int, epoch: int, item: int
    ) -> tuple[Samples, Times]:
        """A recording as it is heard in an epoch, and where its moments are then.

        Parameters
        ----------
        y : array, shape (n,), float32
            Left as it is.
        sample_rate : int
            Hz.
        seed, epoch, item : int
            0 or more; what the draws depend on.

        Returns
        -------
        array, shape (m,), float32
        Times
        """
        times = Times()
        for step, draw in self._drawn("samples", seed, epoch, item):
            y, moved = step.samples(y, sample_rate, draw)
            times = times.then(moved)
        return y, times

    def frames(
        self, x: NDArray[np.float32], *, seed: int, epoch: int, item: int, blocks: int = 1
    ) -> NDArray[np.float32]:
        """Frames as they are seen in an epoch; see `samples`."""
        for step, draw in self._drawn("frames", seed, epoch, item):
            x = step.frames(x, draw, blocks)
        return x


class Gain(Augmentation):
    r"""Another loudness: :math:`y \, 10^{g / 20}`, g uniform in dB.

    Nothing is clipped: features take samples of any size.

    Parameters
    ----------
    db : (float, float)
        Lowest and highest gain, dB.
    p : float
        How often, 0 to 1.
    """

    def __init__(self, db: tuple[float, float] = (-12.0, 6.0), p: float = 1.0) -> None:
        super().__init__(p)
        self.db = interval("db", db, -200.0, 200.0)

    def samples(
        self, y: Samples, sample_rate: int, draw: np.random.Generator
    ) -> tuple[Samples, Times]:
        """See `Augmentation.samples`."""
        return y * np.float32(10 ** (draw.uniform(*self.db) / 20)), Times()


class Shift(Augmentation):
    """Earlier or later: what is pushed out at one end is lost, the other is filled with zeros.

    Zeros are as quiet as no recording is; `Noise` after it covers them. Marks move along.

    Parameters
    ----------
    ms : (float, float)
        Lowest and highest shift, milliseconds; below 0: earlier. At most the recording's length is
        shifted.
    p : float
        How often, 0 to 1.
    """

    def __init__(self, ms: tuple[float, float] = (-100.0, 100.0), p: float = 1.0) -> None:
        super().__init__(p)
        self.ms = interval("ms", ms, -1e7, 1e7)

    def samples(
        self, y: Samples, sample_rate: int, draw: np.random.Generator
    ) -> tuple[Samples, Times]:
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
    """Faster or slower as a tape: tempo, pitch and formants together, as of another speaker.

    A factor f makes n samples round(n / f), at least 1; marks move along.

    Parameters
    ----------
    factor : (float, float)
        Lowest and highest factor, 0.25 to 4; uniform.
    p : float
        How often, 0 to 1.

    Notes
    -----
    Ko, Peddinti, Povey and Khudanpur, "Audio augmentation for speech recognition", Interspeech
    2015, with the factors 0.9, 1 and 1.1. Resampled by soxr.
    """

    def __init__(self, factor: tuple[float, float] = (0.9, 1.1), p: float = 1.0) -> None:
        super().__init__(p)
        self.factor = interval("factor", factor, 0.25, 4.0)
        self.shortest = min(1.0, 1 / self.factor[1])

    def samples(
        self, y: Samples, sample_rate: int, draw: np.random.Generator
    ) -> tuple[Samples, Times]:
        """See `Augmentation.samples`."""
        from pylstm.audio import soundfile_and_soxr

        _, soxr = soundfile_and_soxr()
        factor = draw.uniform(*self.factor)
        n = max(1, round(len(y) / factor))
        resampled = soxr.resample(y, sample_rate * factor, sample_rate, quality="HQ")
        faster = np.zeros(n, np.float32)
        faster[: min(n, len(resampled))] = resampled[:n]
        return faster, Times(1 / factor, 0.0)
