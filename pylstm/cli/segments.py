"""``pylstm segments``: from when to when somebody speaks in audio files and pipes."""

from __future__ import annotations

from collections.abc import Callable
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
from pylstm.cli.console.decisions import listener_of
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.hearing import each, hear
from pylstm.cli.console.listening import Heard, Listening
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.segment_report import (
    AudacityTrack,
    JsonSegments,
    RttmSegments,
    Segment,
    SegmentTable,
)
from pylstm.cli.console.text_file import TextFile

__all__ = ["segments"]

_CHUNK_MS = 10.0


def segments(
    audio: AudioArguments,
    model: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="The name of a bundled model, or a model file.")
    ] = "vad",
    label: Annotated[
        str | None,
        typer.Option(help="The label of speech, where the model's decision does not say it."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="Probability from which on speech begins."),
    ] = None,
    min_speech: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds; shorter speech is left out.")
    ] = None,
    min_silence: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds; shorter silence divides nothing.")
    ] = None,
    pad: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds that each segment gets on both ends.")
    ] = None,
    max_speech: Annotated[
        float | None,
        typer.Option(
            metavar="S", help="Seconds; a longer segment is cut at its best pause; inf: none is."
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each segment, and one a file.")
    ] = False,
    audacity: Annotated[
        bool, typer.Option("--audacity", help="Print a label track of Audacity.")
    ] = False,
    rttm: Annotated[
        bool, typer.Option("--rttm", help="Print RTTM; blanks in names become %20.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write them to a file."),
    ] = None,
    raw: RawOption = None,
    rate: RateOption = None,
    channels: ChannelsOption = None,
    channel: ChannelOption = None,
    resample: Annotated[
        bool, typer.Option(help="Resample audio at another rate, or refuse it.")
    ] = True,
) -> int:
    """Print from when to when somebody speaks in audio files or pipes.

    Settings that are not given are those of the model. Examples: pylstm segments a.wav;
    pylstm segments *.wav --rttm -o speech.rttm; ffmpeg -i a.mp4 -f wav - | pylstm segments -.
    """
    audio_input = AudioInput.of(raw, rate, channels, channel)
    audio_input.check_names(audio)
    forms = {"--json": json, "--audacity": audacity, "--rttm": rttm}
    chosen = [name for name, given in forms.items() if given]
    if len(chosen) > 1:
        raise CliError(f"{' and '.join(chosen)} are given; expected one of them", USAGE)
    if audacity and len(audio) > 1:
        given = number_of(len(audio), "recording")
        raise CliError(
            f"--audacity is given with {given}; expected one, because a label track is that of one",
            USAGE,
        )
    named = NamedModel.load(model)
    settings = {
        "kind": "segments",
        "label": label,
        "report": "final",
        "threshold": threshold,
        "min_speech": min_speech,
        "min_silence": min_silence,
        "pad": pad,
        "max_speech": max_speech,
    }
    listener = listener_of(named, settings)
    assert named.model.sample_rate is not None  # it has a listener, hence features
    sample_rate = named.model.sample_rate
    with TextFile(output, "--output", [*audio, named.path]) as file:
        printed: SegmentTable | JsonSegments | AudacityTrack | RttmSegments
        if json:
            printed = JsonSegments(file.line, audio)
        elif audacity:
            printed = AudacityTrack(file.line, audio)
        elif rttm:
            printed = RttmSegments(file.line, audio, channel)
        else:
            printed = SegmentTable(file.line, audio)

        def take(heard: Heard) -> None:
            for event in heard.events:
                if event.kind == "end" and event.onset is not None and event.offset is not None:
                    printed.segment(Segment(event.onset, event.offset, event.label, event.score))

        def listen(path: Path, say: Callable[[str], None]) -> None:
            with audio_input.open(path, sample_rate, resample) as source:
                listening = Listening(listener, source, _CHUNK_MS)
                printed.recording(path)
                hear(listening, source, shown(path), say, take)
            printed.end(listening.summary.audio_seconds)

        return each(audio, listen)
