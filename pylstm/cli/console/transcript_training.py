"""How ``pylstm train`` trains on transcripts: CTC, and a decision on symbols."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pylstm.arguments import number_of
from pylstm.cli.console.named_recordings import data_errors
from pylstm.cli.console.training_plan import TrainingPlan
from pylstm.cli.console.transcript_units import UNITS_KEY, TranscriptUnits

if TYPE_CHECKING:
    from pylstm.decisions import DecisionSettings
    from pylstm.evaluation.label_error_rate import LabelErrors
    from pylstm.features import Features
    from pylstm.layers import Layer
    from pylstm.layers.graph import Layers
    from pylstm.model import Model
    from pylstm.train.data.recordings import Recordings, Split
    from pylstm.train.data.source import Source
    from pylstm.train.loop.fitted import Fitted
    from pylstm.train.loop.report import Report
    from pylstm.train.network import Network

__all__ = ["TranscriptPlan", "greedy_label_errors"]

# Frames side by side in a row of the network. CTC learns sooner and more surely from a third of the
# rows, and three frames, 30 ms, are less than a character takes.
_STACKED = 3
# How much likelier the blank is at first, as a logit: 55 times.
_BLANK_BIAS = 4.0


@dataclass(frozen=True)
class TranscriptPlan(TrainingPlan):
    """A training on transcripts, as the options describe it."""

    units: TranscriptUnits

    @classmethod
    def of(cls, plan: TrainingPlan, units: TranscriptUnits) -> TranscriptPlan:
        """The same training, on transcripts in such units."""
        return cls(**vars(plan), units=units)

    def model(self, recordings: Recordings, split: Split) -> Model:
        """As `TrainingPlan.model`; the outputs are the blank, then the units.

        Raises
        ------
        CliError
            Recordings are too short for their transcripts, too.
        """
        model = super().model(recordings, split)
        with data_errors():
            self._check_lengths(model, split)
        *before, head = model.layers
        return model.with_layers([*before, _expecting_blanks(head)])

    def _layers(self, features: Features, labels: Sequence[str]) -> Layers:
        """Rows of three frames before layers that take a frame at a time."""
        return self.network.stack(features, labels, _STACKED)

    def _decision(
        self, recordings: Recordings, features: Features, layers: Layers
    ) -> DecisionSettings:
        return {"kind": "symbols", "blank": recordings.labels[0]}

    def _info(self, recordings: Recordings) -> dict[str, str]:
        info = super()._info(recordings)
        info.pop("training.background", None)
        return {**info, UNITS_KEY: self.units.value}

    def _augmentation(self) -> Any:
        """As for labels, without what might cut off a part of what is said."""
        from pylstm.train.augment.waveform import Shift

        changes = super()._augmentation()
        return changes and [change for change in changes if not isinstance(change, Shift)]

    def fit(
        self,
        model: Model,
        split: Split,
        checkpoint: Path,
        resume: bool,
        callbacks: Sequence[Callable[[Any], None]] = (),
    ) -> Fitted:
        """Trains it, and prints the label error rate on the validation after each epoch.

        Raises
        ------
        CliError, ValueError, DivergedError
            As in `TrainingPlan.fit`.
        """
        from pylstm.train.data.carried_state import Continued
        from pylstm.train.data.read_ahead import ReadAhead
        from pylstm.train.losses.ctc import CTC

        features: Any = model.features
        common: dict[str, Any] = {"cache": self.cache, "resample": True, "workers": self.threads}
        plain = split.training.source(
            features, self.batch_size, augment=self._augmentation(), **common
        )
        training: Any = Continued(plain)  # as in a stream, one after the other
        if self.threads > 1:
            training = ReadAhead(training)
        validation = None
        if len(split.validation):
            validation = split.validation.source(features, self.batch_size, shuffle=False, **common)
        steps = self.epochs * plain.n_batches

        def tell(report: Report) -> None:
            if report.kind == "epoch" and validation is not None:
                rate = 100 * greedy_label_errors(report.network, validation).rate
                print(
                    f"epoch {report.epoch:>{len(str(report.epochs))}} of {report.epochs}"
                    f"  label error rate on the validation {rate:.1f} %",
                    file=sys.stderr,
                    flush=True,
                )

        return self._fit(
            model, training, validation, CTC(), steps, checkpoint, resume, [tell, *callbacks]
        )

    def finished(self, fitted: Fitted, split: Split) -> tuple[Model, list[tuple[str, str]]]:
        """The model as it is saved, and its label error rate."""
        judged = split.validation if len(split.validation) else split.training
        features: Any = fitted.model.features
        source = judged.source(
            features, self.batch_size, shuffle=False, cache=self.cache, resample=True,
            workers=self.threads,
        )  # fmt: skip
        errors = greedy_label_errors(fitted.network, source)
        wrong = f"{errors.errors:,} of {errors.length:,} {self.units.value}"
        rate = f"{100 * errors.rate:.1f} %: {wrong}"
        where = self._judged_on(split)
        return fitted.model, [("label errors", f"{rate} {where}, epoch {fitted.best_epoch}")]

    def _check_lengths(self, model: Model, split: Split) -> None:
        """Refuses recordings that have fewer rows than their transcripts need."""
        from pylstm.train.augment.augmentation import Chain
        from pylstm.train.data.errors import RecordingsError

        fastest = Chain.of(self._augmentation()).shortest
        problems = [
            *_too_short(model, split.training, fastest),
            *_too_short(model, split.validation, 1.0),
        ]
        if problems:
            raise RecordingsError(split.training.name, problems)


def _expecting_blanks(head: Layer) -> Layer:
    """An untrained last layer whose first output is at first much likelier than all others.

    Most rows of a best path are blanks. A network that has to learn that first takes gradients so
    large that Adam makes small steps for an epoch or more afterwards, and stays there: all blanks.
    """
    bias = head.weights["bias"].copy()
    bias[0] += _BLANK_BIAS
    return head.with_weights({**head.weights, "bias": bias})


def _too_short(model: Model, recordings: Recordings, shortest: float) -> Iterator[str]:
    """What is wrong with each recording that has fewer rows than its transcript needs.

    Parameters
    ----------
    model : Model
    recordings : Recordings
    shortest : float
        The share of its length that a recording may be left with at the highest speed.
    """
    from pylstm.train.losses.ctc import CTC
    from pylstm.train.network import Network

    features: Any = model.features
    network = Network(model.nodes)
    place = {unit: k for k, unit in enumerate(recordings.labels)}
    speed = "" if shortest == 1 else " at the highest speed (--no-augment keeps it)"
    for item in recordings.items:
        rows = network.n_rows_out(features.n_frames(round(item.seconds * features.sr * shortest)))
        units = item.transcript or ()
        needed = max(1, CTC().needed_rows(np.array([place[unit] for unit in units], np.int64)))
        if rows < needed:
            yield (
                f"{item.name} has {item.seconds:.3f} s, {number_of(rows, 'row')}{speed}; expected"
                f" {number_of(needed, 'row')} or more for its {number_of(len(units), 'unit')}"
            )


def greedy_label_errors(network: Network, source: Source) -> LabelErrors:
    """The label errors of a network's best outputs, row by row.

    Parameters
    ----------
    network : Network
        Whose first output is the blank.
    source : Source
        Of transcripts; its epoch 0.

    Returns
    -------
    LabelErrors
    """
    from pylstm.evaluation.label_error_rate import label_error_rate

    said, heard = [], []
    for batch in source.batches(0, 0):
        outputs, _, _ = network.forward(batch.x, batch.lengths)
        best = outputs.argmax(axis=2)
        rows = network.n_rows_out(batch.lengths)
        for sequence, target in enumerate(batch.targets):
            path = best[: rows[sequence], sequence]
            begins = np.append(True, path[1:] != path[:-1])
            said.append(target.tolist())
            heard.append(path[begins & (path != 0)].tolist())
    return label_error_rate(said, heard)
