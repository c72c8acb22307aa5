"""``pylstm eval``: how often a model is right, and which labels it confuses."""

from __future__ import annotations

import json as json_module
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from pylstm.arguments import number_of
from pylstm.cli.console.audio_progress import audio_progress
from pylstm.cli.console.errors import CliError
from pylstm.cli.console.evaluation_figures import EvaluationFigures
from pylstm.cli.console.extras import EVALUATION, require
from pylstm.cli.console.former_options import renamed
from pylstm.cli.console.named_model import ModelArgument, NamedModel
from pylstm.cli.console.named_recordings import (
    ClipsOption,
    DataArgument,
    SkipMissingOption,
    SkipUnreadableOption,
    SubfoldersOption,
    data_errors,
    duration,
    folder_name,
    holds_recordings,
    recordings_at,
)
from pylstm.cli.console.output import JsonOption, fact, note, one_line
from pylstm.cli.console.segment_evaluation_report import report_segments, segments_are_judged

if TYPE_CHECKING:
    from pylstm.evaluation.label_evaluation import LabelEvaluation
    from pylstm.model import Model
    from pylstm.train.data.recordings import Recordings

__all__ = ["eval_"]

# False-alarm rates at which the miss rates are shown.
_FALSE_ALARMS = (0.01, 0.05, 0.1)
# A confusion matrix of more labels is wider than a terminal: the most frequent pairs instead.
_MOST_COLUMNS = 12
_MOST_CONFUSIONS = 15


class Side(StrEnum):
    """Which recordings are used."""

    ALL = "all"
    TRAINING = "training"
    VALIDATION = "validation"
    TESTING = "testing"


