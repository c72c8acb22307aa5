"""How ``pylstm train`` trains: features, layers, augmentation, loss, schedule, from few numbers.

What is not asked for is chosen as it works for keywords: AdamW with a warm-up and a cosine, frames
normalised over the training, a label a recording learnt from the mean of its frames, and those of
frames in chunks of two seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.recordings import data_errors

if TYPE_CHECKING:
    from pylstm.model import Model
    from pylstm.train.data.recordings import Recordings, Split
    from pylstm.train.loop.fitted import Fitted

__all__ = ["Plan", "needs_quiet"]

# Frames that are unrolled at once where each has its label: two seconds.
_CHUNK = 200
# Labels that stand for nothing wherever they are used.
_BACKGROUND = ("silence", "background", "noise", "_silence_", "_background_")


def needs_quiet(recordings: Recordings) -> bool:
    """Whether every recording is of something: a model of these hears something in silence."""
    return recordings.per == "sequence" and not set(_BACKGROUND) & set(recordings.labels)


@dataclass(frozen=True)
class Plan:
    """What the options say."""

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
    cache: Path | None
    others: str | None
    quiet: str | None

    def labels(self, recordings: Recordings) -> tuple[str, ...]:
        """What the outputs mean: the labels of the recordings, and last the one that is added."""
        return (*recordings.labels, *([] if self.quiet is None else [self.quiet]))

    def model(self, recordings: Recordings, split: Split) -> Model:
        """The model at its beginning; its features are normalised over the training recordings.

        Raises
        ------
        CliError
            A recording cannot be read, or a number is one that no model can have.
        """
        from pylstm.features import MFCC
        from pylstm.layers import LSTM, Dense
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
            with data_errors():
                features = split.training.normalised(plain, self.cache)
            stack = LSTM(features.n_features, self.hidden, self.layers, seed=self.seed)
            labels = self.labels(recordings)
            head = Dense(self.hidden, len(labels), "softmax", seed=self.seed + 1)
            return Model(features, [stack, head], labels, self._info(recordings))
        except ValueError as error:
            raise CliError(str(error), USAGE) from None

    def _info(self, recordings: Recordings) -> dict[str, str]:
        """What goes with the model: a detector's numbers, and what it was trained on."""
        labels = self.labels(recordings)
        silent = (*_BACKGROUND, "unknown", "_unknown_", self.others, self.quiet)
        background = [label for label in labels if label in (*silent, recordings.background)]
        for label in background:
            if "," in label:
                raise CliError(f"label {label!r} has a comma; expected none in that of background")
        if len(background) == len(labels):
            background = []
        # Frames that were learnt together agree for longer than those of a short event.
        together = recordings.per == "sequence"
        info = {
            "detector.threshold": "0.7" if together else "0.5",
            "detector.smoothing_frames": "20" if together else "10",
            "detector.refractory_frames": "40",
            "detector.background": ",".join(background),
            "training.data": Path(recordings.name).resolve().name,
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
            The checkpoint is of another training, or a recording has become unreadable.
        DivergedError
            It has come to numbers that are none.
        """
        from pylstm.train.data.batches import Truncated
        from pylstm.train.data.carried_state import Continued
        from pylstm.train.data.silence_examples import Quiet
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
            if self.quiet is not None:
                place = len(split.training.labels)
                training = Quiet(training, features, place, noises=self.noises)
            training = Continued(training)  # a stream brings them one after the other
        else:
            steps = self.epochs * self._chunks(split.training, features)
            training = Truncated(training, _CHUNK)
        pooling = "mean" if per == "sequence" else "last"
        return fit(
            model,
            training,
            validation,
            loss=CrossEntropy(per=per, pooling=pooling),
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

    def _chunks(self, recordings: Recordings, features: Any) -> int:
        """About how many chunks an epoch has: what shares a batch changes from epoch to epoch."""
        from pylstm.train.data.batches import cuts

        rate = features.sr / features.hop_length
        lengths = np.array([item.seconds * rate for item in recordings.items])
        batches = cuts(lengths, self.batch_size, True, True, 0, self.seed)
        return sum(math.ceil(lengths[batch].max() / _CHUNK) for batch in batches)

    def _augmentation(self) -> Any:
        """Mild changes: another speed, place, loudness, some noise, a few values hidden."""
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
