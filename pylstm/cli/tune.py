"""``pylstm tune``: thresholds for a model, from recordings of its words and of what is none."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pylstm.cli.console.audio_progress import audio_progress
from pylstm.cli.console.decisions import listener_of
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.evaluated_recordings import (
    GapOption,
    NegativesOption,
    OthersOption,
    SplitOption,
    chosen_part,
    recordings_for,
    refuse_unknown,
    tape_rows,
    tapes_of,
)
from pylstm.cli.console.label_report import rounded
from pylstm.cli.console.named_model import ModelArgument, NamedModel
from pylstm.cli.console.named_recordings import (
    ClipsOption,
    DataArgument,
    SkipMissingOption,
    SkipUnreadableOption,
    SubfoldersOption,
    data_errors,
)
from pylstm.cli.console.output import JsonOption, fact, note, one_line
from pylstm.cli.console.text_table import percent, print_table, table

if TYPE_CHECKING:
    from pylstm.evaluation.thresholds import Tuned
    from pylstm.evaluation.word_evaluation import WordEvaluation

__all__ = ["tune"]


def tune(
    model: ModelArgument,
    data: DataArgument,
    negatives: NegativesOption = None,
    false_alarms: Annotated[
        float,
        typer.Option(
            metavar="NUMBER", help="False alarms an hour that are allowed, of all labels together."
        ),
    ] = 1.0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the model there. Default: where it was."
        ),
    ] = None,
    gap: GapOption = 0.5,
    split: SplitOption = None,
    json: JsonOption = False,
    others: OthersOption = None,
    clips: ClipsOption = False,
    subfolders: SubfoldersOption = None,
    skip_missing: SkipMissingOption = False,
    skip_unreadable: SkipUnreadableOption = False,
) -> None:
    """Choose a threshold for each label.

    They are written into the model file. The listener hears the recordings as in pylstm eval.
    Chosen are the thresholds that miss the fewest words with so many false alarms at most. These
    are counted in the audio of --negatives, in recordings of background labels, and outside of
    marked words. Example: pylstm tune a.safetensors recordings/ --negatives talk/ --false-alarms 2.
    """
    from pylstm.evaluation.row_decision import decision_kind

    if not 0 < false_alarms < 1e6:  # NaN, too
        raise CliError(
            f"--false-alarms is {false_alarms:g}; expected above 0, such as 0.1 for one in ten"
            " hours",
            USAGE,
        )
    named = NamedModel.load(model)
    listener_of(named, {})  # refuses a model that decides on nothing
    kind = decision_kind(named.model)
    if kind != "words":
        raise CliError(f"{model} decides on {kind}; expected a model that decides on words")
    path = _target(named, output)
    recordings = recordings_for(
        named.model,
        data,
        others,
        clips=clips,
        subfolders=subfolders,
        skip_missing=skip_missing,
        skip_unreadable=skip_unreadable,
    )
    chosen = chosen_part(named.model, recordings, split)
    refuse_unknown(named.model, chosen)
    tapes = tapes_of(named.model, chosen, negatives or [], gap, skip_unreadable=skip_unreadable)
    with data_errors(chosen), audio_progress(sum(tape.seconds for tape in tapes)) as show:
        rows = tape_rows(named.model, tapes, show)
    from pylstm.evaluation.thresholds import tuned_thresholds, with_thresholds

    try:
        tuned = tuned_thresholds(named.model, tapes, false_alarms, rows)
    except ValueError as error:  # nothing to miss, or nothing to be alarmed by
        raise CliError(
            f"{data}: {error}; --negatives FOLDER names audio without the words, --others LABEL"
            " the model's label for folders of other words"
        ) from None
    try:
        with_thresholds(named.model, tuned.thresholds).save(path)
    except OSError as error:
        raise CliError(f"cannot write {path}: {error.strerror or error}") from None
    if tuned.note is not None:
        note(tuned.note)
    if json:
        print(json_module.dumps(_facts(model, data, path, false_alarms, tuned)))
        return
    _print(tuned)
    fact("written", path)


def _target(named: NamedModel, output: Path | None) -> Path:
    """Where the model is written; not over one that came with the package."""
    from pylstm import model_files

    if output is None and named.name in model_files.bundled():
        raise CliError(
            f"{named.name} is a model that comes with pylstm; expected -o FILE, where the tuned one"
            " is written",
            USAGE,
        )
    return named.path if output is None else output


def _facts(model: str, data: Path, path: Path, budget: float, tuned: Tuned) -> dict[str, Any]:
    return {
        "model": model,
        "data": str(data),
        "written": str(path),
        "false_alarms_an_hour_allowed": budget,
        "hours": rounded(tuned.evaluation.hours),
        "note": tuned.note,
        "before": _totals(tuned.before),
        "after": _totals(tuned.evaluation),
        "labels": {
            label: {
                "threshold": threshold,
                "threshold_before": rounded(tuned.before.thresholds[label]),
                "said": tuned.evaluation.words[label].said,
                "missed": tuned.evaluation.words[label].missed,
                "missed_before": tuned.before.words[label].missed,
                "false_alarms": tuned.evaluation.words[label].alarms,
                "false_alarms_before": tuned.before.words[label].alarms,
            }
            for label, threshold in tuned.thresholds.items()
        },
    }


def _totals(evaluation: WordEvaluation) -> dict[str, Any]:
    return {
        "said": evaluation.said,
        "missed": evaluation.missed,
        "another": evaluation.another,
        "false_alarms": evaluation.false_alarms,
        "false_alarms_an_hour": rounded(evaluation.false_alarms_an_hour),
    }


def _print(tuned: Tuned) -> None:
    """A line for each label, and one for all."""
    found = table()
    found.add_column("label")
    for heading in (
        "said", "threshold", "before", "missed %", "before", "false alarms", "before",
    ):  # fmt: skip
        found.add_column(heading, justify="right")
    for label, threshold in tuned.thresholds.items():
        after, before = tuned.evaluation.words[label], tuned.before.words[label]
        found.add_row(
            one_line(label), f"{after.said:,}", f"{threshold:g}",
            f"{tuned.before.thresholds[label]:g}",
            percent(after.missed / after.said if after.said else None),
            percent(before.missed / before.said if before.said else None),
            str(after.alarms), str(before.alarms),
        )  # fmt: skip
    print_table(found)
    print()
    for name, evaluation in (("before", tuned.before), ("after", tuned.evaluation)):
        fact(
            name,
            f"{percent(evaluation.missed / evaluation.said)} % of words missed,"
            f" {percent(evaluation.another / evaluation.said)} % taken for another,"
            f" {evaluation.false_alarms_an_hour:.3g} false alarms an hour"
            f" ({evaluation.false_alarms} in {evaluation.hours:.2g} hours)",
        )
