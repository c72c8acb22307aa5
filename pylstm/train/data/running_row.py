"""One row of running audio: clips, other speech, noise and pauses behind each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pylstm.features import Features
from pylstm.train.augment.augmentation import Times
from pylstm.train.data.recording import Mark, frame_seconds
from pylstm.train.data.spoken_part import BLOCK, spoken_blocks
from pylstm.train.data.stretches import Stretches
from pylstm.train.data.word_clips import WordClips

__all__ = ["RowPlan", "RunningRow"]

Samples = NDArray[np.float32]
Change = Callable[[Samples, int], tuple[Samples, Times]]

# A word is the target from so long before its end to so long after it, seconds; until then, and
# for so long after that, nothing counts. The end of a word tells "go" from "goat".
_NAMED_FROM, _NAMED_UNTIL = -0.06, 0.24
_FORGOTTEN_AFTER = 0.16

# Words are short: without more weight, one of ten words would be a frame in a hundred.
_WORD_COUNTS = 4.0

# The share of rows without words: of other speech, and of noise and silence.
_NEGATIVE_ROWS, _NOISE_ROWS = 0.25, 0.08
# What stands in the others: words, other words, other speech; the rest are longer pauses.
_WORD, _OTHER, _SPEECH = 0.55, 0.2, 0.15
# Pauses: how many are none at all, and how long the others are on average, at most.
_JOINED, _PAUSE, _LONGEST_PAUSE = 0.2, 0.5, 2.5
# Levels of what stands beside each other differ by so many dB either way.
_LEVELS_DB = 6.0
# Where clips are joined, they fade for so long, or not at all, as in the streams of a test.
_FADE = 0.01


@dataclass(frozen=True)
class RunningRow:
    """A row of audio and what its frames are."""

    samples: Samples
    classes: NDArray[np.int64]
    """The target of every 10 ms."""
    counts: NDArray[np.float32]
    """How much every 10 ms counts."""
    words: tuple[Mark, ...]
    frames: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    targets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    def with_frames(self, x: NDArray[np.float32], features: Features) -> RunningRow:
        """The row with its frames, and the target and the weight of each of them."""
        at = np.floor(frame_seconds(features, len(x)) / BLOCK).astype(np.int64)
        at = at.clip(0, len(self.classes) - 1)
        return replace(self, frames=x, targets=self.classes[at], weights=self.counts[at])


class RowPlan:
    """Composes rows.

    Parameters
    ----------
    words : WordClips
    negatives, noises : Stretches
    labels : sequence of str
        In the order of the outputs.
    background : str
    others : str or None
        See `RunningAudio`.
    """

    def __init__(
        self,
        words: WordClips,
        negatives: Stretches,
        noises: Stretches,
        labels: Sequence[str],
        background: str,
        others: str | None,
    ) -> None:
        self._words, self._negatives, self._noises = words, negatives, noises
        self._place = {label: place for place, label in enumerate(labels)}
        self._background = self._place[background]
        self._others = self._background if others is None else self._place[others]
        silent = (background, others)
        self.keywords = tuple(label for label in words.labels if label not in silent)
        self._fillers = [label for label in words.labels if label in silent]

    def row(
        self, seconds: float, sample_rate: int, draw: np.random.Generator, change: Change
    ) -> RunningRow:
        """A row of so many seconds; `change` is given each clip and its number."""
        row = _Composition(seconds, sample_rate, self._background)
        kind = draw.random()
        speech = len(self._negatives) > 0 or bool(self._fillers)
        while row.left > 0:
            if kind < _NOISE_ROWS:
                self._add_noise(row, draw)
                continue
            if speech and kind < _NOISE_ROWS + _NEGATIVE_ROWS:
                self._add_speech(row, draw, change, draw.uniform(2.0, 6.0))
            else:
                self._add_any(row, draw, change)
            if draw.random() >= _JOINED:
                row.pause(min(draw.exponential(_PAUSE), _LONGEST_PAUSE))
        return row.done(self._place)

    def _add_any(self, row: _Composition, draw: np.random.Generator, change: Change) -> None:
        """A word, another word, other speech, or a longer pause."""
        what = draw.random()
        if what < _WORD and self.keywords:
            self._add_word(row, draw, change, self.keywords)
        elif what < _WORD + _OTHER and self._fillers:
            self._add_word(row, draw, change, self._fillers)
        elif what < _WORD + _OTHER + _SPEECH:
            self._add_speech(row, draw, change, draw.uniform(0.5, 2.5))
        else:
            row.pause(draw.uniform(0.3, 3.0))

    def _add_word(
        self, row: _Composition, draw: np.random.Generator, change: Change, labels: Sequence[str]
    ) -> None:
        label = labels[int(draw.integers(len(labels)))]
        clip = self._words.drawn(label, row.sample_rate, draw)
        y, times = change(clip.samples, row.pieces)
        marks = [Mark(times(mark.start), times(mark.end), mark.label) for mark in clip.marks]
        row.add(y, draw, marks, self._others)

    def _add_speech(
        self, row: _Composition, draw: np.random.Generator, change: Change, seconds: float
    ) -> None:
        """Speech without the words; without recordings of it, other words."""
        if len(self._negatives):
            y, _ = change(self._negatives.drawn(seconds, row.sample_rate, draw), row.pieces)
            row.add(y, draw, (), self._others)
        elif self._fillers:
            self._add_word(row, draw, change, self._fillers)
        else:
            row.pause(seconds)

    def _add_noise(self, row: _Composition, draw: np.random.Generator) -> None:
        """Recorded noise as it is, or silence, which the scene may cover."""
        seconds = draw.uniform(1.0, 8.0)
        if len(self._noises) and draw.random() < 0.75:
            y = self._noises.drawn(seconds, row.sample_rate, draw)
            row.add(y * np.float32(10 ** (draw.uniform(-24, 6) / 20)), draw, (), None)
        else:
            row.pause(seconds)


class _Composition:
    """A row that is being filled."""

    def __init__(self, seconds: float, sample_rate: int, background: int) -> None:
        self.sample_rate, self.pieces = sample_rate, 0
        self._y = np.zeros(round(seconds * sample_rate), np.float32)
        n = -(-len(self._y) // round(BLOCK * sample_rate))
        self._classes = np.full(n, background, np.int64)
        self._counts = np.ones(n, np.float32)
        self._marks: list[Mark] = []
        self._at = 0

    @property
    def left(self) -> int:
        """Samples that are still to be filled."""
        return len(self._y) - self._at

    def pause(self, seconds: float) -> None:
        """Nothing for so long."""
        self._at += max(1, round(seconds * self.sample_rate))

    def add(
        self, y: Samples, draw: np.random.Generator, marks: Sequence[Mark], speech: int | None
    ) -> None:
        """Samples, with words in them; other speech in them has the target `speech`."""
        self.pieces += 1
        if not len(y):
            return self.pause(0.1)
        first = self._at
        if draw.random() < 0.5:
            n = min(len(y) // 2, round(_FADE * self.sample_rate))
            ramp = np.linspace(0, 1, n, dtype=np.float32)
            y = y.copy()
            y[:n] *= ramp
            y[len(y) - n :] *= ramp[::-1]
        y = y * np.float32(10 ** (draw.uniform(-_LEVELS_DB, _LEVELS_DB) / 20))
        kept = y[: self.left]
        self._y[first : first + len(kept)] = kept
        if speech is not None:
            spoken = np.flatnonzero(spoken_blocks(kept, self.sample_rate))
            at = spoken + round(first / self.sample_rate / BLOCK)
            self._classes[at[at < len(self._classes)]] = speech
        start = first / self.sample_rate
        self._marks += [Mark(start + one.start, start + one.end, one.label) for one in marks]
        self._at += len(y)

    def done(self, place: dict[str, int]) -> RunningRow:
        """The row, with the targets of its words."""

        def blocks(start: float, end: float) -> slice:
            return slice(max(0, round(start / BLOCK)), max(0, round(end / BLOCK)))

        # First what does not count, so that a word right behind another one keeps its target.
        for start, end, _ in self._marks:
            self._counts[blocks(start, end + _NAMED_UNTIL + _FORGOTTEN_AFTER)] = 0.0
        for start, end, label in self._marks:
            named = blocks(max(start, end + _NAMED_FROM), end + _NAMED_UNTIL)
            self._classes[named] = place[label]
            self._counts[named] = _WORD_COUNTS
        return RunningRow(self._y, self._classes, self._counts, tuple(self._marks))
