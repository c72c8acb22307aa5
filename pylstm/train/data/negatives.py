"""Recordings without any of the words: those to learn from, and those to judge by."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from pylstm.audio.header import Header
from pylstm.train.data.speaker_split import place_of

__all__ = ["Negatives"]


class Negatives(NamedTuple):
    """Paths of the two sides.

    Examples
    --------
    >>> Negatives.split([], 0.1, seed=0)
    Negatives(training=(), validation=())
    """

    training: tuple[str, ...]
    validation: tuple[str, ...]

    @classmethod
    def split(
        cls, paths: Sequence[str | os.PathLike[str]], validation: float, seed: int
    ) -> Negatives:
        """Sides that are chosen by a hash of seed and file name: more files move none.

        Parameters
        ----------
        paths : sequence of paths
        validation : float
            Share of the files to judge by. If there are at least two files, one is on each side.
        seed : int

        Returns
        -------
        Negatives

        Raises
        ------
        AudioError
            A file cannot be read.
        """
        names = [os.fspath(path) for path in paths]
        places = {name: place_of(seed, os.path.basename(name)) for name in names}
        judged = [name for name in names if places[name] < validation]
        if validation > 0 and len(names) > 1:
            by_place = sorted(names, key=lambda name: (places[name], name))
            if not judged:
                # The shortest of the first few, so that most is left to learn from.
                judged = [min(by_place[:3], key=lambda name: Header.of(name).seconds)]
            elif len(judged) == len(names):
                judged.remove(by_place[-1])
        return cls(tuple(name for name in names if name not in set(judged)), tuple(judged))
