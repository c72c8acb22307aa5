"""One training from epoch to epoch: steps, validation, checkpoint, and what ends it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np

from pylstm.model import Model
from pylstm.train.data.batches import Batch, Source, batches_told
from pylstm.train.loop.checkpoint import Checkpoint
from pylstm.train.loop.fitted import DivergedError, Fitted, Stopped
from pylstm.train.loop.interrupts import Interrupts
from pylstm.train.loop.progress import Report, Shown
from pylstm.train.optimisers import clip_global_norm
from pylstm.train.recurrent_state import carried

__all__ = ["Callback", "Loop"]

Callback = Callable[[Report], str | None]

# Draws inside the network share their seed with nothing else (see pylstm.train.augment.waveform).
_NETWORK = 0xF1


class _End(Exception):
    """The training ends between two batches."""

    def __init__(self, why: Stopped) -> None:
        self.why = why


@dataclass(kw_only=True)
class Loop:
    """One training: where it stands, and how it goes on."""

    network: Any
    model: Model | None
    training: Source
    validation: Source | None
    loss: Any
    optimiser: Any
    schedule: Any
    standing: Checkpoint
    epochs: int
    max_norm: float | None
    patience: int | None
    path: Path | None
    seed: int
    callbacks: Sequence[Callback]
    interrupts: Interrupts
    show: Shown

    def run(self, begun: bool) -> Fitted:
        """Epochs until something ends them."""
        why: Stopped = "epochs"
        try:
            if not begun:  # now, so that a place where nothing can be written shows now
                with self.interrupts.whole():
                    self._save()
            while self.standing.epoch < self.epochs:
                if self.patience is not None and self.standing.waited >= self.patience:
                    why = "patience"
                    break
                self._epoch()
        except _End as end:
            why = end.why
        except KeyboardInterrupt:  # outside of a step: the weights are those of a whole number
            why = "interrupted"
        except DivergedError as error:
            self.network.parameters[:] = self.standing.parameters
            error.fitted = self._fitted("diverged")
            raise
        return self._fitted(why)

    def _fitted(self, why: Stopped) -> Fitted:
        standing = self.standing
        if standing.best is not None:
            self.network.parameters[:] = standing.best
        return Fitted(self.network, self.model, standing.history, standing.best_epoch, why)

    def _epoch(self) -> None:
        """One epoch, its validation, and the checkpoint after it."""
        standing, began = self.standing, perf_counter()
        epoch, step = standing.epoch, standing.step
        mean, state, lr, norm = _Mean(), None, math.nan, math.nan
        place = -1

        def report(kind: Literal["batch", "epoch"], **more: Any) -> Report:
            return Report(
                kind=kind,
                epoch=epoch + 1,
                epochs=self.epochs,
                batch=place + 1,
                n_batches=batches_told(self.training),
                step=step,
                loss=mean.loss,
                accuracy=mean.accuracy,
                lr=lr,
                norm=norm,
                seconds=perf_counter() - began,
                network=self.network,
                **({"validation_loss": None, "validation_accuracy": None, "best": False} | more),
            )

        for place, batch in enumerate(self.training.batches(epoch, self.seed)):
            where = f"epoch {epoch + 1}, batch {place + 1}"
            rng = np.random.default_rng([_NETWORK, self.seed, epoch, place])
            with _naming(where):
                outputs, state, tape = self.network.forward(
                    batch.x, batch.lengths, carried(state, batch.continues), training=True, rng=rng
                )
                result = self.loss(outputs, batch.targets, batch.lengths, batch.weights)
            if _nothing_counted(result):
                self._tell(report("batch"))
                continue
            _check_finite(f"{where}: the loss", result.value)
            self.network.backward(tape, result.gradient)
            norm = self._clip()
            _check_finite(f"{where}: the norm of the gradient", norm)
            lr = self.optimiser.lr * self.schedule.factor(step, epoch)
            with self.interrupts.whole():
                self.optimiser.step(self.network.parameters, self.network.gradients, lr=lr)
                step += 1
            mean.add(result, self.loss, batch)
            self._tell(report("batch"))
        if place < 0:
            raise ValueError(f"training gave no batch in epoch {epoch + 1}")
        if mean.weight == 0:
            raise ValueError(f"no target counted in epoch {epoch + 1}: all are ignored or weigh 0")
        where = f"after epoch {epoch + 1}"
        if not np.isfinite(self.network.parameters).all():
            raise DivergedError(f"{where}: a weight is NaN or infinite; {_ADVICE}")
        judged = self._validate(where)
        value = mean.loss if judged is None else judged.loss
        best = judged is None or standing.best_value is None or value < standing.best_value
        self.schedule.observe(value)
        done = report(
            "epoch",
            validation_loss=None if judged is None else judged.loss,
            validation_accuracy=None if judged is None else judged.accuracy,
            best=best,
        )
        entry = {name: getattr(done, name) for name in _HISTORY}
        with self.interrupts.whole():
            standing.epoch, standing.step = epoch + 1, step
            standing.parameters[:] = self.network.parameters
            standing.history.append(entry)
            standing.waited = 0 if best else standing.waited + 1
            if best:
                standing.best_epoch = epoch + 1
                if judged is not None:
                    standing.best, standing.best_value = self.network.parameters.copy(), value
            self._save()
        self._tell(done)

    def _validate(self, where: str) -> _Mean | None:
        """Loss and accuracy of the validation."""
        if self.validation is None:
            return None
        mean, state = _Mean(), None
        for place, batch in enumerate(self.validation.batches(0, self.seed)):
            with _naming(f"validation, batch {place + 1}"):
                outputs, state, _ = self.network.forward(
                    batch.x, batch.lengths, carried(state, batch.continues)
                )
                result = self.loss(outputs, batch.targets, batch.lengths, batch.weights)
            if not _nothing_counted(result):
                what = f"{where}: the loss of batch {place + 1} of the validation"
                _check_finite(what, result.value)
                mean.add(result, self.loss, batch)
            if self.interrupts.wanted:
                raise _End("interrupted")
        if mean.weight == 0:
            raise ValueError("validation gave no batch in which a target counts")
        return mean

    def _clip(self) -> float:
        limit = sys.float_info.max if self.max_norm is None else self.max_norm
        return clip_global_norm(self.network.gradients, limit)

    def _save(self) -> None:
        if self.path is not None:
            self.standing.optimiser = self.optimiser.state()
            self.standing.schedule = self.schedule.state()
            self.standing.write(self.path, self.network)

    def _tell(self, report: Report) -> None:
        """Shows a report, calls the callbacks with it, and ends the training if someone says so."""
        self.show(report)
        stop = False
        for callback in self.callbacks:
            answer = callback(report)
            if answer is not None and answer != "stop":
                name = getattr(callback, "__name__", type(callback).__name__)
                raise ValueError(f"callback {name} returned {answer!r}; expected 'stop' or None")
            stop |= answer == "stop"
        if self.interrupts.wanted:
            raise _End("interrupted")
        if stop:
            raise _End("callback")


_HISTORY = (
    "epoch",
    "step",
    "loss",
    "accuracy",
    "lr",
    "norm",
    "validation_loss",
    "validation_accuracy",
    "seconds",
)
_ADVICE = "a lower learning rate or a smaller max_norm may help; are inputs and targets sane?"


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Says which batch it was that a network or a loss refuses."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            f"{where}: {error}"
        ) from error


def _check_finite(what: str, value: float) -> None:
    if not math.isfinite(value):
        raise DivergedError(f"{what} is {value}; {_ADVICE}")


def _nothing_counted(result: Any) -> bool:
    """Whether all targets of a batch were ignored or weighed 0: NaN, but not from the network."""
    return math.isnan(result.value) and not result.gradient.any()


class _Mean:
    """The mean loss and the share of right predictions over batches."""

    def __init__(self) -> None:
        self.weight = 0.0
        self._sum = 0.0
        self._correct = 0
        self._counted = 0

    def add(self, result: Any, loss: Any, batch: Batch) -> None:
        """Adds a batch, counting as much as its predictions together."""
        if batch.weights is not None:
            weight = float(batch.weights.sum(dtype=np.float64))
        elif result.counted:
            weight = float(result.counted)
        else:
            per_frame = getattr(loss, "per", "sequence") == "frame"
            weight = float(batch.lengths.sum() if per_frame else len(batch.lengths))
        self.weight += weight
        self._sum += weight * result.value
        self._correct += result.correct
        self._counted += result.counted

    @property
    def loss(self) -> float:
        return self._sum / self.weight if self.weight else math.nan

    @property
    def accuracy(self) -> float | None:
        return self._correct / self._counted if self._counted else None
