"""How ``pylstm train`` learns words for running audio, and judges them as a listener hears them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pylstm.arguments import number_of
from pylstm.cli.console.output import note, one_line
from pylstm.cli.console.training_plan import BACKGROUND_LABELS, TrainingPlan

if TYPE_CHECKING:
    from pathlib import Path

    from pylstm.decisions import DecisionSettings
    from pylstm.evaluation.thresholds import Tuned
    from pylstm.evaluation.word_evaluation import WordEvaluation
    from pylstm.evaluation.word_tape import WordTape
    from pylstm.features import Features
    from pylstm.layers.graph import Layers
    from pylstm.model import Model
    from pylstm.train.data.negatives import Negatives
    from pylstm.train.data.recordings import Recordings, Split
    from pylstm.train.data.running_audio import RunningAudio
    from pylstm.train.data.source import Source
    from pylstm.train.loop.fitted import Fitted
    from pylstm.train.loop.report import Report

__all__ = ["WordPlan"]

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
class WordPlan(TrainingPlan):
    """A training on words in running audio, as the options describe it.

    Attributes
    ----------
    negatives : Negatives
        Recordings without any of the words.
    false_alarms : float
        False alarms an hour that thresholds are chosen for.
    """

    negatives: Negatives
    false_alarms: float

    @classmethod
    def of(cls, plan: TrainingPlan, negatives: Negatives, false_alarms: float) -> WordPlan:
        """The same training, on words."""
        return cls(**vars(plan), negatives=negatives, false_alarms=false_alarms)

    def _decision(
        self, recordings: Recordings, features: Features, layers: Layers
    ) -> DecisionSettings:
        from pylstm.train.networks import rows_in

        return {
            "kind": "words",
            "threshold": 0.5,
            "smoothing_frames": rows_in(0.16, features, layers),
            "refractory_frames": rows_in(0.5, features, layers),
            "background": self._silent_labels(recordings),
        }

    def _words(self, model: Model, split: Split) -> WordTraining:
        labels = model.labels or ()
        named = [self.others, "unknown", "_unknown_"]
        background = self.silence_label or split.training.background
        return WordTraining(
            model=model,
            split=split,
            negatives=self.negatives,
            noises=self.noises,
            background=background or next(name for name in labels if name in BACKGROUND_LABELS),
            others=next((name for name in named if name in labels), None),
            batch_size=self.batch_size,
            threads=self.threads,
            augment=self.augment,
            masks=self.learning.masks(),
        )

    def fit(
        self,
        model: Model,
        split: Split,
        checkpoint: Path,
        resume: bool,
        callbacks: Sequence[Callable[[Any], None]] = (),
    ) -> Fitted:
        """Trains it, and prints what a listener hears of the validation after each epoch.

        Raises
        ------
        CliError, ValueError, DivergedError
            As in `TrainingPlan.fit`.
        """
        from pylstm.train.data.read_ahead import ReadAhead
        from pylstm.train.losses.frame_losses import CrossEntropy

        words = self._words(model, split)
        weights = None
        if self.learning.weighs_labels:
            weights = self.learning.weights(words.amounts())
        training: Any = ReadAhead(words.training) if self.threads > 1 else words.training
        return self._fit(
            model,
            training,
            words.validation,
            CrossEntropy(weights, per="frame"),
            self.epochs * words.training.n_batches,
            checkpoint,
            resume,
            [words.show_events, *callbacks],
        )

    def finished(self, fitted: Fitted, split: Split) -> tuple[Model, list[tuple[str, str]]]:
        """The model with its thresholds, and what its listener hears with them.

        Without negatives to judge by, thresholds stay as they are.
        """
        from pylstm.evaluation.thresholds import tuned_thresholds
        from pylstm.evaluation.word_evaluation import evaluate_words
        from pylstm.model import Model

        model, facts = super().finished(fitted, split)
        words = self._words(model, split)
        if not len(split.validation):
            return model, facts
        if not self.negatives.validation:
            found = heard_and_false_alarms(evaluate_words(model, words.tapes))
            note("thresholds stay as they are: there are no negatives to choose them by")
            return model, [*facts, ("listener", f"{found}, on the validation")]
        tuned = tuned_thresholds(model, words.tapes, self.false_alarms)
        decision: Any = {**model.listener().decision, "threshold": tuned.thresholds}
        model = Model(model.features, fitted.graph(), model.labels, model.info, decision)
        if tuned.note:
            note(tuned.note)
        heard = heard_and_false_alarms(tuned.evaluation)
        facts = [*facts, ("listener", f"{heard}, on the validation")]
        return model, [*facts, *_by_label(tuned)]


def _by_label(tuned: Tuned) -> list[tuple[str, str]]:
    """A fact for each label."""
    found = []
    for label, word in tuned.evaluation.words.items():
        share = (
            f"{100 * word.heard / word.said:.1f} % of {word.said}" if word.said else "never said"
        )
        alarms = number_of(word.false_alarms + word.background_alarms, "false alarm")
        threshold = tuned.evaluation.thresholds[label]
        found.append((f"  {one_line(label)}", f"{share}, {alarms}, threshold {threshold:.3g}"))
    return found


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
