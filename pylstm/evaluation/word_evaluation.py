"""What a listener reports on running audio whose words are known."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.brief_repr import named_values
from pylstm.decisions.event import Event
from pylstm.evaluation.row_decision import RowDecision
from pylstm.evaluation.word_tape import TapeWord, WordTape

if TYPE_CHECKING:
    from pylstm.model import Model

__all__ = ["BackgroundWords", "ReportedWord", "WordEvaluation", "WordlessAudio", "evaluate_words"]


@dataclass(frozen=True)
class ReportedWord:
    """What became of a label that can be reported.

    Attributes
    ----------
    said : int
        How often it is said.
    heard : int
        How often an event with this label came in time.
    another : int
        How often another label was reported for it, whether it was heard or not.
    nothing : int
        How often nothing at all was reported for it.
    taken_for : dict of str to int
        Which other labels were reported for it, and for how many words.
    extra : int
        Further events with this label for words that had one.
    wrong : int
        Words of other labels for which this one was reported.
    false_alarms : int
        Events with this label in audio without any word.
    background_alarms : int
        Events with this label in recordings of background labels.
    """

    said: int
    heard: int
    another: int
    nothing: int
    taken_for: Mapping[str, int]
    extra: int
    wrong: int
    false_alarms: int
    background_alarms: int

    @property
    def missed(self) -> int:
        """How often it was not heard."""
        return self.said - self.heard

    @property
    def alarms(self) -> int:
        """Events with this label where nothing that can be reported is said."""
        return self.false_alarms + self.background_alarms


@dataclass(frozen=True)
class BackgroundWords:
    """Recordings of a label that is never reported.

    Attributes
    ----------
    said : int
        How many there are.
    reported : int
        In how many something was reported.
    events : int
    seconds : float
        Their length, gaps included.
    """

    said: int
    reported: int
    events: int
    seconds: float


@dataclass(frozen=True)
class WordlessAudio:
    """Audio without any word: its length in seconds, and the events in it."""

    seconds: float
    events: int


@dataclass(frozen=True, repr=False)
class WordEvaluation:
    """What a listener reported, counted.

    Attributes
    ----------
    words : dict of str to ReportedWord
        For each label that can be reported, in the order of the model.
    background : dict of str to BackgroundWords
        For each label that is never reported and that the tapes have words of.
    wordless : dict of str to WordlessAudio
        For each folder with audio outside of all words.
    thresholds : dict of str to float
        Those of the decision.
    seconds : float
        Length of the tapes.
    events : tuple of lists of Event
        Of each tape.
    """

    words: Mapping[str, ReportedWord]
    background: Mapping[str, BackgroundWords]
    wordless: Mapping[str, WordlessAudio]
    thresholds: Mapping[str, float]
    seconds: float
    events: tuple[list[Event], ...]

    def __repr__(self) -> str:
        return named_values(self, vars(self))

    @property
    def said(self) -> int:
        """How many words were said that can be reported."""
        return sum(word.said for word in self.words.values())

    @property
    def heard(self) -> int:
        """How many of them were heard."""
        return sum(word.heard for word in self.words.values())

    @property
    def missed(self) -> int:
        """How many of them were not heard."""
        return self.said - self.heard

    @property
    def another(self) -> int:
        """For how many of them another label was reported, whether they were heard or not."""
        return sum(word.another for word in self.words.values())

    @property
    def nothing(self) -> int:
        """For how many of them nothing was reported."""
        return sum(word.nothing for word in self.words.values())

    @property
    def wordless_hours(self) -> float:
        """Length of the audio without any word."""
        return sum(audio.seconds for audio in self.wordless.values()) / 3600

    @property
    def background_hours(self) -> float:
        """Length of the recordings of background labels, gaps included."""
        return sum(audio.seconds for audio in self.background.values()) / 3600

    @property
    def hours(self) -> float:
        """Length of all that holds nothing to be reported: background labels, and no words."""
        return self.wordless_hours + self.background_hours

    @property
    def false_alarms(self) -> int:
        """Events in all that holds nothing to be reported."""
        wordless = sum(audio.events for audio in self.wordless.values())
        return wordless + sum(words.events for words in self.background.values())

    @property
    def false_alarms_an_hour(self) -> float:
        """`false_alarms` over `hours`; NaN if there is no such audio."""
        return self.false_alarms / self.hours if self.hours else float("nan")


def evaluate_words(
    model: Model,
    tapes: Sequence[WordTape],
    decision: Mapping[str, Any] | None = None,
    rows: Sequence[NDArray[np.float32]] | None = None,
) -> WordEvaluation:
    """Counts what a listener reports on tapes.

    Each tape is heard by one listener that is never reset. An event belongs to a word if it comes
    while the word is said or in the gap behind it (see `TapeWord.until`). The first event with the
    label of the word means that it was heard; a further one is extra; one with another label means
    that the word was taken for that. Words may be both heard and taken for another.

    Parameters
    ----------
    model : Model
        With features, labels and a decision on words.
    tapes : sequence of WordTape
        At the model's rate.
    decision : mapping, optional
        Settings in place of those of the model, as `Model.listener` takes them.
    rows : sequence of arrays, optional
        What ``tape.rows(model)`` gives for each tape, if it is known.

    Returns
    -------
    WordEvaluation

    Raises
    ------
    TypeError, ValueError
        The model decides on something else, it lacks a label, or rows are not those of the tapes.
    AudioError
        A file cannot be read.
    """
    kept = [tape.rows(model) for tape in tapes] if rows is None else rows
    return count_words(RowDecision(model, decision), tapes, kept)


def count_words(
    decision: RowDecision, tapes: Sequence[WordTape], rows: Sequence[NDArray[np.float32]]
) -> WordEvaluation:
    """Does the same with a decision and rows; see `evaluate_words`."""
    if len(rows) != len(tapes):
        given = number_of(len(rows), "array")
        raise ValueError(f"rows has {given}; expected {len(tapes)}, one for each tape")
    counts = _Counts()
    events = []
    for tape, posteriors in zip(tapes, rows, strict=True):
        for word in tape.words:
            if word.label not in decision.labels:
                raise ValueError(
                    f"a tape has the label {word.label!r}; expected labels of the model:"
                    f" {', '.join(decision.labels)}"
                )
        events.append(decision.events(posteriors))
        counts.add(tape, events[-1], decision)
    return WordEvaluation(
        {label: counts.reported(label) for label in decision.thresholds},
        {label: counts.of_background(label) for label in decision.background if counts.said[label]},
        {
            source: WordlessAudio(seconds, counts.wordless_events[source])
            for source, seconds in sorted(counts.wordless_seconds.items())
        },
        dict(decision.thresholds),
        sum(tape.seconds for tape in tapes),
        tuple(events),
    )


@dataclass
class _Counts:
    """Sums over tapes."""

    said: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)
    another: Counter[str] = field(default_factory=Counter)
    nothing: Counter[str] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    taken_for: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    background_events: Counter[str] = field(default_factory=Counter)
    background_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    background_alarms: Counter[str] = field(default_factory=Counter)
    false_alarms: Counter[str] = field(default_factory=Counter)
    wordless_events: Counter[str] = field(default_factory=Counter)
    wordless_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, tape: WordTape, events: Sequence[Event], decision: RowDecision) -> None:
        starts = [word.start for word in tape.words]
        found: list[Counter[str]] = [Counter() for _ in tape.words]
        for event in events:
            place = _word_of(event, tape.words, starts, found)
            if place is not None:
                found[place][event.label] += 1
            else:
                self.false_alarms[event.label] += 1
                self.wordless_events[_source_at(tape, event.time)] += 1
        for word, labels in zip(tape.words, found, strict=True):
            self.said[word.label] += 1
            self.nothing[word.label] += not labels
            if word.label not in decision.thresholds:
                self.background_events[word.label] += labels.total()
                self.background_seconds[word.label] += word.until - word.start
                self.background_alarms.update(labels)
                continue
            n = labels.pop(word.label, 0)
            self.heard[word.label] += n > 0
            self.extra[word.label] += max(0, n - 1)
            self.another[word.label] += bool(labels)
            self.taken_for[word.label].update(list(labels))
            self.wrong.update(list(labels))
        for source, seconds in tape.wordless().items():
            self.wordless_seconds[source] += seconds

    def reported(self, label: str) -> ReportedWord:
        return ReportedWord(
            self.said[label], self.heard[label], self.another[label], self.nothing[label],
            dict(self.taken_for[label].most_common()), self.extra[label], self.wrong[label],
            self.false_alarms[label], self.background_alarms[label],
        )  # fmt: skip

    def of_background(self, label: str) -> BackgroundWords:
        said = self.said[label]
        return BackgroundWords(
            said, said - self.nothing[label], self.background_events[label],
            self.background_seconds[label],
        )  # fmt: skip


def _word_of(
    event: Event, words: Sequence[TapeWord], starts: Sequence[float], found: list[Counter[str]]
) -> int | None:
    """The word that an event belongs to.

    Shortly behind a word the next one may have begun: an event with the label of one of them is
    that one's, rather one's that was not heard yet; any other is the later one's.
    """
    near, place = [], bisect_right(starts, event.time) - 1
    while place >= 0 and event.time < words[place].until:
        near.append(place)
        place -= 1
    same = [place for place in near if words[place].label == event.label]
    waiting = [place for place in same if not found[place][event.label]]
    return next(iter([*waiting, *same, *near]), None)


def _source_at(tape: WordTape, seconds: float) -> str:
    """The folder of the file that a time on a tape belongs to, gap included."""
    place = bisect_right([piece.start for piece in tape.pieces], seconds * tape.sample_rate) - 1
    return tape.pieces[max(0, place)].source
