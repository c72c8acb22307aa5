"""Augmentations and chains of them.

Every change is drawn from the seed, the epoch, the index of the recording and the place of the
augmentation in its chain. The order of batches and the number of threads do not matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pylstm.arguments import within
from pylstm.train.random_draws import Purpose, generator
from pylstm.train.settings_repr import SettingsRepr

__all__ = ["Augmentation", "Chain", "Changed", "Samples", "Times"]

Samples = NDArray[np.float32]
Frames = NDArray[np.float32]


class Times(NamedTuple):
    """Where a time t of a recording is after a change: at ``scale * t + offset``, seconds."""

    scale: float = 1.0
    offset: float = 0.0

    def then(self, after: Times) -> Times:
        """This change and then another one."""
        return Times(self.scale * after.scale, self.offset * after.scale + after.offset)

    def __call__(self, seconds: float) -> float:
        return self.scale * seconds + self.offset


Changed = tuple[Samples, Times]


class Augmentation(SettingsRepr):
    """Base of all augmentations.

    Parameters
    ----------
    p : float
        Probability that a recording is changed, 0 to 1.

    Attributes
    ----------
    changes : {"samples", "frames"}
        What it changes.
    shortest : float
        The smallest factor by which a recording may become shorter.
    """

    changes: ClassVar[str] = "samples"
    shortest: float = 1.0

    def __init__(self, p: float) -> None:
        self.p = within("p", p, 0.0, 1.0)

    def samples(self, y: Samples, sample_rate: int, draw: Generator) -> Changed:
        """The changed recording, and where its times are.

        Parameters
        ----------
        y : array, shape (n,), float32
            Not changed.
        sample_rate : int
            Hz.
        draw : numpy.random.Generator

        Returns
        -------
        array, shape (m,), float32
        Times
        """
        raise NotImplementedError

    def frames(self, x: Frames, draw: Generator, blocks: int = 1) -> Frames:
        """The changed frames, of the same shape.

        Parameters
        ----------
        x : array, shape (T, n_features), float32
            Not changed.
        draw : numpy.random.Generator
        blocks : int
            Vectors of equal width in a frame: static values and deltas.

        Returns
        -------
        array, shape (T, n_features), float32
        """
        raise NotImplementedError


class Chain:
    """Augmentations in a row: first those of samples, then those of frames.

    Parameters
    ----------
    steps : iterable of Augmentation

    Raises
    ------
    TypeError, ValueError
        Something else is among them, or samples would change after frames.

    Examples
    --------
    >>> from pylstm.train.augment.waveform import Gain, Speed
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
                raise TypeError(
                    f"steps[{place}] is {type(step).__name__}; expected an augmentation"
                )
            if place and step.changes == "samples" and self.steps[place - 1].changes == "frames":
                raise ValueError(
                    f"steps[{place}] is {type(step).__name__}, which changes samples, after"
                    f" {type(self.steps[place - 1]).__name__}, which changes frames; expected it"
                    " before"
                )

    @classmethod
    def of(cls, augment: Chain | Augmentation | Iterable[Augmentation] | None) -> Chain:
        """The chain that an argument ``augment`` stands for."""
        if isinstance(augment, Chain):
            return augment
        if isinstance(augment, Augmentation):
            return cls([augment])
        return cls(() if augment is None else augment)

    def __repr__(self) -> str:
        return f"Chain({list(self.steps)!r})"

    @property
    def shortest(self) -> float:
        """The smallest factor by which a recording may become shorter."""
        return math.prod(step.shortest for step in self.steps if step.p > 0)

    def _drawn(
        self, changes: str, seed: int, epoch: int, item: int
    ) -> list[tuple[Augmentation, Generator]]:
        """The steps that are done this time, each with its own generator."""
        drawn = []
        for place, step in enumerate(self.steps):
            draw = generator(
                Purpose.AUGMENTATION, seed=seed, epoch=epoch, item=item, place=place + 1
            )
            if step.changes == changes and draw.random() < step.p:
                drawn.append((step, draw))
        return drawn

    def changes_samples(self, *, seed: int, epoch: int, item: int) -> bool:
        """Whether `samples` changes a recording in an epoch; if not, cached frames can be used."""
        return bool(self._drawn("samples", seed, epoch, item))

    def samples(self, y: Samples, sample_rate: int, *, seed: int, epoch: int, item: int) -> Changed:
        """A recording as it is in an epoch, and where its times are then.

        Parameters
        ----------
        y, sample_rate
            As in `Augmentation.samples`, like what is returned.
        seed, epoch, item : int
            0 or more; the draws depend on them.
        """
        times = Times()
        for step, draw in self._drawn("samples", seed, epoch, item):
            y, moved = step.samples(y, sample_rate, draw)
            times = times.then(moved)
        return y, times

    def frames(self, x: Frames, *, seed: int, epoch: int, item: int, blocks: int = 1) -> Frames:
        """Frames as they are in an epoch; see `samples`."""
        for step, draw in self._drawn("frames", seed, epoch, item):
            x = step.frames(x, draw, blocks)
        return x
