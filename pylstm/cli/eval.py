"""``pylstm eval``: what a model's listener hears of running audio, and how often it is right."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pylstm.arguments import number_of
from pylstm.cli.console.audio_progress import audio_progress
from pylstm.cli.console.decisions import listener_of
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.evaluated_recordings import (
    GapOption,
    NegativesOption,
    OthersOption,
    SplitOption,
    chosen_part,
    chosen_side,
    recordings_for,
    refuse_unknown,
    tape_rows,
    tapes_of,
)
from pylstm.cli.console.evaluation_figures import EvaluationFigures
from pylstm.cli.console.extras import EVALUATION, require
from pylstm.cli.console.former_options import renamed
from pylstm.cli.console.label_report import label_facts, print_labels
from pylstm.cli.console.named_model import ModelArgument, NamedModel
from pylstm.cli.console.named_recordings import (
    ClipsOption,
    DataArgument,
    SkipMissingOption,
    SkipUnreadableOption,
    SubfoldersOption,
    data_errors,
    duration,
)
from pylstm.cli.console.output import JsonOption, fact
from pylstm.cli.console.segment_evaluation_report import report_segments, segments_are_judged
from pylstm.cli.console.transcript_report import (
    BeamOption,
    TranscriptReport,
    UnitsOption,
    units_of,
)
from pylstm.cli.console.word_report import print_words, word_facts

if TYPE_CHECKING:
    from pylstm.evaluation.label_evaluation import LabelEvaluation
    from pylstm.evaluation.row_decision import RowDecision
    from pylstm.evaluation.trade_off import TradeOff
    from pylstm.evaluation.word_evaluation import WordEvaluation
    from pylstm.evaluation.word_tape import WordTape
    from pylstm.model import Model
    from pylstm.train.data.recordings import Recordings

__all__ = ["eval_"]


def eval_(
    model: ModelArgument,
    data: DataArgument,
    negatives: NegativesOption = None,
    gap: GapOption = 0.5,
    split: SplitOption = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write confusion.png, det.png and trade-off.png there (segments: roc.png)."
            " Formerly --png.",
        ),
    ] = None,
    json: JsonOption = False,
    others: OthersOption = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="The label of DATA that is speech, where it is not the model's (segments).",
        ),
    ] = None,
    clips: ClipsOption = False,
    units: UnitsOption = None,
    beam: BeamOption = None,
    subfolders: SubfoldersOption = None,
    skip_missing: SkipMissingOption = False,
    skip_unreadable: SkipUnreadableOption = False,
    png: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Evaluate a model on labelled recordings.

    First the listener: it hears all recordings one after the other as one stream, and its events
    are counted: words that it hears, misses, takes for others, and false alarms. Then each
    recording alone, by its best moment, or by the mean of the log posteriors if the model decides
    on no words. Manifests with times are evaluated frame by frame, with a model that decides on
    segments, such as vad, also segment by segment; those with transcripts by the symbols that
    pylstm run prints.
    """
    figures = renamed("--figures", figures, "--png", png)
    require("evaluation", EVALUATION)
    from pylstm.evaluation.row_decision import RowDecision, decision_kind

    named = NamedModel.load(model)
    if named.model.features is None or named.model.labels is None:
        raise CliError(f"{model} has no features or no labels; expected both")
    kind = decision_kind(named.model)
    if negatives and kind not in ("words", "segments"):
        does = "decides on nothing" if kind is None else f"decides on {kind}"
        raise CliError(
            f"--negatives is given and {model} {does}; expected a model that decides on words or"
            " segments",
            USAGE,
        )
    drawer = None if figures is None else EvaluationFigures(figures)
    recordings = recordings_for(
        named.model,
        data,
        others,
        clips=clips,
        units=units_of(named, units).value,
        subfolders=subfolders,
        skip_missing=skip_missing,
        skip_unreadable=skip_unreadable,
    )
    transcripts = TranscriptReport(named, units, beam)
    of_transcripts = transcripts.is_of(recordings, figures)
    chosen = chosen_part(named.model, recordings, split)
    side = chosen_side(recordings, split).value
    if of_transcripts:
        transcripts.print(chosen, side, json)
        return
    if segments_are_judged(named, chosen, label, negatives):
        report_segments(
            named, chosen, data, drawer, label=label, negatives=negatives or (), json=json
        )
        return
    refuse_unknown(named.model, chosen)
    facts = {
        "model": model,
        "data": str(data),
        "recordings": len(chosen),
        "seconds": round(chosen.seconds, 3),
        "split": side,
    }
    decision, words, curve = None, None, None
    if kind == "words":  # those that decide on anything else have their recordings one by one
        listener_of(named, {})  # warns of rows that are no probabilities
        decision = RowDecision(named.model)
        tapes = tapes_of(named.model, chosen, negatives or [], gap, skip_unreadable=skip_unreadable)
        words, curve = _listened(named.model, tapes, chosen)
        facts["listener"] = word_facts(words, curve, gap)
    evaluation = _evaluated(named.model, chosen, decision)
    facts |= label_facts(evaluation)
    drawn = [] if drawer is None else drawer.draw(evaluation)
    if drawer is not None and curve is not None:
        drawn += drawer.draw_trade_off(curve)
    if json:
        print(json_module.dumps(facts))
        return
    side = "" if facts["split"] == "all" else f" ({facts['split']})"
    held = f"{number_of(len(chosen), 'recording')}, {duration(chosen.seconds)}"
    fact("model", model)
    fact("data", f"{data}{side}: {held}")
    if words is not None and curve is not None:
        print_words(words, curve)
        print()
    print_labels(facts)
    for path in drawn:
        fact("drawn", path)


def _listened(
    model: Model, tapes: list[WordTape], recordings: Recordings
) -> tuple[WordEvaluation, TradeOff]:
    """What the listener reports on the tapes, with its own thresholds and with others."""
    from pylstm.evaluation.trade_off import trade_off
    from pylstm.evaluation.word_evaluation import evaluate_words

    with data_errors(recordings), audio_progress(sum(tape.seconds for tape in tapes)) as show:
        rows = tape_rows(model, tapes, show)
    return evaluate_words(model, tapes, rows=rows), trade_off(model, tapes, rows)


def _evaluated(
    model: Model, recordings: Recordings, decision: RowDecision | None
) -> LabelEvaluation:
    from pylstm.evaluation.label_evaluation import evaluate_labels

    with data_errors(recordings), audio_progress(recordings.seconds) as show:
        return evaluate_labels(model, recordings, show, decision)
