"""The loop of a training: steps, epochs, validation, checkpoints, and what ends it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np

from pylstm.model import Model
from pylstm.train.data.batch import Batch
from pylstm.train.data.source import Source, known_n_batches
from pylstm.train.loop.checkpoint import Checkpoint
from pylstm.train.loop.fitted import DivergedError, Fitted, Stopped
from pylstm.train.loop.infinite_loss import why_infinite
from pylstm.train.loop.interrupts import Interrupts
from pylstm.train.loop.loss_check import heads_with_logits
from pylstm.train.loop.mean_loss import HeadMeans, MeanLoss, mean_of
from pylstm.train.loop.progress import Show
from pylstm.train.loop.report import Report
from pylstm.train.loop.row_targets import of_rows
from pylstm.train.losses.head_losses import HeadLosses
from pylstm.train.losses.loss import Loss, nothing_counted
from pylstm.train.network import Network
from pylstm.train.optimisers import Optimiser, clip_global_norm
from pylstm.train.random_draws import Purpose, generator
from pylstm.train.recurrent_state import carried
from pylstm.train.schedules import Schedule

__all__ = ["Callback", "TrainingLoop"]

Callback = Callable[[Report], Literal["stop"] | None]

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
_ADVICE = "try a lower learning rate or a smaller max_norm, and check inputs and targets"


class _End(Exception):
    """The training ends between two batches."""

    def __init__(self, why: Stopped) -> None:
        self.why = why


@dataclass(kw_only=True)
class _Epoch:
    """The epoch that is running: its number from 0, and its figures so far."""

    number: int
    step: int
    mean: MeanLoss | HeadMeans
    batches: int = 0
    lr: float = math.nan
    norm: float = math.nan
    began: float = field(default_factory=perf_counter)


@dataclass(kw_only=True)
class TrainingLoop:
    """One training: its state, and how it continues."""

    network: Network
    model: Model | None
    training: Source
    validation: Source | None
    loss: Loss | HeadLosses
    optimiser: Optimiser
    schedule: Schedule
    checkpoint: Checkpoint
    epochs: int
    max_norm: float | None
    patience: int | None
    path: Path | None
    seed: int
    callbacks: Sequence[Callback]
    interrupts: Interrupts
    show: Show

    def run(self, resumed: bool) -> Fitted:
        """Runs epochs until something ends them."""
        why: Stopped = "epochs"
        try:
            if not resumed:  # now, so that a path that cannot be written fails before training
                with self.interrupts.postponed():
                    self._save()
            while self.checkpoint.epoch < self.epochs:
                if self.patience is not None and self.checkpoint.best.epochs_since >= self.patience:
                    why = "patience"
                    break
                self._run_epoch()
        except _End as end:
            why = end.why
        except KeyboardInterrupt:  # never inside a step: the weights are those of a whole step
            why = "interrupted"
        except DivergedError as error:
            self.network.parameters[:] = self.checkpoint.parameters
            error.fitted = self._fitted("diverged")
            raise
        return self._fitted(why)

    def _fitted(self, why: Stopped) -> Fitted:
        best = self.checkpoint.best
        if best.parameters is not None:
            self.network.parameters[:] = best.parameters
        return Fitted(self.network, self.model, self.checkpoint.history, best.epoch, why)

    # --- an epoch ---------------------------------------------------------------------------------

    def _run_epoch(self) -> None:
        """One epoch, its validation, and the checkpoint after it."""
        epoch = _Epoch(
            number=self.checkpoint.epoch, step=self.checkpoint.step, mean=mean_of(self.loss)
        )
        state = None
        prepare = getattr(self.training, "prepare", None)
        if prepare is not None:
            prepare(self.network, epoch.number, self.seed)
        for batch in self.training.batches(epoch.number, self.seed):
            state = self._run_batch(epoch, batch, state)
            epoch.batches += 1
            self._tell(self._report(epoch, "batch"))
        if not epoch.batches:
            raise ValueError(f"training has no batch in epoch {epoch.number + 1}; expected one")
        if not epoch.mean.weight:
            raise ValueError(
                f"training has no target that counts in epoch {epoch.number + 1}: all are ignored"
                " or have weight 0"
            )
        where = f"after epoch {epoch.number + 1}"
        if not np.isfinite(self.network.parameters).all():
            raise DivergedError(f"{where}: a weight is NaN or infinite; {_ADVICE}")
        validation = self._validate(where)
        self.schedule.observe((validation or epoch.mean).value)
        loss = None if validation is None else validation.value
        report = self._report(
            epoch,
            "epoch",
            validation_loss=loss,
            validation_accuracy=None if validation is None else validation.accuracy,
            validation_heads=None if validation is None else validation.heads,
            best=self.checkpoint.best.is_beaten_by(loss),
        )
        with self.interrupts.postponed():
            self.checkpoint.epoch, self.checkpoint.step = epoch.number + 1, epoch.step
            self.checkpoint.parameters[:] = self.network.parameters
            entry = {name: getattr(report, name) for name in _HISTORY}
            if report.heads is not None:
                entry["heads"] = report.heads
            self.checkpoint.history.append(entry)
            self.checkpoint.best.observe(epoch.number + 1, loss, self.network.parameters)
            self._save()
        self._tell(report)

    def _run_batch(self, epoch: _Epoch, batch: Batch, state: Any) -> Any:
        """One step, if a target of the batch counts; returns the state that it ends with."""
        place = epoch.batches
        where = f"epoch {epoch.number + 1}, batch {place + 1}"
        rng = generator(Purpose.NETWORK, seed=self.seed, epoch=epoch.number, batch=place)
        with _errors_name(where):
            outputs, state, tape = self.network.forward(
                batch.x,
                batch.lengths,
                carried(state, batch.continues),
                training=True,
                rng=rng,
                **self._logits,
            )
            rows = of_rows(batch, self.network, self.loss)
            result = self._result(outputs, rows)
        if nothing_counted(result):
            return state
        self._check_loss(f"{where}: the loss", result.value, rows)
        self.network.backward(tape, result.gradient)
        limit = sys.float_info.max if self.max_norm is None else self.max_norm
        epoch.norm = clip_global_norm(self.network.gradients, limit)
        _check_finite(f"{where}: the norm of the gradient", epoch.norm)
        epoch.lr = self.optimiser.lr * self.schedule.factor(epoch.step, epoch.number)
        with self.interrupts.postponed(), self._frozen_kept():
            self.optimiser.step(self.network.parameters, self.network.gradients, lr=epoch.lr)
            epoch.step += 1
        epoch.mean.add(result, self.loss, rows)
        return state

    @cached_property
    def _logits(self) -> dict[str, Any]:
        """What tells the network which heads are to give logits; by itself all do."""
        if not isinstance(self.network, Network):
            return {}
        return {"logits": heads_with_logits(self.loss, self.network)}

    def _frozen_kept(self) -> AbstractContextManager[None]:
        """What gives frozen layers their weights back; networks of users may have none."""
        kept = getattr(self.network, "frozen_kept", None)
        return nullcontext() if kept is None else kept()

    def _result(self, outputs: Any, rows: Batch) -> Any:
        """What the loss gives for a batch."""
        loss: Any = self.loss
        columns = {}
        if isinstance(loss, HeadLosses):
            columns = {"columns": self.network.outputs}
        return loss(outputs, rows.targets, rows.lengths, rows.weights, **columns)

    def _check_loss(self, what: str, value: float, rows: Batch) -> None:
        advice = why_infinite(self.loss, rows, self.network) if math.isinf(value) else None
        _check_finite(what, value, advice or _ADVICE)

    def _validate(self, where: str) -> MeanLoss | HeadMeans | None:
        """Loss and accuracy on the validation data."""
        if self.validation is None:
            return None
        mean, state = mean_of(self.loss), None
        for place, batch in enumerate(self.validation.batches(0, self.seed)):
            with _errors_name(f"validation, batch {place + 1}"):
                outputs, state, _ = self.network.forward(
                    batch.x, batch.lengths, carried(state, batch.continues), **self._logits
                )
                rows = of_rows(batch, self.network, self.loss)
                result = self._result(outputs, rows)
            if not nothing_counted(result):
                what = f"{where}: the loss of batch {place + 1} of the validation"
                self._check_loss(what, result.value, rows)
                mean.add(result, self.loss, rows)
            if self.interrupts.wanted:
                raise _End("interrupted")
        if not mean.weight:
            raise ValueError("validation has no batch in which a target counts; expected one")
        return mean

    # --- around it --------------------------------------------------------------------------------

    def _save(self) -> None:
        if self.path is not None:
            self.checkpoint.optimiser = self.optimiser.state()
            self.checkpoint.schedule = self.schedule.state()
            self.checkpoint.write(self.path, self.network)

    def _report(
        self,
        epoch: _Epoch,
        kind: Literal["batch", "epoch"],
        validation_loss: float | None = None,
        validation_accuracy: float | None = None,
        validation_heads: Mapping[str, Mapping[str, float | None]] | None = None,
        best: bool = False,
    ) -> Report:
        heads = epoch.mean.heads
        if heads is not None and kind == "epoch":
            for name, figures in heads.items():
                own = (validation_heads or {}).get(name, {})
                figures |= {f"validation_{what}": own.get(what) for what in ("loss", "accuracy")}
        return Report(
            kind=kind,
            epoch=epoch.number + 1,
            epochs=self.epochs,
            batch=epoch.batches,
            n_batches=known_n_batches(self.training),
            step=epoch.step,
            loss=epoch.mean.value,
            accuracy=epoch.mean.accuracy,
            lr=epoch.lr,
            norm=epoch.norm,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            best=best,
            seconds=perf_counter() - epoch.began,
            network=self.network,
            heads=heads,
        )

    def _tell(self, report: Report) -> None:
        """Shows a report, calls the callbacks, and ends the training if one of them asks for it."""
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


@contextmanager
def _errors_name(where: str) -> Iterator[None]:
    """Puts the batch into the errors of a network or a loss that refuses it."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            f"{where}: {error}"
        ) from error


def _check_finite(what: str, value: float, advice: str = _ADVICE) -> None:
    if not math.isfinite(value):
        raise DivergedError(f"{what} is {value}; {advice}")
