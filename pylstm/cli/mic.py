"""``pylstm mic``: the events that a model hears at the microphone, as they happen."""

from __future__ import annotations

import contextlib
import json as json_module
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pylstm.cli.console.decisions import ThresholdOption, listener_of, thresholds
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.live_figures import LiveFigures
from pylstm.cli.console.live_listening import LiveListening
from pylstm.cli.console.live_report import LinesReport, LiveReport, ObjectsReport
from pylstm.cli.console.live_session import LiveSession
from pylstm.cli.console.live_source import LiveSource
from pylstm.cli.console.live_view import LiveView
from pylstm.cli.console.microphone import Microphone, input_devices
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.output import note
from pylstm.cli.console.played_file import PlayedFile
from pylstm.cli.console.shown_labels import ShownLabels

__all__ = ["mic"]


def _seconds(value: float | None) -> float | None:
    if value is not None and not 0 < value < math.inf:  # NaN, too
        raise typer.BadParameter(f"{value:g}; expected a number above 0")
    return value


def mic(
    model: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="The name of a bundled model, or a model file.")
    ] = "keywords",
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|NAME",
            help="The device to record from, or a part of its name. Default: the system's.",
        ),
    ] = None,
    list_devices: Annotated[
        bool, typer.Option("--list-devices", help="List the devices that can record, and end.")
    ] = False,
    input_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Play an audio file in real time in place of a microphone."
        ),
    ] = None,
    channel: Annotated[
        int, typer.Option(min=0, metavar="K", help="The channel to listen to, counted from 0.")
    ] = 0,
    threshold: ThresholdOption = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", help="Stop after so many seconds of audio.", callback=_seconds),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object for each event, and a summary last."),
    ] = False,
) -> None:
    """Show live what a model hears at the microphone.

    Ctrl-C ends it. Examples: pylstm mic --model vad; pylstm mic --threshold yes=0.5 --json.
    """
    if list_devices:
        _print_devices(json)
        return
    if input_file is not None and device is not None:
        raise CliError("--device and --input-file are given; expected one of them", USAGE)
    named = NamedModel.load(model)
    # Early, because whoever stands at a microphone waits for what comes of it.
    settings = {"report": "early", "threshold": thresholds(named, threshold)}
    listener = listener_of(named, settings)
    rate = named.model.sample_rate
    assert rate is not None  # it has a listener, hence features
    labels = ShownLabels.of(named.model, listener.decision)
    source: LiveSource
    if input_file is None:
        source = Microphone(device, channel, rate)
    else:
        source = PlayedFile(input_file, channel)
    with contextlib.closing(source):
        try:
            listening = LiveListening(
                named.model, listener, source.rate, source.channels, channel, seconds
            )
        except ValueError as error:  # no rate that can be resampled
            raise CliError(f"{source.name} cannot be listened to: {error}") from None
        figures = LiveFigures(rate, named.model.n_outputs, named.model.latency / rate)
        report = _report(_heading(named, source, channel), labels, json)
        LiveSession(source, listening, figures, report).run()


def _report(heading: str, labels: ShownLabels, json: bool) -> LiveReport:
    """A live view for a terminal, lines or objects for anything else."""
    if json:
        return ObjectsReport()
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveView(console, heading, labels)
    note(f"{heading}; Ctrl-C stops")
    return LinesReport(labels.reported)


def _heading(named: NamedModel, source: LiveSource, channel: int) -> str:
    """What listens to what."""
    which = f", channel {channel} of {source.channels}" if source.channels > 1 else ""
    return f"{named.name} listens to {source.name} at {source.rate} Hz{which}"


def _print_devices(json: bool) -> None:
    """The devices that can record: a table, or an object for each."""
    devices = input_devices()
    if json:
        for device in devices:
            print(json_module.dumps(asdict(device)))
        return
    print("   number  channels       rate  name")
    for device in devices:
        mark = ">" if device.is_default else " "
        print(f"{mark} {device.number:7}  {device.channels:8}  {device.rate:6} Hz  {device.name}")
