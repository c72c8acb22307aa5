"""``pylstm run``: the events that a model hears in audio files and pipes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from enum import StrEnum
from functools import reduce
from operator import add
from pathlib import Path
from typing import Annotated

import typer

from pylstm.arguments import number_of
from pylstm.cli.console.audio_input import (
    AudioArguments,
    AudioInput,
    ChannelOption,
    ChannelsOption,
    RateOption,
    RawOption,
    shown,
)
from pylstm.cli.console.decisions import ThresholdOption, heard_names, listener_of, thresholds
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.event_report import JsonReport, TextReport
from pylstm.cli.console.hearing import each, hear
from pylstm.cli.console.listening import Heard, Listening, ListeningSummary
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.posteriors_file import PosteriorsFile

__all__ = ["Report", "run"]

_LONGEST_CHUNK_MS = 60_000.0


class Report(StrEnum):
    """When events are printed."""

    EARLY = "early"
    FINAL = "final"


def _chunk_ms(value: float) -> float:
    if not 0 < value <= _LONGEST_CHUNK_MS:  # NaN, too
        raise typer.BadParameter(f"{value:g}; expected above 0, at most {_LONGEST_CHUNK_MS:g}")
    return value


def run(
    audio: AudioArguments,
    model: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="The name of a bundled model, or a model file.")
    ] = "keywords",
    threshold: ThresholdOption = None,
    report: Annotated[
        Report,
        typer.Option(help="Print events as they happen, or once nothing changes their ends."),
    ] = Report.EARLY,
    raw: RawOption = None,
    rate: RateOption = None,
    channels: ChannelsOption = None,
    channel: ChannelOption = None,
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
) -> int:
    """Run a model on files or pipes and print the events it hears.

    Each line has the time of an event, its label and its score. Examples: pylstm run a.wav b.flac;
    arecord -f S16_LE -r 16000 | pylstm run -; pylstm run - --raw mulaw --rate 8000.
    """
    audio_input = AudioInput.of(raw, rate, channels, channel)
    audio_input.check_names(audio)
    if csv is not None and len(audio) > 1:
        given = number_of(len(audio), "recording")
        raise CliError(f"--csv is given with {given}; expected one", USAGE)
    named = NamedModel.load(model)
    settings = {"report": report.value, "threshold": thresholds(named, threshold)}
    listener = listener_of(named, settings)
    assert named.model.sample_rate is not None  # it has a listener, hence features
    sample_rate = named.model.sample_rate
    printed: JsonReport | TextReport
    printed = JsonReport() if json else TextReport(heard_names(listener), len(audio) > 1)
    summaries: list[ListeningSummary] = []

    def listen(path: Path, say: Callable[[str], None]) -> None:
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(audio_input.open(path, sample_rate, resample))
            listening = Listening(listener, source, chunk_ms, csv is not None)
            posteriors = None
            if csv is not None:
                posteriors = stack.enter_context(
                    PosteriorsFile.of(csv, named.model, [path, named.path])
                )
            printed.recording(str(path) if json else shown(path))

            def take(heard: Heard) -> None:
                for event in heard.events:
                    printed.event(event)
                if posteriors is not None:
                    posteriors.write(heard)

            hear(listening, source, shown(path), say, take)
        # After the CSV file is closed, so that it is complete when the summary appears.
        printed.recording_summary(listening.summary)
        summaries.append(listening.summary)

    code = each(audio, listen)
    if summaries:
        printed.summary(reduce(add, summaries))
    return code
