"""The progress of a training on stderr: a bar, or a line for each epoch."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pylstm.train.loop.report import Report

__all__ = ["Show", "shown"]

Show = Callable[[Report], None]


@contextmanager
def shown(progress: bool | None) -> Iterator[Show]:
    """Shows the reports of a training.

    Parameters
    ----------
    progress : bool, optional
        True: on stderr, as a bar if that is a terminal and rich is installed, else as a line for
        each epoch. None: only if stderr is a terminal. False: not at all.

    Yields
    ------
    callable
        Takes every `Report`.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if progress is False or sys.stderr is None or (progress is None and not terminal):
        yield lambda report: None
        return
    if not terminal:
        yield _print_epoch
        return
    try:
        from rich.progress import TimeElapsedColumn

        from pylstm.progress_bar import ProgressBar
    except ImportError:  # without rich
        yield _print_epoch
        return

    def show(report: Report) -> None:
        if report.kind == "epoch":
            bar.replace_by(epoch_line(report))
        else:
            bar.show(_epoch(report), report.batch, report.n_batches, _measures(report))

    with ProgressBar(TimeElapsedColumn()) as bar:
        yield show


def _print_epoch(report: Report) -> None:
    if report.kind == "epoch":
        print(epoch_line(report), file=sys.stderr, flush=True)


def epoch_line(report: Report) -> str:
    """An epoch in a line.

    Examples
    --------
    >>> epoch_line(Report("epoch", 3, 20, 9, 9, 27, 0.5, 0.75, 1e-3, 1.0, None, None, True, 1.5, 0))
    'epoch  3 of 20  loss 0.5000  accuracy 75.0 %  1.5 s'
    """
    parts = [_epoch(report), _measures(report)]
    if report.validation_loss is not None:
        validation = f"validation loss {report.validation_loss:.4f}"
        if report.validation_accuracy is not None:
            validation += f"  accuracy {100 * report.validation_accuracy:.1f} %"
        validation += _heads(report, "validation_")
        parts.append(validation + ("  best" if report.best else ""))
    return "  ".join([*parts, f"{report.seconds:.1f} s"])


def _epoch(report: Report) -> str:
    return f"epoch {report.epoch:>{len(str(report.epochs))}} of {report.epochs}"


def _measures(report: Report) -> str:
    text = f"loss {report.loss:.4f}"
    if report.accuracy is not None and math.isfinite(report.accuracy):
        text += f"  accuracy {100 * report.accuracy:.1f} %"
    return text + _heads(report, "")


def _heads(report: Report, prefix: str) -> str:
    """The figures of each head: its share of correct predictions, or else its loss."""
    shown = []
    for name, figures in (report.heads or {}).items():
        loss, accuracy = figures.get(f"{prefix}loss"), figures.get(f"{prefix}accuracy")
        if accuracy is not None:
            shown.append(f"{name} {100 * accuracy:.1f} %")
        elif loss is not None:
            shown.append(f"{name} {loss:.4f}")
    return f" ({', '.join(shown)})" if shown else ""
