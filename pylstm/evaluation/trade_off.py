"""Words that are missed against false alarms an hour, over all thresholds of a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylstm.brief_repr import named_values
from pylstm.evaluation.row_decision import RowDecision
from pylstm.evaluation.word_evaluation import WordEvaluation, count_words
from pylstm.evaluation.word_tape import WordTape

if TYPE_CHECKING:
    from pylstm.model import Model

__all__ = ["GRID", "TradeOff", "trade_off"]

Floats = NDArray[np.float64]

GRID: tuple[float, ...] = (
    *(round(0.01 * k, 2) for k in range(5, 100)),
    0.993, 0.995, 0.997, 0.998, 0.999, 1.0,
)  # fmt: skip
"""Thresholds that are tried, from low to high."""


@dataclass(frozen=True, repr=False)
class TradeOff:
    """What a listener would report with other thresholds, the same one for all labels.

    Attributes
    ----------
    thresholds : array, shape (n,), float64
        From low to high.
    evaluations : tuple of WordEvaluation, length n
        With each of them, without the events.
    """

    thresholds: Floats
    evaluations: tuple[WordEvaluation, ...]

    def __repr__(self) -> str:
        return named_values(self, vars(self))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that were said, in the order of the model."""
        return tuple(label for label, word in self.evaluations[0].words.items() if word.said)

    @property
    def hours(self) -> float:
        """Length of all that holds nothing to be reported."""
        return self.evaluations[0].hours

    @property
    def least(self) -> float:
        """The false alarms an hour that one event makes: fewer but none cannot be told."""
        return 1 / self.hours if self.hours else float("nan")

    def misses(self, label: str | None = None) -> Floats:
        """The share of the words said that were not heard, (n,); of one label, or of all."""
        of = [e if label is None else e.words[label] for e in self.evaluations]
        return np.array([one.missed / one.said if one.said else np.nan for one in of])

    def false_alarms_an_hour(self, label: str | None = None) -> Floats:
        """Events an hour in what holds nothing to be reported, (n,); of one label, or of all."""
        if not self.hours:
            return np.full(len(self.thresholds), np.nan)
        return self._false_alarms(label) / self.hours

    def best(self, false_alarms_an_hour: float) -> int | None:
        """Which threshold misses least with so many false alarms an hour at most; None: none."""
        rates, misses = self.false_alarms_an_hour(), self.misses()
        allowed = np.flatnonzero(rates <= false_alarms_an_hour)
        return int(allowed[np.argmin(misses[allowed])]) if len(allowed) else None

    def _false_alarms(self, label: str | None) -> Floats:
        if label is None:
            return np.array([float(e.false_alarms) for e in self.evaluations])
        return np.array([float(e.words[label].alarms) for e in self.evaluations])


def trade_off(
    model: Model, tapes: Sequence[WordTape], rows: Sequence[NDArray[np.float32]]
) -> TradeOff:
    """Counts what the listener of a model reports with each threshold of `GRID`.

    The engine decides anew for each of them, so refractory times and exclusive labels are as in a
    listener.

    Parameters
    ----------
    model : Model
        With features, labels and a decision on words.
    tapes : sequence of WordTape
    rows : sequence of arrays
        What ``tape.rows(model)`` gives for each tape.

    Returns
    -------
    TradeOff

    Raises
    ------
    TypeError, ValueError
        As `evaluate_words`.
    """
    decision = RowDecision(model)
    found = []
    for threshold in GRID:
        evaluation = count_words(decision.with_thresholds(threshold), tapes, rows)
        # Low thresholds give many events in hours of audio, and nobody looks at them.
        found.append(replace(evaluation, events=()))
    return TradeOff(np.array(GRID), tuple(found))
