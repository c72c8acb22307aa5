"""How a training goes: what callbacks are told, and a bar or lines on stderr for people."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal, Protocol

__all__ = ["Report", "Shown", "shown"]


@dataclass(frozen=True)
class Report:
    """What `fit` tells its callbacks after every batch and after every epoch.

    Attributes
    ----------
    kind : {"batch", "epoch"}
        What has just been done.
    epoch, epochs : int
        Its number, counted from 1, and how many there should be.
    batch : int
        Batches of this epoch that are done.
    n_batches : int or None
        How many it has, if the source knows.
    step : int
        Steps of the optimiser since the training began.
    loss : float
        The mean of this epoch so far.
    accuracy : float or None
        The share of this epoch's predictions so far that were right; None for a loss that knows of
        no right and wrong.
    lr : float
        The learning rate of the last step.
    norm : float
        The norm of its gradient, before it was clipped.
    validation_loss, validation_accuracy : float or None
        After an epoch, if there is a validation.
    best : bool
        After an epoch: whether it is the best so far, the one whose weights are kept.
    seconds : float
        Since the epoch began.
    network : Network
        With the weights of now. To look at; whoever changes them changes the training.
    """

    kind: Literal["batch", "epoch"]
    epoch: int
    epochs: int
    batch: int
    n_batches: int | None
    step: int
    loss: float
    accuracy: float | None
    lr: float
    norm: float
    validation_loss: float | None
    validation_accuracy: float | None
    best: bool
    seconds: float
    network: Any


class Shown(Protocol):
    """Takes every report."""

    def __call__(self, report: Report) -> None:
        """Shows it, or what has changed since the last one that was shown."""


@contextmanager
def shown(progress: bool | None) -> Iterator[Shown]:
    """Where reports are shown.

    Parameters
    ----------
    progress : bool, optional
        True: on stderr, with a bar where that is a terminal and rich is installed, else a line for
        each epoch. None: only if stderr is a terminal. False: nowhere.

    Yields
    ------
    callable
        Takes a `Report`.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if progress is False or sys.stderr is None or (progress is None and not terminal):
        yield lambda report: None
        return
    if terminal:
        try:
            import rich.progress  # noqa: F401
        except ImportError:  # lines say the same
            terminal = False
    if not terminal:
        yield _line
        return
    with _bar() as show:
        yield show


def _line(report: Report) -> None:
    if report.kind == "epoch":
        print(epoch_line(report), file=sys.stderr, flush=True)


def epoch_line(report: Report) -> str:
    """An epoch in a line.

    Examples
    --------
    >>> epoch_line(Report("epoch", 3, 20, 9, 9, 27, 0.5, 0.75, 1e-3, 1.0, None, None, True, 1.5, 0))
    'epoch  3 of 20  loss 0.5000  accuracy 75.0 %  1.5 s'
    """
    width = len(str(report.epochs))
    parts = [f"epoch {report.epoch:>{width}} of {report.epochs}", _measures(report)]
    if report.validation_loss is not None:
        validation = f"validation loss {report.validation_loss:.4f}"
        if report.validation_accuracy is not None:
            validation += f"  accuracy {report.validation_accuracy:.1%}".replace("%", " %")
        parts.append(validation + ("  best" if report.best else ""))
    return "  ".join([*parts, f"{report.seconds:.1f} s"])


def _measures(report: Report) -> str:
    text = f"loss {report.loss:.4f}"
    if report.accuracy is not None and math.isfinite(report.accuracy):
        text += f"  accuracy {report.accuracy:.1%}".replace("%", " %")
    return text


@contextmanager
def _bar() -> Iterator[Shown]:
    """The epoch that runs as a bar, the ones before as lines above it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False, markup=False)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[measures]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        # Drawn when we say so and not by a thread, which would run beside the training.
        auto_refresh=False,
        redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
    )
    task: Any = None
    drawn = -math.inf

    def show(report: Report) -> None:
        nonlocal task, drawn
        if report.kind == "epoch":
            if task is not None:
                bar.remove_task(task)
                task = None
                bar.refresh()  # or what is printed would draw the old bar once more
            console.print(epoch_line(report), soft_wrap=True)
            return
        if task is None:
            width = len(str(report.epochs))
            words = f"epoch {report.epoch:>{width}} of {report.epochs}"
            task = bar.add_task(words, total=report.n_batches, measures="")
        if monotonic() - drawn >= 0.1:
            bar.update(task, completed=report.batch, measures=_measures(report))
            bar.refresh()
            drawn = monotonic()

    with bar:
        yield show
