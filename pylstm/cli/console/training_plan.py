"""How ``pylstm train`` trains: features, layers, augmentation, loss and schedule from its options.

What has no option is what works for keywords: AdamW with a warm-up and a cosine, and frames that
are normalised over the training data. Labels of recordings are trained on the mean of the logits,
labels of frames in chunks of two seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.named_recordings import data_errors, folder_name

if TYPE_CHECKING:
    from pylstm.decisions import DecisionSettings
    from pylstm.layers import Layer
    from pylstm.model import Model
    from pylstm.train.data.feature_cache import FeatureCache
    from pylstm.train.data.recordings import Recordings, Split
    from pylstm.train.loop.fitted import Fitted

__all__ = ["TrainingPlan", "needs_background_examples"]

# Frames that are unrolled at once if each has a label: two seconds.
_CHUNK = 200
# Labels that are background in every set.
_BACKGROUND = ("silence", "background", "noise", "_silence_", "_background_")


def needs_background_examples(recordings: Recordings) -> bool:
    """Whether no label is background: a model of such labels would find one of them in silence."""
    return recordings.per == "sequence" and not set(_BACKGROUND) & set(recordings.labels)


@dataclass(frozen=True)
class TrainingPlan:
    """A training as the options describe it."""

    hidden: int
    layers: int
    epochs: int
    batch_size: int
    learning_rate: float
    validation: float
    n_mfcc: int
    sample_rate: int
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
        from pylstm.features import MFCC
        from pylstm.model import Model

        try:
            # 25 ms every 10 ms, at any rate.
            window = round(0.025 * self.sample_rate)
            plain = MFCC(
                sr=self.sample_rate,
                n_mfcc=self.n_mfcc,
                n_fft=1 << (window - 1).bit_length(),
                win_length=window,
                hop_length=round(0.01 * self.sample_rate),
                n_mels=max(40, self.n_mfcc),
            )
            with data_errors(recordings):
                features = split.training.normalised(plain, self.cache)
            labels = self.labels(recordings)
            layers = self._layers(features.n_features, len(labels))
            decision = self._decision(recordings)
            return Model(features, layers, labels, self._info(recordings), decision)
        except ValueError as error:
            raise CliError(str(error), USAGE) from None

    def _layers(self, n_features: int, n_labels: int) -> list[Layer]:
        """The untrained layers."""
        from pylstm.layers import LSTM, Dense

        stack = LSTM(n_features, self.hidden, self.layers, seed=self.seed)
        return [stack, Dense(self.hidden, n_labels, "softmax", seed=self.seed + 1)]

    def _decision(self, recordings: Recordings) -> DecisionSettings:
        """How the model decides on words."""
        labels = self.labels(recordings)
        silent = (*_BACKGROUND, "unknown", "_unknown_", self.others, self.silence_label)
        background = [label for label in labels if label in (*silent, recordings.background)]
        if len(background) == len(labels):
            background = []
        # Frames that were trained together agree for longer than those of a short event.
        together = recordings.per == "sequence"
        return {
            "kind": "words",
            "threshold": 0.7 if together else 0.5,
            "smoothing_frames": 20 if together else 10,
            "refractory_frames": 40,
            "background": background,
        }

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

    def fit(self, model: Model, split: Split, checkpoint: Path, resume: bool) -> Fitted:
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
        from pylstm.train.data.truncated import Truncated
        from pylstm.train.loop.fit import fit
        from pylstm.train.losses.frame_losses import CrossEntropy
        from pylstm.train.optimisers import AdamW
        from pylstm.train.schedules import Cosine

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
        if per == "sequence":
            loss = CrossEntropy(per="sequence", pooling="mean")
        else:
            loss = CrossEntropy(per="frame")
        return fit(
            model,
            training,
            validation,
            loss=loss,
            optimiser=AdamW(lr=self.learning_rate),
            schedule=Cosine(steps, warmup_steps=min(100, steps // 10)),
            epochs=self.epochs,
            patience=self.patience,
            checkpoint=checkpoint,
            resume=resume,
            seed=self.seed,
            threads=self.threads,
            progress=True,
        )

    def result(self, fitted: Fitted, split: Split) -> tuple[str, str]:
        """How good the model is that was kept: what is measured, and its value in words."""
        best = fitted.history[fitted.best_epoch - 1]
        judged = best["validation_accuracy"]
        if judged is None:
            judged = best["accuracy"]
        where = self._judged_on(split)
        return "accuracy", f"{100 * judged:.1f} % {where}, epoch {fitted.best_epoch}"

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
        from pylstm.train.augment.spec_augment import SpecAugment
        from pylstm.train.augment.waveform import Gain, Shift, Speed

        return [
            Speed(p=0.5),
            Shift(),
            Noise(recordings=self.noises or None, p=0.5),
            Gain(),
            SpecAugment(time_masks=1, time_width=10, frequency_masks=1, frequency_width=2, p=0.5),
        ]
