"""Thresholds of a decision on words: as few words missed as a number of false alarms allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.arguments import number, number_of
from pylstm.brief_repr import named_values
from pylstm.decisions.settings import settings_as_text
from pylstm.evaluation.row_decision import RowDecision
from pylstm.evaluation.trade_off import GRID, TradeOff, trade_off
from pylstm.evaluation.word_evaluation import WordEvaluation, count_words
from pylstm.evaluation.word_tape import WordTape

if TYPE_CHECKING:
    from pylstm.model import Model

__all__ = ["Tuned", "tuned_thresholds", "with_thresholds"]

# Where no false alarm may be seen, a threshold keeps this share of the way from the highest one
# that gives a false alarm to 1.
_MARGIN = 0.1
# Thresholds of single labels interact where labels exclude each other: so often they are chosen
# anew, with fewer false alarms planned, before they are raised one by one.
_ROUNDS = 8
# More false alarms than this need not be told apart when they are shared between labels.
_MOST_ALARMS = 2000


@dataclass(frozen=True, repr=False)
class Tuned:
    """Thresholds that were chosen.

    Attributes
    ----------
    thresholds : dict of str to float
        Of each label that can be reported.
    evaluation : WordEvaluation
        What the listener reports with them, on the tapes that they were chosen on.
    note : str or None
        What the tapes cannot show, in words.
    before : WordEvaluation
        What it reports with the thresholds of the model.
    """

    thresholds: dict[str, float]
    evaluation: WordEvaluation
    note: str | None
    before: WordEvaluation

    def __repr__(self) -> str:
        return named_values(self, vars(self))


def tuned_thresholds(
    model: Model,
    tapes: Sequence[WordTape],
    false_alarms_an_hour: float = 1.0,
    rows: Sequence[NDArray[np.float32]] | None = None,
) -> Tuned:
    r"""Chooses a threshold for each label.

    With thresholds θ, the missed words :math:`m_k` of each label, the words of others :math:`w_k`
    for which it is reported, and its events :math:`f_k` in H hours that hold nothing to be
    reported, it looks for

    .. math::

        \min_θ \sum_k m_k(θ_k) + w_k(θ_k) \quad \text{with} \quad \sum_k f_k(θ_k) \le b H

    for a budget b. What holds nothing to be reported is all audio outside of words, and the
    recordings of background labels, such as other words. The counts over `GRID` come from the
    model's own decision with the same threshold for all labels; sharing out the false alarms is a
    knapsack problem, solved exactly. Where several thresholds have the same counts, the middle one
    is taken. Then the decision is made with all of them together; if labels have influenced each
    other so that there are too many false alarms, fewer are planned with.

    A budget of less than one event in H hours cannot be seen. Then no false alarm is allowed, each
    threshold keeps a distance from the highest one that gives one, and `Tuned.note` says so.

    Parameters
    ----------
    model : Model
        With features, labels and a decision on words.
    tapes : sequence of WordTape
        With words, and with audio that holds none.
    false_alarms_an_hour : float
        The budget, of all labels together.
    rows : sequence of arrays, optional
        What ``tape.rows(model)`` gives for each tape, if it is known.

    Returns
    -------
    Tuned
        A label that is never said keeps its threshold.

    Raises
    ------
    TypeError, ValueError
        The model decides on something else or lacks a label, the budget is not above 0, no word
        that can be reported is said, or nothing is there without one.
    AudioError
        A file cannot be read.
    """
    budget = number("false_alarms_an_hour", false_alarms_an_hour)
    if budget == 0:
        raise ValueError(
            "false_alarms_an_hour is 0; expected above 0, such as 0.1 for one in ten hours"
        )
    kept = [tape.rows(model) for tape in tapes] if rows is None else rows
    decision = RowDecision(model)
    before = count_words(decision, tapes, kept)
    if not before.said:
        raise ValueError("the tapes have no word that the model can report; expected some")
    if not before.hours:
        raise ValueError(
            "the tapes have no audio without words; expected some, because false alarms are"
            " counted in it"
        )

    def evaluated(thresholds: Mapping[str, float]) -> WordEvaluation:
        return count_words(decision.with_thresholds(thresholds), tapes, kept)

    allowed = int(budget * before.hours + 1e-9)
    choices = _Choices(trade_off(model, tapes, kept), decision.thresholds)
    thresholds = _within(allowed, choices, evaluated)
    evaluation = evaluated(thresholds)
    return Tuned(thresholds, evaluation, _note(budget, allowed, evaluation), before)


def with_thresholds(model: Model, thresholds: Mapping[str, float]) -> Model:
    """The same model with other thresholds in its decision, as they are written to its file.

    Parameters
    ----------
    model : Model
        With features, labels and a decision on words.
    thresholds : mapping of str to float
        Above 0, at most 1; labels that it does not name keep theirs.

    Returns
    -------
    Model

    Raises
    ------
    TypeError, ValueError
        The model decides on something else, or a threshold or a label is wrong.

    Examples
    --------
    >>> import pylstm
    >>> model = with_thresholds(pylstm.load("keywords"), {"yes": 0.9})
    >>> decision = model.listener().decision
    >>> decision["threshold"]["yes"], decision["threshold"]["no"]
    (0.9, 0.6)
    """
    settings = RowDecision(model).with_thresholds(thresholds).settings
    changed = model.with_info(model.info)
    changed._decision = dict(settings_as_text(model.labels, settings))
    changed._core = _engine.Core(changed.to_bytes())
    return changed


class _Choices:
    """The thresholds that each label may get, and what each costs."""

    def __init__(self, found: TradeOff, present: Mapping[str, float]) -> None:
        self.kept = {label: one for label, one in present.items() if label not in found.labels}
        self.order = tuple(present)
        self.alarms: dict[str, NDArray[np.int64]] = {}
        self.costs: dict[str, NDArray[np.int64]] = {}
        for label in found.labels:
            words = [evaluation.words[label] for evaluation in found.evaluations]
            alarms = [word.alarms for word in words]
            # A higher threshold may give an event more, where it ends another's rest: count those.
            most = np.maximum.accumulate(np.array(alarms)[::-1])[::-1]
            self.alarms[label] = most - most[-1]  # what the highest one gives, nothing prevents
            self.costs[label] = np.array([word.missed + word.wrong for word in words])

    def best(self, allowed: int) -> dict[str, float]:
        """The thresholds with the lowest sum of costs and at most so many false alarms in all."""
        planned = min(allowed, _MOST_ALARMS, sum(int(a[0]) for a in self.alarms.values()))
        lowest = np.zeros(planned + 1, np.int64)
        ways: list[NDArray[np.int64]] = []
        for label, alarms in self.alarms.items():
            # From high to low, so that of equal costs the one with fewer false alarms comes first.
            options = self._options(label, allowed)[::-1]
            table = np.full((len(options), planned + 1), np.iinfo(np.int64).max // 4)
            for row, place in enumerate(options):
                n = int(alarms[place])
                if n <= planned:
                    spent = lowest[: planned + 1 - n] + self.costs[label][place]
                    table[row, n:] = spent
            ways.append(np.array(options)[table.argmin(axis=0)])
            lowest = table.min(axis=0)
        chosen, left = dict(self.kept), planned
        for label, way in reversed(list(zip(self.alarms, ways, strict=True))):
            chosen[label] = GRID[int(way[left])]
            left -= int(self.alarms[label][way[left]])
        return {label: chosen[label] for label in self.order}

    def _options(self, label: str, allowed: int) -> list[int]:
        """Places in the grid: of each stretch with the same counts, the middle one."""
        alarms, costs = self.alarms[label], self.costs[label]
        last = len(GRID) - 1
        first = 0
        if not allowed:
            loudest = np.flatnonzero(alarms)
            peak = GRID[loudest[-1]] if len(loudest) else 0.0
            first = min(last, int(np.searchsorted(GRID, peak + _MARGIN * (1 - peak))))
        edges = np.flatnonzero(np.diff(alarms[first:]) | np.diff(costs[first:])) + first + 1
        starts, ends = [first, *edges.tolist()], [*(edges - 1).tolist(), last]
        return [(start + end) // 2 for start, end in zip(starts, ends, strict=True)]


def _within(
    allowed: int, choices: _Choices, evaluated: Callable[[Mapping[str, float]], WordEvaluation]
) -> dict[str, float]:
    """Thresholds whose false alarms, counted with all of them together, are so many at most."""
    planned = allowed
    for _ in range(_ROUNDS):
        thresholds = choices.best(planned)
        surplus = evaluated(thresholds).false_alarms - allowed
        if surplus <= 0:
            return thresholds
        if planned == 0:
            break
        planned = max(0, planned - surplus)
    # Step by step: the label with the most false alarms is raised.
    while (found := evaluated(thresholds)).false_alarms > allowed:
        counts = {
            label: found.words[label].alarms
            for label in choices.alarms
            if thresholds[label] < GRID[-1]
        }
        label = max(counts, key=counts.__getitem__, default=None)
        if label is None or not counts[label]:
            break  # what is left comes from labels that are never said
        higher = int(np.searchsorted(GRID, thresholds[label], side="right"))
        thresholds = thresholds | {label: GRID[higher]}
    return thresholds


def _note(budget: float, allowed: int, evaluation: WordEvaluation) -> str | None:
    """What the tapes cannot show."""
    hours, found = evaluation.hours, []
    if not allowed:
        length = f"{60 * hours:.1f} minutes" if hours < 1 else f"{hours:.1f} hours"
        found.append(
            f"{length} without a word to report cannot show a rate of false alarms of {budget:g} an"
            f" hour: one event is {1 / hours:.3g} an hour, so none was allowed; it takes"
            f" {1 / budget:.3g} hours or more"
        )
    if evaluation.false_alarms > allowed:
        found.append(
            f"{number_of(evaluation.false_alarms, 'false alarm')} left, because labels that are"
            " never said keep their thresholds, and others are as sure as can be"
        )
    return "; ".join(found) or None
