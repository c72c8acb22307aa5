"""``pylstm eval``: how often is a model right, and what does it take for what?"""

from __future__ import annotations

import json as json_module
import math
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from pylstm.cli.console.errors import CliError, one_line
from pylstm.cli.console.figures import Figures
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.progress import progress
from pylstm.cli.console.recordings import data_errors, minutes, recordings_at
from pylstm.cli.console.report import note

if TYPE_CHECKING:
    from pylstm.evaluation.evaluate import Judgement
    from pylstm.model import Model
    from pylstm.train.data.recordings import Recordings

__all__ = ["eval_"]

_COLUMN = 14
# Rates of false alarms at which misses are told.
_ALARMS = (0.01, 0.05, 0.1)
# A confusion matrix of more labels is wider than a terminal: the most frequent confusions instead.
_MOST_COLUMNS = 12
_MOST_CONFUSIONS = 15


class Side(StrEnum):
    """Which recordings are judged."""

    ALL = "all"
    TRAINING = "training"
    VALIDATION = "validation"
    TESTING = "testing"


def eval_(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A bundled model's name or a model file.")
    ],
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A folder with a folder of audio for each label, or a manifest."
        ),
    ],
    split: Annotated[
        Side | None,
        typer.Option(help="As pylstm train splits; else testing where a list names it, or all."),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw confusion.png and det.png there.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    others: Annotated[
        str | None, typer.Option(metavar="LABEL", help="The model's label for all other folders.")
    ] = None,
    clips: Annotated[
        bool, typer.Option("--clips", help="Manifest: cut out what has times; else hear it inside.")
    ] = False,
) -> None:
    """Judge a model on recordings whose labels are known.

    A recording is what the model finds most likely over all of its frames: the label with the
    highest mean of the log posteriors, which is what pylstm train trains. A manifest with times is
    judged frame by frame.
    """
    named = NamedModel.load(model)
    if named.model.features is None or named.model.labels is None:
        raise CliError(f"{model} has no features or no labels: it cannot be judged on audio")
    figures = None if png is None else Figures(png)
    recordings = _recordings(named.model, data, others, clips)
    chosen = _chosen(named.model, recordings, split)
    if not len(chosen):
        raise CliError(f"{data}: nothing is there for {split.value if split else 'testing'}")
    judgement = _judged(named.model, chosen)
    drawn = [] if figures is None else figures.draw(judgement)
    facts = _facts(model, data, chosen, judgement)
    facts["split"] = "all" if chosen is recordings else _side(recordings, split).value
    if json:
        print(json_module.dumps(facts))
        return
    for line in _lines(facts, chosen):
        print(one_line(line).rstrip())
    for path in drawn:
        print(one_line(f"{'drawn':<{_COLUMN}}{path}"))


# --- what is judged -------------------------------------------------------------------------------


def _recordings(model: Model, data: Path, others: str | None, clips: bool) -> Recordings:
    """The recordings, with the labels of the model."""
    labels = model.labels or ()
    others = others or model.info.get("training.others")
    if not data.is_dir():
        background = model.info.get("training.background", "background")
        return recordings_at(data, clips=clips, background=background)
    if others is None:
        return recordings_at(data)
    if others not in labels:
        raise CliError(f"--others {others} is none of the model's labels: {', '.join(labels)}")
    # Folders that are not there are no mistake: not all labels have to be judged.
    there = [name for name in labels if name != others and (data / name).is_dir()]
    return recordings_at(data, labels=there or list(labels), others=others)


def _side(recordings: Recordings, split: Side | None) -> Side:
    if split is not None:
        return split
    listed = any(item.side == "testing" for item in recordings.items)
    return Side.TESTING if listed else Side.ALL


def _chosen(model: Model, recordings: Recordings, split: Side | None) -> Recordings:
    """The part of the recordings that is judged."""
    side = _side(recordings, split)
    if side is Side.ALL:
        if model.info.get("training.data") == Path(recordings.name).resolve().name:
            note("it may have been trained on some of these: --split validation judges the others")
        return recordings
    try:
        share = float(model.info.get("training.validation", "0.1"))
        seed = int(model.info.get("training.seed", "0"))
    except ValueError:
        raise CliError(
            "the model's info has no usable training.validation, training.seed"
        ) from None
    with data_errors():
        parts = recordings.split(share, 0.0, seed)
    return {
        Side.TRAINING: parts.training,
        Side.VALIDATION: parts.validation,
        Side.TESTING: parts.testing,
    }[side]


def _judged(model: Model, recordings: Recordings) -> Judgement:
    from pylstm.evaluation.evaluate import judge

    try:
        with data_errors(), progress(recordings.seconds) as show:
            return judge(model, recordings, show)
    except ValueError as error:  # a label that is none of the model's
        raise CliError(f"{error}; --others names the model's label for all others") from None


# --- what came out --------------------------------------------------------------------------------


