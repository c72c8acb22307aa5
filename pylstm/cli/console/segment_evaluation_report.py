"""``pylstm eval`` of a model that decides on segments: how well it tells speech from the rest."""

from __future__ import annotations

import json as json_module
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pylstm.arguments import number_of
from pylstm.cli.console.audio_progress import audio_progress
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.evaluation_figures import EvaluationFigures
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.named_recordings import data_errors, duration
from pylstm.cli.console.output import fact, note, one_line

if TYPE_CHECKING:
    from pylstm.evaluation.recordings_without_speech import FalseSpeech
    from pylstm.evaluation.segment_evaluation import SegmentEvaluation
    from pylstm.train.data.recordings import Recordings

__all__ = ["report_segments", "segments_are_judged"]

# Of the errors of onsets and offsets, which share is within what is printed.
_WITHIN = 90


def segments_are_judged(
    named: NamedModel, recordings: Recordings, label: str | None, negatives: Sequence[Path] | None
) -> bool:
    """Whether a model decides on segments, and the recordings say when there is speech.

    Raises
    ------
    CliError
        It does not, and there is an option that is for segments alone.
    """
    kind = named.model.decision.get("kind", "words")
    if kind == "segments" and recordings.per == "frame":
        return True
    others = negatives if kind != "words" else None  # words have negatives of their own
    for name, given in (("--label", label), ("--negatives", others)):
        if given:
            lacks = f"{recordings.name} has no times"
            if kind != "segments":
                lacks = f"{named.name} decides on {kind}"
            raise CliError(
                f"{name} is given, but {lacks}; expected a model that decides on segments, and a"
                " manifest with times",
                USAGE,
            )
    return False


def report_segments(
    named: NamedModel,
    recordings: Recordings,
    data: Path,
    drawer: EvaluationFigures | None,
    *,
    label: str | None,
    negatives: Sequence[Path],
    json: bool,
) -> None:
    """Evaluates and prints.

    Parameters
    ----------
    named : NamedModel
    recordings : Recordings
        From a manifest with times.
    data : Path
        Its name.
    drawer : EvaluationFigures or None
        Draws ``roc.png``.
    label : str or None
        Which of the labels is speech; None: that of the model's decision.
    negatives : sequence of Path
        Folders of recordings without speech.
    json : bool

    Raises
    ------
    CliError
        The recordings cannot be used or read, or a figure cannot be drawn.
    """
    from pylstm.evaluation.recordings_without_speech import FalseSpeech

    quiet = {folder: _files(folder) for folder in negatives}
    evaluation = _evaluated(named, recordings, label)
    without = [(folder, _false_speech(named, folder, files)) for folder, files in quiet.items()]
    drawn = _drawn(drawer, evaluation)
    facts = _facts(named, recordings, data, evaluation)
    facts["negatives"] = [
        {
            "folder": str(folder),
            **_false_facts(sum(parts.values(), start=FalseSpeech())),
            "subfolders": {name: _false_facts(one) for name, one in parts.items()},
        }
        for folder, parts in without
    ]
    if json:
        print(json_module.dumps(facts))
        return
    _print(facts)
    for path in drawn:
        fact("drawn", path)


# --- running --------------------------------------------------------------------------------------


def _evaluated(named: NamedModel, recordings: Recordings, label: str | None) -> SegmentEvaluation:
    from pylstm.evaluation.segment_evaluation import evaluate_segments

    try:
        with data_errors(recordings), audio_progress(recordings.seconds) as show:
            return evaluate_segments(named.model, recordings, label, progress=show)
    except ValueError as error:
        hint = "" if label in recordings.labels else "; --label names it"
        raise CliError(f"{error}{hint}", USAGE) from None


def _files(folder: Path) -> list[Path]:
    """The recordings in a folder without speech."""
    from pylstm.train.data.folder_files import recordings_below
    from pylstm.train.data.passed_over import PassedOver

    passed_over = PassedOver(folder)
    try:
        files = list(recordings_below(folder, passed_over))
    except OSError as error:
        raise CliError(f"cannot read {folder}: {error.strerror or error}") from None
    if not files:
        raise CliError(f"--negatives {folder} has no recordings; expected some without speech")
    for said in passed_over.notes():
        note(said.text)
    return files


def _false_speech(named: NamedModel, folder: Path, files: Sequence[Path]) -> dict[str, FalseSpeech]:
    """What is taken for speech, by subfolder; ``.`` is the folder itself."""
    from pylstm.evaluation.recordings_without_speech import speech_in_none

    with data_errors():
        found = speech_in_none(named.model, files)
    parts: dict[str, FalseSpeech] = {}
    for path, one in zip(files, found, strict=True):
        inside = path.relative_to(folder).parts
        name = inside[0] if len(inside) > 1 else "."
        parts[name] = parts[name] + one if name in parts else one
    return parts


