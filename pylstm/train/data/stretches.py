"""Stretches of audio without any of the words: what a model has to stay silent in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.audio import AudioFile
from pylstm.audio.header import Header
from pylstm.train.kept_samples import LONG_SECONDS, KeptSamples

__all__ = ["Place", "Stretches"]

Samples = NDArray[np.float32]


class Place(NamedTuple):
    """A place in one of the files."""

    file: int
    seconds: float


class Stretches:
    """Audio files that are cut at random; every second of them is as likely as another.

    Parameters
    ----------
    paths : sequence of paths
        Any rates and formats.

    Attributes
    ----------
    hard : tuple of Place
        Where a model found words that are not there. Half of the stretches are cut around these, as
        long as there are any.

    Raises
    ------
    AudioError
        A file cannot be read.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        self.paths = tuple(os.fspath(path) for path in paths)
        self.lengths = np.array([Header.of(path).seconds for path in self.paths])
        self.hard: tuple[Place, ...] = ()
        self._ends = np.cumsum(self.lengths)
        self._kept = KeptSamples()

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"Stretches({number_of(len(self), 'file')}, {self.seconds:.0f} s)"

    @property
    def seconds(self) -> float:
        """How much there is."""
        return float(self._ends[-1]) if len(self.paths) else 0.0

    def drawn(self, seconds: float, sample_rate: int, draw: np.random.Generator) -> Samples:
        """A stretch of one file, at most so long.

        Parameters
        ----------
        seconds : float
        sample_rate : int
            Hz; other audio is resampled, and several channels are mixed down.
        draw : numpy.random.Generator

        Returns
        -------
        array, shape (n,), float32

        Raises
        ------
        AudioError
            A file cannot be read.
        """
        if self.hard and draw.random() < 0.5:
            file, middle = self.hard[int(draw.integers(len(self.hard)))]
            start = middle - seconds * draw.uniform(0.3, 0.9)
        else:
            at = draw.uniform(0.0, self.seconds)
            file = min(int(np.searchsorted(self._ends, at, "right")), len(self.paths) - 1)
            # Uniform over the file, its edges included.
            start = at - float(self._ends[file] - self.lengths[file]) - seconds / 2
        start = float(min(max(0.0, start), max(0.0, float(self.lengths[file]) - seconds)))
        if self.lengths[file] <= LONG_SECONDS:
            whole = self._kept.get(
                (file, sample_rate), lambda: AudioFile(self.paths[file], sample_rate).read()
            )
            first = round(start * sample_rate)
            return whole[first : first + round(seconds * sample_rate)]
        with AudioFile(self.paths[file], sample_rate, start=start, end=start + seconds) as audio:
            return audio.read()
