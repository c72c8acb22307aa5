"""How ``pylstm train`` trains: features, layers, augmentation, loss and schedule from its options.

What has no option is what works for keywords: AdamW with a warm-up and a cosine, and frames that
are normalised over the training data. Words are trained in running audio (`WordPlan`). Sounds
that last are trained on the mean of the logits of a recording, or where they have times, frame by
frame in chunks of two seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.learning_plan import LearningPlan, amounts_of
from pylstm.cli.console.named_recordings import data_errors, folder_name
from pylstm.cli.console.network_plan import NetworkPlan

if TYPE_CHECKING:
    from pylstm.decisions import DecisionSettings
    from pylstm.features import Features
    from pylstm.layers.graph import Layers
    from pylstm.model import Model
    from pylstm.train.data.feature_cache import FeatureCache
    from pylstm.train.data.recordings import Recordings, Split
    from pylstm.train.loop.fitted import Fitted

__all__ = ["BACKGROUND_LABELS", "TrainingPlan", "needs_background_examples"]

# Frames that are unrolled at once if each has a label: two seconds.
_CHUNK = 200
# Labels that are background in every set.
BACKGROUND_LABELS = ("silence", "background", "noise", "_silence_", "_background_")


def needs_background_examples(recordings: Recordings) -> bool:
    """Whether no label is background: a model of such labels would find one of them in silence."""
    return recordings.per == "sequence" and not set(BACKGROUND_LABELS) & set(recordings.labels)


@dataclass(frozen=True)
class TrainingPlan:
    """A training as the options describe it."""

    network: NetworkPlan
    epochs: int
    learning: LearningPlan
    batch_size: int
    validation: float
    seed: int
    threads: int
    augment: bool
    noises: tuple[str, ...]
    patience: int | None
    cache: FeatureCache | None
    others: str | None
    silence_label: str | None

    def labels(self, recordings: Recordings) -> tuple[str, ...]:
        """The labels of the outputs: those of the recordings, then that of added noise."""
        return (*recordings.labels, *([] if self.silence_label is None else [self.silence_label]))

    def model(self, recordings: Recordings, split: Split) -> Model:
        """The untrained model; its features are normalised over the training recordings.

        Raises
        ------
        CliError
            A recording cannot be read, or no model can have such a number.
        """
        from pylstm.model import Model

        try:
            with data_errors(recordings):
                features = self.network.features()
                if self.network.base is None:
                    features = split.training.normalised(features, self.cache)
            labels = self.labels(recordings)
            layers = self._layers(features, labels)
            decision = self._decision(recordings, features, layers)
            return Model(features, layers, labels, self._info(recordings), decision)
        except ValueError as error:
            raise CliError(str(error), USAGE) from None

    def _layers(self, features: Features, labels: Sequence[str]) -> Layers:
        """The layers to begin with."""
        return self.network.stack(features, labels)

    def _decision(
        self, recordings: Recordings, features: Features, layers: Layers
    ) -> DecisionSettings:
        """How the model decides on words."""
        from pylstm.train.networks import rows_in

        background = self._silent_labels(recordings)
        # Frames that were trained together agree for longer than those of a short event.
        together = recordings.per == "sequence"
        return {
            "kind": "words",
            "threshold": 0.7 if together else 0.5,
            "smoothing_frames": rows_in(0.2 if together else 0.1, features, layers),
            "refractory_frames": rows_in(0.4, features, layers),
            "background": background,
        }

    def _silent_labels(self, recordings: Recordings) -> list[str]:
        """The labels that a listener does not report."""
        labels = self.labels(recordings)
        silent = (*BACKGROUND_LABELS, "unknown", "_unknown_", self.others, self.silence_label)
        found = [label for label in labels if label in (*silent, recordings.background)]
        return found if len(found) < len(labels) else []

    def _info(self, recordings: Recordings) -> dict[str, str]:
        """The model's notes: what it was trained on."""
        info = {
            "training.data": folder_name(recordings),
            "training.seed": str(self.seed),
            "training.validation": repr(self.validation),
        }
        if self.others is not None:
            info["training.others"] = self.others
        if recordings.background is not None:
            info["training.background"] = recordings.background
        return info

    def fit(
        self,
        model: Model,
        split: Split,
        checkpoint: Path,
        resume: bool,
        callbacks: Sequence[Callable[[Any], None]] = (),
    ) -> Fitted:
        """Trains it.

        Raises
        ------
        CliError
            A recording has become unreadable.
        ValueError
            The checkpoint is of another training.
        DivergedError
            Loss, gradient or weights are NaN or infinite.
        """
        from pylstm.train.data.background_examples import BackgroundExamples
        from pylstm.train.data.carried_state import Continued
        from pylstm.train.data.read_ahead import ReadAhead
        from pylstm.train.data.truncated import Truncated
        from pylstm.train.losses.frame_losses import CrossEntropy

        features: Any = model.features
        common: dict[str, Any] = {"cache": self.cache, "resample": True, "workers": self.threads}
        training: Any = split.training.source(
            features, self.batch_size, augment=self._augmentation(), **common
        )
        validation = None
        if len(split.validation):
            validation = split.validation.source(features, self.batch_size, shuffle=False, **common)
        per = split.training.per
        if per == "sequence":
            steps = self.epochs * training.n_batches
            if self.silence_label is not None:
                place = len(split.training.labels)
                training = BackgroundExamples(training, features, place, noises=self.noises)
            training = Continued(training)  # as in a stream, one after the other
        else:
            steps = self.epochs * self._chunks(split.training, features)
            training = Truncated(training, _CHUNK)
        amounts = amounts_of(split.training)
        if self.silence_label is not None:
            amounts[self.silence_label] = max(0.2, 1 / self.batch_size) * sum(amounts.values())
        weights = self.learning.weights(amounts)
        if self.threads > 1:
            training = ReadAhead(training)
        if per == "sequence":
            loss = CrossEntropy(weights, per="sequence", pooling="mean")
        else:
            loss = CrossEntropy(weights, per="frame")
        return self._fit(model, training, validation, loss, steps, checkpoint, resume, callbacks)

    def _fit(
        self,
        model: Model,
        training: Any,
        validation: Any,
        loss: Any,
        steps: int,
        checkpoint: Path,
        resume: bool,
        callbacks: Sequence[Callable[[Any], None]],
    ) -> Fitted:
        """What all trainings have in common."""
        from pylstm.train.loop.fit import fit
        from pylstm.train.optimisers import AdamW

        return fit(
            model,
            training,
            validation,
            loss=loss,
            optimiser=AdamW(lr=self.learning.rate),
            schedule=self.learning.factors(steps, self.epochs),
            epochs=self.epochs,
            patience=self.patience,
            checkpoint=checkpoint,
            resume=resume,
            seed=self.seed,
            threads=self.threads,
            frozen=self.network.frozen_layers,
            callbacks=callbacks,
            progress=True,
        )

    def finished(self, fitted: Fitted, split: Split) -> tuple[Model, list[tuple[str, str]]]:
        """The model as it is saved, and what was measured: names and values in words."""
        best = fitted.history[fitted.best_epoch - 1]
        judged = best["validation_accuracy"]
        if judged is None:
            judged = best["accuracy"]
        where = self._judged_on(split)
        accuracy = f"{100 * judged:.1f} % {where}, epoch {fitted.best_epoch}"
        return fitted.model, [("accuracy", accuracy)]

    def _judged_on(self, split: Split) -> str:
        if len(split.validation):
            return "on the validation"
        return "on the training itself, as there is no validation"

    def _chunks(self, recordings: Recordings, features: Any) -> int:
        """About how many chunks an epoch has; it varies with what shares a batch."""
        from pylstm.train.data.batch_order import batch_order

        rate = features.sr / features.hop_length
        lengths = np.array([item.seconds * rate for item in recordings.items])
        batches = batch_order(lengths, self.batch_size, True, True, 0, self.seed)
        return sum(math.ceil(lengths[batch].max() / _CHUNK) for batch in batches)

    def _augmentation(self) -> Any:
        """Mild changes: speed, position, noise, loudness, masked frames and coefficients."""
        if not self.augment:
            return None
        from pylstm.train.augment.noise import Noise
        from pylstm.train.augment.waveform import Gain, Shift, Speed

        return [
            Speed(p=0.5),
            Shift(),
            Noise(recordings=self.noises or None, p=0.5),
            Gain(),
            *self.learning.masks(),
        ]
