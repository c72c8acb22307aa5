"""How ``pylstm train`` learns words for running audio, and judges them as a listener hears them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pylstm.arguments import number_of
from pylstm.cli.console.output import fact, note

if TYPE_CHECKING:
    from pylstm.evaluation.thresholds import Tuned
    from pylstm.evaluation.word_evaluation import WordEvaluation
    from pylstm.evaluation.word_tape import WordTape
    from pylstm.model import Model
    from pylstm.train.data.negatives import Negatives
    from pylstm.train.data.recordings import Split
    from pylstm.train.data.running_audio import RunningAudio
    from pylstm.train.data.source import Source
    from pylstm.train.loop.fitted import Fitted
    from pylstm.train.loop.report import Report

__all__ = ["WordTraining"]

# Batches in an epoch: an epoch of a few recordings would be over before anything is learnt, and
# validation and hard negatives come once in an epoch.
_LEAST_BATCHES = 20
# Batches of a validation: enough for a loss, which events stand beside.
_MOST_VALIDATION = 40
# Rows in which labels are counted.
_ROWS_COUNTED = 200
# How long a row of running audio is, seconds.
_ROW = 8.0
# Files of negatives that are judged with in each epoch, at most, seconds.
_MOST_JUDGED = 1800.0


@dataclass(frozen=True)
class WordTraining:
    """The data of a training on words, and its judgement by events.

    Attributes
    ----------
    model : Model
        Untrained; its features, labels and decision are used.
    split : Split
    negatives : Negatives
    noises : sequence of str
    background : str
        The label of audio without a word.
    others : str or None
        The label of speech that is none of the words.
    batch_size, threads : int
    augment : bool
    masks : sequence of Augmentation
        Of frames.
    """

    model: Model
    split: Split
    negatives: Negatives
    noises: Sequence[str]
    background: str
    others: str | None
    batch_size: int
    threads: int
    augment: bool
    masks: Sequence[Any]

    # --- data -------------------------------------------------------------------------------------

    @cached_property
    def training(self) -> RunningAudio:
        """What is learnt from."""
        from pylstm.train.augment.noise import Noise
        from pylstm.train.augment.reverb import Reverb
        from pylstm.train.augment.waveform import Equaliser, Level, Speed

        clip: list[Any] = []
        scene: list[Any] = []
        if self.augment:
            clip = [Speed((0.85, 1.18), p=0.7)]
            scene = [Reverb((0.1, 0.5), (0.0, 15.0), p=0.3), Equaliser(p=0.5)]
            if self.noises:
                scene.append(Noise((0.0, 30.0), recordings=self.noises, p=0.6))
            scene += [Noise((5.0, 45.0), p=0.6), Level((-45.0, -2.0))]
        scene += self.masks
        return self._running(self.split.training, self.negatives.training, clip, scene, None)

    def amounts(self) -> dict[str, float]:
        """How much there is of each label in the rows of an epoch, in 10 ms; for class weights."""
        labels = self.model.labels or ()
        counts = np.zeros(len(labels))
        for number in range(_ROWS_COUNTED):
            row = self.training.row(0, 0, number)
            counts += np.bincount(row.classes, row.counts, len(labels))
        return dict(zip(labels, counts.tolist(), strict=True))

    @cached_property
    def validation(self) -> Source | None:
        """What the loss is measured on: other speakers, in noise of any level."""
        from pylstm.train.augment.noise import Noise
        from pylstm.train.augment.waveform import Level

        if not len(self.split.validation):
            return None
        scene = [Noise((5.0, 45.0)), Level((-45.0, -2.0))] if self.augment else []
        words = sum(self.split.validation.counts().values())
        n_batches = min(_MOST_VALIDATION, max(2, math.ceil(words / self.batch_size)))
        return self._running(self.split.validation, self.negatives.validation, [], scene, n_batches)

    def _running(
        self,
        recordings: Any,
        negatives: Sequence[str],
        clip: list[Any],
        scene: list[Any],
        n_batches: int | None,
    ) -> RunningAudio:
        from pylstm.train.data.running_audio import RunningAudio

        words = sum(recordings.counts().values())
        usual = max(_LEAST_BATCHES, round(words / 2 / self.batch_size))
        features, labels = self.model.features, self.model.labels
        assert features is not None
        assert labels is not None
        return RunningAudio(
            recordings,
            features,
            labels,
            self.batch_size,
            background=self.background,
            seconds=_ROW,
            n_batches=usual if n_batches is None else n_batches,
            others=self.others,
            negatives=negatives,
            noises=self.noises,
            augment=clip,
            scene=scene,
            workers=self.threads,
        )

    # --- judgement --------------------------------------------------------------------------------

    @cached_property
    def tapes(self) -> list[WordTape]:
        """What a listener is judged on: validation words, and the negatives kept for it."""
        from pylstm.audio.header import Header
        from pylstm.evaluation.word_tape import WordTape

        rate = self.model.sample_rate
        assert rate is not None
        tapes = []
        if len(self.split.validation):
            tapes.append(WordTape.of_recordings(self.split.validation, rate))
        judged, seconds = [], 0.0
        for path in self.negatives.validation:
            if seconds < _MOST_JUDGED:
                judged.append(path)
                seconds += Header.of(path).seconds
        if judged:
            tapes.append(WordTape.of_files(judged, rate))
        return tapes

    def show_events(self, report: Report) -> None:
        """A callback that prints after each epoch what a listener would report."""
        from pylstm.evaluation.word_evaluation import evaluate_words

        if report.kind != "epoch" or not self.tapes:
            return
        from pylstm.model import Model

        began = self.model
        model = Model(
            began.features, report.network.graph(), began.labels, began.info, self._decision
        )
        found = evaluate_words(model, self.tapes)
        print(f"{' ' * 6}listener: {heard_and_false_alarms(found)}", file=sys.stderr, flush=True)

    @cached_property
    def _decision(self) -> Any:
        return self.model.listener().decision

    def tuned(self, fitted: Fitted, false_alarms: float) -> tuple[Model, Tuned | None]:
        """The model with thresholds for so many false alarms an hour, if they can be counted.

        Without recordings to judge by, thresholds stay as they are.
        """
        from pylstm.evaluation.thresholds import tuned_thresholds
        from pylstm.model import Model

        model = fitted.model
        if not len(self.split.validation) or not self.negatives.validation:
            return model, None
        found = tuned_thresholds(model, self.tapes, false_alarms)
        decision: Any = {**model.listener().decision, "threshold": found.thresholds}
        return Model(model.features, fitted.graph(), model.labels, model.info, decision), found

    def print_result(self, found: Tuned) -> None:
        """What the listener hears with its thresholds, in all and by label."""
        evaluation = found.evaluation
        fact("listener", f"{heard_and_false_alarms(evaluation)}, on the validation")
        width = max(len(label) for label in evaluation.words)
        for label, word in evaluation.words.items():
            share = f"{100 * word.heard / word.said:5.1f} %" if word.said else "    -  "
            alarms = word.false_alarms + word.background_alarms
            print(
                f"  {label:<{width}}  threshold {evaluation.thresholds[label]:.3f}  heard {share}"
                f" of {word.said}  {number_of(alarms, 'false alarm')}"
            )
        if found.note:
            note(found.note)


def heard_and_false_alarms(found: WordEvaluation) -> str:
    """The two figures of a listener in a line."""
    parts = []
    if found.said:
        parts.append(f"{100 * found.heard / found.said:.1f} % of {found.said} words heard")
        if found.another:
            parts.append(f"{100 * found.another / found.said:.1f} % taken for another")
    if found.hours:
        alarms = number_of(found.false_alarms, "false alarm")
        parts.append(
            f"{alarms} in {60 * found.hours:.1f} minutes ({found.false_alarms_an_hour:.3g} an hour)"
        )
    return ", ".join(parts)
