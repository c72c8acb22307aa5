"""``pylstm eval`` of transcripts: the label error rate, and where a model was wrong most."""

from __future__ import annotations

import json as json_module
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pylstm.arguments import number_of
from pylstm.cli.console.audio_progress import audio_progress
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.named_recordings import data_errors, duration
from pylstm.cli.console.output import fact, one_line
from pylstm.cli.console.transcript_units import UNITS_KEY, TranscriptUnits, check_units, joined

if TYPE_CHECKING:
    from pylstm.evaluation.label_error_rate import LabelErrors
    from pylstm.evaluation.transcript_evaluation import HeardTranscript, TranscriptEvaluation
    from pylstm.train.data.recordings import Recordings

__all__ = ["BeamOption", "TranscriptReport", "UnitsOption", "units_of"]

BeamOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=10_000,
        metavar="N",
        help="With transcripts: search the likeliest symbols, too, following N prefixes.",
    ),
]
UnitsOption = Annotated[
    TranscriptUnits | None,
    typer.Option(
        help="What transcripts are cut into. Default: what the model was trained on, else"
        " characters."
    ),
]

# Recordings that are shown of those with errors.
_WORST = 5


def units_of(named: NamedModel, given: TranscriptUnits | None) -> TranscriptUnits:
    """What transcripts are cut into: what the user says, else what the model was trained on.

    Raises
    ------
    CliError
        The model's notes name none that there are.
    """
    text = named.model.info.get(UNITS_KEY, TranscriptUnits.CHARACTERS.value)
    if given is not None:
        return given
    try:
        return TranscriptUnits(text)
    except ValueError:
        known = " or ".join(TranscriptUnits)
        raise CliError(f"{UNITS_KEY} of {named.name} is {text!r}; expected {known}") from None


@dataclass(frozen=True)
class TranscriptReport:
    """What the user asks about a model and recordings with transcripts.

    Attributes
    ----------
    named : NamedModel
    units : TranscriptUnits or None
        What ``--units`` says.
    beam : int or None
        Prefixes that a beam search follows; None: no search.
    """

    named: NamedModel
    units: TranscriptUnits | None
    beam: int | None

    def is_of(self, recordings: Recordings, figures: Path | None) -> bool:
        """Whether this is the report for such recordings.

        Raises
        ------
        CliError
            The model, the recordings and the options do not go together.
        """
        name, data = self.named.name, recordings.name
        kind = self.named.model.decision.get("kind", "words")
        if recordings.per != "transcript":
            check_units(self.units, recordings)
            if self.beam is not None:
                raise CliError(
                    f"--beam is {self.beam} and {data} has labels; expected a manifest with"
                    " transcripts",
                    USAGE,
                )
            if kind == "symbols":
                raise CliError(
                    f"{name} decides on symbols and {data} has labels; expected a manifest with"
                    " transcripts"
                )
            return False
        if kind != "symbols":
            raise CliError(
                f"{name} decides on {kind} and {data} has transcripts; expected a model that was"
                " trained on transcripts, with the decision symbols"
            )
        if figures is not None:
            raise CliError(
                f"--figures is {figures} and {data} has transcripts; expected labels, as of"
                " transcripts no figure is drawn",
                USAGE,
            )
        return True

    def print(self, chosen: Recordings, side: str, json: bool) -> None:
        """Hears the recordings and prints how often the model was wrong.

        Parameters
        ----------
        chosen : Recordings
            With transcripts.
        side : str
            Which part of the data they are: "all", or a side of a split.
        json : bool
            Whether one JSON object is printed.

        Raises
        ------
        CliError
            The model lacks a unit, or a recording cannot be read.
        """
        from pylstm.evaluation.transcript_evaluation import evaluate_transcripts

        try:
            with data_errors(chosen), audio_progress(chosen.seconds) as show:
                evaluation = evaluate_transcripts(self.named.model, chosen, self.beam, show)
        except ValueError as error:  # the model lacks a unit
            raise CliError(f"{error}; --units says what transcripts are cut into") from None
        facts = {
            "model": self.named.name,
            "data": chosen.name,
            "recordings": len(chosen),
            "seconds": round(chosen.seconds, 3),
            "per": "transcript",
            "units": units_of(self.named, self.units).value,
            "split": side,
            "greedy": _figures(evaluation.errors, evaluation.n_right),
            "beam": self._beam(evaluation),
            "worst": [self._recording(one) for one in evaluation.worst(_WORST)],
        }
        if json:
            print(json_module.dumps(facts))
        else:
            _print(facts, chosen, evaluation.worst(_WORST))

    def _beam(self, evaluation: TranscriptEvaluation) -> dict[str, Any] | None:
        """The figures of the beam search; None if there was none."""
        errors, n_right = evaluation.beam_errors, evaluation.n_right_of_beam
        if errors is None or n_right is None:
            return None
        return {"width": self.beam, **_figures(errors, n_right)}

    def _recording(self, one: HeardTranscript) -> dict[str, Any]:
        found: dict[str, Any] = {
            "recording": one.recording,
            **_errors(one.errors),
            "said": list(one.said),
            "heard": list(one.heard),
        }
        if one.likeliest is not None:
            found["likeliest"] = list(one.likeliest)
        return found


def _errors(errors: LabelErrors) -> dict[str, Any]:
    return {
        "errors": errors.errors,
        "substitutions": errors.substitutions,
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "length": errors.length,
    }


def _figures(errors: LabelErrors, n_right: int) -> dict[str, Any]:
    """Figures as JSON has them; without anything said there is no rate."""
    rate = round(errors.rate, 6) if errors.length else None
    return {"label_error_rate": rate, **_errors(errors), "recordings_right": n_right}


def _print(facts: dict[str, Any], chosen: Recordings, worst: list[HeardTranscript]) -> None:
    """The results for people."""
    side = "" if facts["split"] == "all" else f" ({facts['split']})"
    recordings = number_of(facts["recordings"], "recording")
    fact("model", facts["model"])
    fact("data", f"{facts['data']}{side}: {recordings}, {duration(chosen.seconds)}")
    _print_figures("label errors", facts["greedy"], facts)
    if facts["beam"] is not None:
        _print_figures(f"beam of {facts['beam']['width']}", facts["beam"], facts)
    if not worst:
        return
    print()
    print("most errors in")
    for one in worst:
        errors = number_of(one.errors.errors, "error")
        print(one_line(f"{one.recording}: {errors} in {one.errors.length}"))
        print(one_line(f"  said   {joined(one.said)}").rstrip())
        print(one_line(f"  heard  {joined(one.heard)}").rstrip())


def _print_figures(name: str, figures: dict[str, Any], facts: dict[str, Any]) -> None:
    rate = figures["label_error_rate"]
    shown = "-" if rate is None else f"{100 * rate:.1f} %"
    kinds = ", ".join(
        number_of(figures[kind], kind.removesuffix("s"))
        for kind in ("substitutions", "deletions", "insertions")
    )
    wrong = f"{figures['errors']:,} of {figures['length']:,} {facts['units']}"
    right = f"{figures['recordings_right']:,} of {number_of(facts['recordings'], 'recording')}"
    fact(name, f"{shown}: {wrong}; {kinds}")
    fact("", f"{right} without an error")
