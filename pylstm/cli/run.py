"""``pylstm run``: which events does a model hear in an audio file?"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from pylstm.cli.console.audio import AudioFile
from pylstm.cli.console.listening import Listening, detector_of, keywords_of
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.posteriors_file import PosteriorsFile
from pylstm.cli.console.progress import progress
from pylstm.cli.console.report import JsonReport, Report, TextReport, note

__all__ = ["run"]

_LONGEST_CHUNK_MS = 60_000.0


def _chunk_ms(value: float) -> float:
    if not 0 < value <= _LONGEST_CHUNK_MS:  # NaN, too
        raise typer.BadParameter(f"{value:g}; expected above 0, at most {_LONGEST_CHUNK_MS:g}")
    return value


def run(
    audio: Annotated[
        Path, typer.Argument(metavar="AUDIO", help="WAV, FLAC, Ogg, MP3, ...; any rate.")
    ],
    model: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="A bundled model or a model file.")
    ] = "keywords",
    chunk_ms: Annotated[
        float,
        typer.Option(
            metavar="MS", help="Audio given at a time; the result is the same.", callback=_chunk_ms
        ),
    ] = 10.0,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object per event; figures last.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the posteriors of every frame.")
    ] = None,
    resample: Annotated[
        bool, typer.Option(help="Whether audio at another rate is resampled or refused.")
    ] = True,
) -> None:
    """Hear the events in an audio file, as a microphone would bring them."""
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
        report: Report = JsonReport() if json else TextReport(keywords_of(detector))
        with progress(source.seconds) as show:
            for heard in listening:
                for event in heard.events:
                    report.event(event)
                if posteriors is not None:
                    posteriors.write(heard)
                show(source.seconds_read)
        if source.shortfall:
            note(source.shortfall)
    # After the CSV file is closed: whoever reads the figures finds it complete.
    report.figures(listening.figures)