def eval_(
    model: ModelArgument,
    data: DataArgument,
    split: Annotated[
        Side | None,
        typer.Option(
            help="Part of the data, split as by pylstm train. Default: testing if the data has a"
            " list of it, else all."
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write confusion.png and det.png there (segments: roc.png). Formerly --png.",
        ),
    ] = None,
    json: JsonOption = False,
    others: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="The model's label for folders of other names."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="The label of DATA that is speech, where it is not the model's (segments).",
        ),
    ] = None,
    negatives: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Recordings without speech: what is taken for speech there (segments); may be"
            " repeated.",
        ),
    ] = None,
    clips: ClipsOption = False,
    subfolders: SubfoldersOption = None,
    skip_missing: SkipMissingOption = False,
    skip_unreadable: SkipUnreadableOption = False,
    png: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Evaluate a model on labelled recordings.

    The model's label for a recording is the one with the highest mean of the log posteriors over
    all frames, which is what pylstm train optimises. Manifests with times are evaluated frame by
    frame; with a model that decides on segments, such as vad, also segment by segment.
    """
    figures = renamed("--figures", figures, "--png", png)
    require("evaluation", EVALUATION)
    named = NamedModel.load(model)
    if named.model.features is None or named.model.labels is None:
        raise CliError(f"{model} has no features or no labels; expected both")
    drawer = None if figures is None else EvaluationFigures(figures)
    recordings = _recordings(
        named.model,
        data,
        others,
        clips=clips,
        subfolders=subfolders,
        skip_missing=skip_missing,
        skip_unreadable=skip_unreadable,
    )
    chosen = _chosen(named.model, recordings, split)
    if not len(chosen):
        raise CliError(f"{data} has no recordings for {split.value if split else 'testing'}")
    if segments_are_judged(named, chosen, label, negatives):
        report_segments(
            named, chosen, data, drawer, label=label, negatives=negatives or (), json=json
        )
        return
    evaluation = _evaluated(named.model, chosen)
    drawn = [] if drawer is None else drawer.draw(evaluation)
    facts = _facts(model, data, chosen, evaluation)
    facts["split"] = "all" if chosen is recordings else _side(recordings, split).value
    if json:
        print(json_module.dumps(facts))
        return
    _print(facts, chosen)
    for path in drawn:
        fact("drawn", path)


# --- the recordings -------------------------------------------------------------------------------


def _recordings(model: Model, data: Path, others: str | None, **how: Any) -> Recordings:
    """The recordings, with the labels of the model; `how`: see `recordings_at`."""
    labels = model.labels or ()
    others = others or model.info.get("training.others")
    if not data.is_dir():
        background = model.info.get("training.background", "background")
        return recordings_at(data, background=background, **how)
    if others is None:
        return recordings_at(data, **how)
    if others not in labels:
        raise CliError(f"--others is {others}; expected a label of the model: {', '.join(labels)}")
    # Not every label needs a folder, or one with recordings.
    there = [name for name in labels if name != others and holds_recordings(data / name)]
    return recordings_at(data, labels=there or list(labels), others=others, **how)


def _side(recordings: Recordings, split: Side | None) -> Side:
    if split is not None:
        return split
    listed = any(item.side == "testing" for item in recordings.items)
    return Side.TESTING if listed else Side.ALL


def _chosen(model: Model, recordings: Recordings, split: Side | None) -> Recordings:
    """The part of the recordings that is used."""
    side = _side(recordings, split)
    if side is Side.ALL:
        if model.info.get("training.data") == folder_name(recordings):
            note(
                "the model may have been trained on some of these; --split validation uses the"
                " others"
            )
        return recordings
    try:
        share = float(model.info.get("training.validation", "0.1"))
        seed = int(model.info.get("training.seed", "0"))
    except ValueError:
        raise CliError(
            "the model's training.validation or training.seed is not a number; expected what"
            " pylstm train writes"
        ) from None
    with data_errors():
        parts = recordings.split(share, 0.0, seed)
    part: Recordings = getattr(parts, side.value)
    return part


def _evaluated(model: Model, recordings: Recordings) -> LabelEvaluation:
    from pylstm.evaluation.label_evaluation import evaluate_labels

    try:
        with data_errors(recordings), audio_progress(recordings.seconds) as show:
            return evaluate_labels(model, recordings, show)
    except ValueError as error:  # the model lacks a label
        raise CliError(f"{error}; --others names the model's label for all others") from None


# --- the results ----------------------------------------------------------------------------------


def _facts(
    name: str, data: Path, recordings: Recordings, evaluation: LabelEvaluation
) -> dict[str, Any]:
    """All results, as JSON has them."""
    matrix = evaluation.confusion
    return {
        "model": name,
        "data": str(data),
        "recordings": len(recordings),
        "seconds": round(recordings.seconds, 3),
        "per": "recording" if evaluation.per == "sequence" else "frame",
        "judged": len(evaluation.targets),
        "accuracy": _number(evaluation.accuracy),
        "labels": {
            label: {
                "count": int(counts.sum()),
                "precision": _number(precision),
                "recall": _number(recall),
                "f1": _number(f1),
                **_detection(evaluation, label),
            }
            for label, counts, precision, recall, f1 in zip(
                evaluation.labels, matrix, *evaluation.rates, strict=True
            )
        },
        "confusion": matrix.tolist(),
    }


def _detection(evaluation: LabelEvaluation, label: str) -> dict[str, Any]:
    """The figures of a detector of one label; None if all or none have that label."""
    curve = evaluation.det_curve(label)
    misses = None
    if curve is not None:
        # False alarms fall from point to point and misses rise: the first point is the best.
        first = [int(np.argmax(curve.false_alarms <= rate)) for rate in _FALSE_ALARMS]
        misses = {
            f"{rate:g}": _number(curve.misses[place])
            for rate, place in zip(_FALSE_ALARMS, first, strict=True)
        }
    return {
        "auc": _number(evaluation.roc_auc(label)),
        "equal_error_rate": _number(evaluation.equal_error_rate(label)),
        "misses": misses,
    }


def _number(value: Any) -> float | None:
    """A number as JSON has it; NaN is null."""
    return None if value is None or math.isnan(value) else round(float(value), 6)


def _print(facts: dict[str, Any], recordings: Recordings) -> None:
    """The results for people."""
    side = "" if facts["split"] == "all" else f" ({facts['split']})"
    length = duration(recordings.seconds)
    matrix = np.array(facts["confusion"])
    correct = f"{np.trace(matrix):,} of {number_of(facts['judged'], facts['per'])}"
    fact("model", facts["model"])
    fact("data", f"{facts['data']}{side}: {number_of(facts['recordings'], 'recording')}, {length}")
    fact("accuracy", f"{_percent(facts['accuracy'])} %: {correct}")
    print()
    labels = [one_line(label) for label in facts["labels"]]
    if len(labels) <= _MOST_COLUMNS:
        _print_table(_confusion_table(labels, matrix))
    else:
        _print_confusions(labels, matrix)
    print()
    _print_table(_label_table(labels, list(facts["labels"].values())))


def _print_table(table: Table) -> None:
    # Wider than any table: a pipe has no width, and numbers must not be cut off.
    console = Console(file=sys.stdout, width=10_000, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    print("\n".join(line.rstrip() for line in capture.get().splitlines()))


def _table(title: str, justify: Any) -> Table:
    return Table(
        box=None, padding=(0, 2, 0, 0), pad_edge=False, title=title, title_justify=justify,
        title_style="", header_style="",
    )  # fmt: skip


def _confusion_table(labels: list[str], matrix: np.ndarray) -> Table:
    """Rows: true labels; columns: labels of the model."""
    table = _table("taken for", "right")
    table.add_column("was")
    for label in labels:
        table.add_column(label, justify="right")
    for label, counts in zip(labels, matrix.tolist(), strict=True):
        table.add_row(label, *(str(n or ".") for n in counts))
    return table


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
    table = _table("misses at false alarms of", "right")
    table.add_column("label, %")
    alarms = [f"{100 * rate:g} %" for rate in _FALSE_ALARMS]
    for heading in ("count", "precision", "recall", "F1", "AUC", "EER", *alarms):
        table.add_column(heading, justify="right")
    for label, row in zip(labels, rows, strict=True):
        misses = row["misses"] or {}
        rates = [row[key] for key in ("precision", "recall", "f1", "auc", "equal_error_rate")]
        rates += [misses.get(f"{rate:g}") for rate in _FALSE_ALARMS]
        table.add_row(label, f"{row['count']:,}", *map(_percent, rates))
    return table


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f}"
