"""``pylstm run``: the events that a model hears in an audio file."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Annotated

import typer

from pylstm.audio import AudioFile, scale_problem
from pylstm.cli.console.audio_progress import audio_progress
from pylstm.cli.console.event_report import JsonReport, TextReport
from pylstm.cli.console.listening import Listening, detector_of, keywords_of
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.output import note
from pylstm.cli.console.posteriors_file import PosteriorsFile

__all__ = ["run"]

_LONGEST_CHUNK_MS = 60_000.0


def _chunk_ms(value: float) -> float:
    if not 0 < value <= _LONGEST_CHUNK_MS:  # NaN, too
        raise typer.BadParameter(f"{value:g}; expected above 0, at most {_LONGEST_CHUNK_MS:g}")
    return value


def run(
    audio: Annotated[
        Path, typer.Argument(metavar="AUDIO", help="A WAV, FLAC, Ogg, MP3, ... file at any rate.")
    ],
    model: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="The name of a bundled model, or a model file.")
    ] = "keywords",
    chunk_ms: Annotated[
        float,
        typer.Option(
            metavar="MS",
            help="Milliseconds of audio in a chunk; does not change the result.",
            callback=_chunk_ms,
        ),
    ] = 10.0,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object for each event, and a summary last."),
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the posteriors of every frame to a CSV file."),
    ] = None,
    resample: Annotated[
        bool, typer.Option(help="Resample audio at another rate, or refuse it.")
    ] = True,
) -> None:
    """Run a model on an audio file and print the events that it hears."""
    named = NamedModel.load(model)
    detector = detector_of(named.model, named.name)
    assert named.model.sample_rate is not None  # it has a detector, hence features
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(AudioFile(audio, named.model.sample_rate, resample))
        for change in source.changes:
            note(change)
        listening = Listening(named.model, detector, source, chunk_ms)
        posteriors = None
        if csv is not None:
            posteriors = stack.enter_context(
                PosteriorsFile(csv, detector.labels, detector.hop_seconds, [audio, named.path])
            )
        report = JsonReport() if json else TextReport(keywords_of(detector))
        off_scale = None
        with audio_progress(source.seconds) as show, warnings.catch_warnings():
            # The stream would warn of samples; here a note says it of the file.
            warnings.filterwarnings("ignore", r"pcm\[\d+\] is", RuntimeWarning)
            for heard in listening:
                if off_scale is None and (off_scale := scale_problem(source.peak)):
                    note(f"{audio} {off_scale}")
                for event in heard.events:
                    report.event(event)
                if posteriors is not None:
                    posteriors.write(heard)
                show(source.seconds_read)
        if source.shortfall:
            note(source.shortfall)
    # After the CSV file is closed, so that it is complete when the summary appears.
    report.summary(listening.summary)