def _facts(name: str, data: Path, recordings: Recordings, judgement: Judgement) -> dict[str, Any]:
    """All that there is to say, as JSON has it."""
    from pylstm.evaluation import metrics

    matrix = judgement.confusion
    rates = zip(metrics.precision(matrix), metrics.recall(matrix), metrics.f1(matrix), strict=True)
    labels = {}
    for label, counts, (precision, recall, f1) in zip(judgement.labels, matrix, rates, strict=True):
        labels[label] = {
            "count": int(counts.sum()),
            "precision": _number(precision),
            "recall": _number(recall),
            "f1": _number(f1),
            **_trade_off(judgement, label),
        }
    return {
        "model": name,
        "data": str(data),
        "recordings": len(recordings),
        "seconds": round(recordings.seconds, 3),
        "per": "recording" if judgement.per == "sequence" else "frame",
        "judged": len(judgement.targets),
        "accuracy": _number(metrics.accuracy(matrix)),
        "labels": labels,
        "confusion": matrix.tolist(),
    }


def _trade_off(judgement: Judgement, label: str) -> dict[str, Any]:
    """A detector of one label: None where there is nothing, or nothing else, to detect."""
    from pylstm.evaluation import metrics

    curve = judgement.det_curve(label)
    if curve is None:
        return {"auc": None, "equal_error_rate": None, "misses": None}
    truth = judgement.targets == judgement.labels.index(label)
    scores = judgement.scores[:, judgement.labels.index(label)]
    # False alarms fall from point to point, misses rise: the first point is the best.
    first = [int(np.argmax(curve.false_alarms <= rate)) for rate in _ALARMS]
    return {
        "auc": _number(judgement.roc_auc(label)),
        "equal_error_rate": _number(metrics.equal_error_rate(scores, truth)),
        "misses": {
            f"{rate:g}": _number(curve.misses[k]) for rate, k in zip(_ALARMS, first, strict=True)
        },
    }


def _number(value: Any) -> float | None:
    """As JSON has it: NaN is not known."""
    return None if value is None or math.isnan(value) else round(float(value), 6)


def _lines(facts: dict[str, Any], recordings: Recordings) -> Iterator[str]:
    """The facts for people."""
    side = "" if facts["split"] == "all" else f" ({facts['split']})"
    yield f"{'model':<{_COLUMN}}{facts['model']}"
    yield (
        f"{'data':<{_COLUMN}}{facts['data']}{side}: {facts['recordings']} recordings,"
        f" {minutes(recordings.seconds)}"
    )
    matrix = np.array(facts["confusion"])
    right = int(np.trace(matrix))
    yield (
        f"{'accuracy':<{_COLUMN}}{_percent(facts['accuracy'])} %:"
        f" {right:,} of {facts['judged']:,} {facts['per']}s"
    )
    yield ""
    names = [one_line(label) for label in facts["labels"]]
    yield from _confusions(names, matrix)
    yield ""
    yield from _table(names, list(facts["labels"].values()))


def _confusions(names: list[str], matrix: np.ndarray) -> Iterator[str]:
    """The matrix, or of many labels what is most often confused."""
    left = max(len("was"), *map(len, names))
    if len(names) <= _MOST_COLUMNS:
        width = 2 + max(len(str(matrix.max())), *map(len, names))
        yield f"{'was':<{left}}  taken for"
        yield " " * left + "".join(f"{name:>{width}}" for name in names)
        for name, row in zip(names, matrix.tolist(), strict=True):
            yield f"{name:<{left}}" + "".join(f"{n or '.':>{width}}" for n in row)
        return
    wrong = [
        (int(n), row, column) for (row, column), n in np.ndenumerate(matrix) if n and row != column
    ]
    wrong.sort(key=lambda found: (-found[0], found[1:]))
    yield f"most often confused (of {len(wrong)} pairs):" if wrong else "nothing is confused"
    for n, row, column in wrong[:_MOST_CONFUSIONS]:
        yield f"{n:>7}  {names[row]} taken for {names[column]}"


def _table(names: list[str], rows: list[dict[str, Any]]) -> Iterator[str]:
    """Rates of each label; a dash where a rate is not known."""
    left = max(len("label, %"), *map(len, names))
    alarms = "".join(f"{f'{100 * rate:g} %':>8}" for rate in _ALARMS)
    heading = (
        f"{'label, %':<{left}}{'count':>9}{'precision':>11}{'recall':>8}{'F1':>7}{'AUC':>7}"
        f"{'EER':>7}{alarms}"
    )
    yield f"{'misses at false alarms of':>{len(heading)}}"
    yield heading
    for name, row in zip(names, rows, strict=True):
        misses = row["misses"] or {}
        yield (
            f"{name:<{left}}{row['count']:>9,}{_percent(row['precision']):>11}"
            f"{_percent(row['recall']):>8}{_percent(row['f1']):>7}{_percent(row['auc']):>7}"
            f"{_percent(row['equal_error_rate']):>7}"
            + "".join(f"{_percent(misses.get(f'{rate:g}')):>8}" for rate in _ALARMS)
        )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f}"