def _drawn(drawer: EvaluationFigures | None, evaluation: SegmentEvaluation) -> list[Path]:
    if drawer is None:
        return []
    curve = evaluation.det_curve
    if curve is None:
        note("no figure is drawn, because all frames are speech or none is")
        return []
    chosen = evaluation.false_alarms, evaluation.misses
    return [drawer.draw_detection(evaluation.label, curve, chosen, evaluation.threshold)]


# --- the results ----------------------------------------------------------------------------------


def _facts(
    named: NamedModel, recordings: Recordings, data: Path, evaluation: SegmentEvaluation
) -> dict[str, Any]:
    """All results, as JSON has them."""
    best = evaluation.best_f1
    return {
        "model": named.name,
        "data": str(data),
        "recordings": len(recordings),
        "seconds": round(evaluation.seconds, 3),
        "speech_seconds": round(evaluation.speech_seconds, 3),
        "label": evaluation.label,
        "frames": {
            "count": len(evaluation.truth),
            "auc": _number(evaluation.roc_auc),
            "best_f1": None if best is None else _number(best.f1),
            "best_f1_threshold": None if best is None else _number(best.threshold),
            "threshold": evaluation.threshold,
            "misses": _number(evaluation.misses),
            "false_alarms": _number(evaluation.false_alarms),
        },
        "segments": {
            "count": evaluation.segments,
            "missed": evaluation.missed,
            "false_starts": evaluation.false_starts,
            "false_starts_an_hour": _number(evaluation.false_starts_an_hour),
            "cut": _number(evaluation.cut),
            "matched": len(evaluation.onset_errors),
            "onset_errors": _errors(evaluation.onset_errors),
            "offset_errors": _errors(evaluation.offset_errors),
        },
    }


def _errors(errors: np.ndarray) -> dict[str, float] | None:
    """The median of errors, and within what most of them lie, seconds; None without any."""
    if not len(errors):
        return None
    return {
        "median": round(float(np.median(errors)), 6),
        f"within_{_WITHIN}": round(float(np.percentile(np.abs(errors), _WITHIN)), 6),
    }


def _false_facts(one: FalseSpeech) -> dict[str, Any]:
    return {
        "files": one.files,
        "seconds": round(one.seconds, 3),
        "false_starts": one.starts,
        "false_starts_an_hour": _number(one.starts_an_hour),
        "frames": _number(one.share),
    }


def _number(value: float | None) -> float | None:
    """A number as JSON has it; NaN is null."""
    return None if value is None or math.isnan(value) else round(float(value), 6)


def _print(facts: dict[str, Any]) -> None:
    """The results for people."""
    frames, segments = facts["frames"], facts["segments"]
    fact("model", facts["model"])
    fact(
        "data",
        f"{facts['data']}: {number_of(facts['recordings'], 'recording')},"
        f" {duration(facts['seconds'])}, of which {duration(facts['speech_seconds'])} of"
        f" {facts['label']}",
    )
    if frames["auc"] is None:
        fact("frames", "no AUC, because all are speech or none is")
    else:
        fact(
            "frames",
            f"AUC {frames['auc']:.4f}; best F1 {frames['best_f1']:.4f}, at a threshold of"
            f" {frames['best_f1_threshold']:.3g}",
        )
    fact(
        "threshold",
        f"{frames['threshold']:g}: {_percent(frames['misses'])} of the frames of speech missed,"
        f" {_percent(frames['false_alarms'])} of the others taken for it",
    )
    fact(
        "segments",
        f"{segments['count']}: {segments['matched']} matched, {segments['missed']} missed,"
        f" {_percent(segments['cut'])} of the time of speech cut off",
    )
    for name in ("onset", "offset"):
        errors = segments[f"{name}_errors"]
        if errors is not None:
            fact(
                f"{name}s",
                f"{1000 * errors['median']:+.0f} ms (median), {_WITHIN} % within"
                f" {1000 * errors[f'within_{_WITHIN}']:.0f} ms",
            )
    rate = segments["false_starts_an_hour"]
    an_hour = "" if rate is None else f", {rate:.1f} an hour of what is no speech"
    fact("false starts", f"{segments['false_starts']}{an_hour}")
    for negatives in facts["negatives"]:
        print()
        fact("negatives", negatives["folder"])
        _print_negatives(negatives)


def _print_negatives(negatives: dict[str, Any]) -> None:
    """A line for each subfolder, and one for all."""
    rows = [("", "files", "length", "frames taken for speech", "false starts", "an hour")]
    parts = negatives["subfolders"] if len(negatives["subfolders"]) > 1 else {}
    for name, one in {**parts, "all": negatives}.items():
        starts = one["false_starts_an_hour"]
        rows.append(
            (
                one_line(name),
                f"{one['files']:,}",
                duration(one["seconds"]),
                _percent(one["frames"]),
                f"{one['false_starts']:,}",
                "-" if starts is None else f"{starts:,.1f}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
