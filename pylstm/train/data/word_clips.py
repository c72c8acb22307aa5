"""Recordings of words, ready to be set into running audio: their samples, and what is said when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.train.data.recording import Mark, Recording
from pylstm.train.data.recording_set import RecordingSet
from pylstm.train.data.spoken_part import spoken_part
from pylstm.train.kept_samples import KeptSamples

__all__ = ["Clip", "WordClips"]

# Of a longer recording, so many seconds around a word are used at most.
_MOST_SECONDS = 4.0


class Clip(NamedTuple):
    """Some samples, and the words in them."""

    samples: NDArray[np.float32]
    marks: tuple[Mark, ...]
    """Words, seconds from the beginning of the samples."""


class WordClips:
    """The words of a set of recordings, by label and speaker.

    A recording with a label is a word, from when to when its energy says. Words of a recording with
    events are where they are marked.

    Parameters
    ----------
    recordings : RecordingSet
        With a label each, or with events.
    """

    def __init__(self, recordings: RecordingSet) -> None:
        self.recordings = recordings
        found: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        for place, item in enumerate(recordings.items):
            if item.label is not None:
                found[item.label][item.speaker].append((place, 0))
            for number, mark in enumerate(item.marks):
                if mark.label != recordings.background:
                    found[mark.label][item.speaker].append((place, number))
        self._found = {
            label: [found[label][speaker] for speaker in sorted(found[label])]
            for label in sorted(found)
        }
        # Parts are looked for once; what is found does not depend on when.
        self._parts: dict[int, tuple[float, float]] = {}
        self._kept = KeptSamples()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that there are words of, sorted."""
        return tuple(self._found)

    def drawn(self, label: str, sample_rate: int, draw: np.random.Generator) -> Clip:
        """A clip with a word: each speaker of the label is as likely as another.

        Parameters
        ----------
        label : str
            One of `labels`.
        sample_rate : int
            Hz.
        draw : numpy.random.Generator

        Returns
        -------
        Clip

        Raises
        ------
        AudioError
            A file cannot be read.
        """
        speakers = self._found[label]
        words = speakers[int(draw.integers(len(speakers)))]
        place, number = words[int(draw.integers(len(words)))]
        item = self.recordings.items[place]
        if item.label is not None:
            y = self._whole(place, sample_rate)
            return Clip(y, (Mark(*self._part(place, y, sample_rate), item.label),))
        if item.seconds <= _MOST_SECONDS:
            return Clip(self._whole(place, sample_rate), item.marks)
        return self._around(item, number, sample_rate, draw)

    def _around(
        self, item: Recording, number: int, sample_rate: int, draw: np.random.Generator
    ) -> Clip:
        """A part of a long recording, with one of its words at a random place in it."""
        mark = item.marks[number]
        length = max(_MOST_SECONDS, mark.end - mark.start + 0.5)
        low = max(0.0, mark.end - length)
        start = draw.uniform(low, max(low, min(mark.start, item.seconds - length)))
        end = min(start + length, item.seconds)
        part = replace(item, start=item.start + start, end=item.start + end)
        marks = tuple(
            Mark(one.start - start, one.end - start, one.label)
            for one in item.marks
            if one.start >= start and one.end <= end
        )
        return Clip(part.samples(sample_rate, self.recordings.cut), marks)

    def _whole(self, place: int, sample_rate: int) -> NDArray[np.float32]:
        """All samples of a recording."""
        item, cut = self.recordings.items[place], self.recordings.cut
        return self._kept.get((place, sample_rate), lambda: item.samples(sample_rate, cut))

    def _part(self, place: int, y: NDArray[np.float32], sample_rate: int) -> tuple[float, float]:
        if place not in self._parts:
            self._parts[place] = spoken_part(y, sample_rate)
        return self._parts[place]
