"""What `pylstm eval` says of recordings one by one: which labels a model confuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from pylstm.arguments import number_of
from pylstm.cli.console.output import fact, one_line
from pylstm.cli.console.text_table import percent, print_table, table

if TYPE_CHECKING:
    from pylstm.evaluation.label_evaluation import LabelEvaluation

__all__ = ["label_facts", "print_labels", "rounded"]

# False-alarm rates at which the miss rates are shown.
_FALSE_ALARMS = (0.01, 0.05, 0.1)
# A confusion matrix of more labels is wider than a terminal: the most frequent pairs instead.
_MOST_COLUMNS = 12
_MOST_CONFUSIONS = 15


def label_facts(evaluation: LabelEvaluation) -> dict[str, Any]:
    """All results, as JSON has them."""
    matrix = evaluation.confusion
    return {
        "per": "recording" if evaluation.per == "sequence" else "frame",
        "judged_by": "mean posterior" if evaluation.decided is None else "best moment",
        "judged": len(evaluation.targets),
        "accuracy": rounded(evaluation.accuracy),
        "labels": {
            label: {
                "count": int(counts.sum()),
                "precision": rounded(precision),
                "recall": rounded(recall),
                "f1": rounded(f1),
                **_detection(evaluation, label),
            }
            for label, counts, precision, recall, f1 in zip(
                evaluation.labels, matrix, *evaluation.rates, strict=True
            )
        },
        "confusion": matrix.tolist(),
    }


def print_labels(facts: dict[str, Any]) -> None:
    """The results for people."""
    matrix = np.array(facts["confusion"])
    correct = f"{np.trace(matrix):,} of {number_of(facts['judged'], facts['per'])}"
    by = ", by the best moment of each" if facts["judged_by"] == "best moment" else ""
    fact("accuracy", f"{percent(facts['accuracy'])} %: {correct}{by}")
    print()
    labels = [one_line(label) for label in facts["labels"]]
    if len(labels) <= _MOST_COLUMNS:
        print_table(_confusion_table(labels, matrix))
    else:
        _print_confusions(labels, matrix)
    print()
    print_table(_label_table(labels, list(facts["labels"].values())))


def rounded(value: Any) -> float | None:
    """A number as JSON has it; NaN is null."""
    return None if value is None or math.isnan(value) else round(float(value), 6)


def _detection(evaluation: LabelEvaluation, label: str) -> dict[str, Any]:
    """The figures of a detector of one label; None if all or none have that label."""
    curve = evaluation.det_curve(label)
    misses = None
    if curve is not None:
        # False alarms fall from point to point and misses rise: the first point is the best.
        first = [int(np.argmax(curve.false_alarms <= rate)) for rate in _FALSE_ALARMS]
        misses = {
            f"{rate:g}": rounded(curve.misses[place])
            for rate, place in zip(_FALSE_ALARMS, first, strict=True)
        }
    return {
        "auc": rounded(evaluation.roc_auc(label)),
        "equal_error_rate": rounded(evaluation.equal_error_rate(label)),
        "misses": misses,
    }


def _confusion_table(labels: list[str], matrix: np.ndarray) -> Table:
    """Rows: true labels; columns: labels of the model."""
    found = table("taken for")
    found.add_column("was")
    for label in labels:
        found.add_column(label, justify="right")
    for label, counts in zip(labels, matrix.tolist(), strict=True):
        found.add_row(label, *(str(n or ".") for n in counts))
    return found


def _print_confusions(labels: list[str], matrix: np.ndarray) -> None:
    """The labels that are confused most often."""
    wrong = [
        (int(n), row, column) for (row, column), n in np.ndenumerate(matrix) if n and row != column
    ]
    wrong.sort(key=lambda found: (-found[0], found[1:]))
    pairs = number_of(len(wrong), "pair")
    print(f"most often confused (of {pairs}):" if wrong else "nothing is confused")
    for n, row, column in wrong[:_MOST_CONFUSIONS]:
        print(f"{n:>7}  {labels[row]} taken for {labels[column]}")


def _label_table(labels: list[str], rows: list[dict[str, Any]]) -> Table:
    """Rates of each label, %; a dash where a rate is not known."""
    found = table("misses at false alarms of")
    found.add_column("label, %")
    alarms = [f"{100 * rate:g} %" for rate in _FALSE_ALARMS]
    for heading in ("count", "precision", "recall", "F1", "AUC", "EER", *alarms):
        found.add_column(heading, justify="right")
    for label, row in zip(labels, rows, strict=True):
        misses = row["misses"] or {}
        rates = [row[key] for key in ("precision", "recall", "f1", "auc", "equal_error_rate")]
        rates += [misses.get(f"{rate:g}") for rate in _FALSE_ALARMS]
        found.add_row(label, f"{row['count']:,}", *map(percent, rates))
    return found
