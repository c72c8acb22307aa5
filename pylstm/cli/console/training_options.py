"""The options of ``pylstm train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pylstm.cli.console.transcript_units import TranscriptUnits


def _above(least: float, most: float) -> Any:
    """A check of an option: above `least`, at most `most`."""

    def check(value: float) -> float:
        if not least < value <= most:  # NaN, too
            raise typer.BadParameter(f"{value:g}; expected above {least:g}, at most {most:g}")
        return value

    return check


def _whole(help: str, least: int = 1, most: int | None = None, metavar: str = "N") -> Any:
    return typer.Option(min=least, max=most, metavar=metavar, help=help)


Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="The model file, .safetensors.")
]
Epochs = Annotated[int, _whole("Passes over the training data.")]
Hidden = Annotated[int, _whole("Hidden size of each LSTM layer.", most=16384)]
Layers = Annotated[int, _whole("Number of LSTM layers.", most=128)]
BatchSize = Annotated[
    int | None, _whole("Recordings in a batch. Default: 32, fewer for a small set.")
]
LearningRate = Annotated[
    float,
    typer.Option(
        metavar="RATE",
        help="Highest learning rate of the schedule.",
        callback=_above(0, 10),
    ),
]
Validation = Annotated[
    float,
    typer.Option(min=0, max=0.9, metavar="SHARE", help="Share of the speakers to validate on."),
]
Patience = Annotated[int | None, _whole("Stop after this many epochs without a better validation.")]
NMfcc = Annotated[int, _whole("MFCC coefficients in a frame.", most=128)]
SampleRate = Annotated[
    int, _whole("Sample rate; other audio is resampled.", 1000, 192000, metavar="HZ")
]
Labels = Annotated[
    str | None,
    typer.Option(metavar="A,B,...", help="The folders to use. Default: all with recordings."),
]
Others = Annotated[
    str | None, typer.Option(metavar="LABEL", help="One label for all other folders.")
]
Background = Annotated[
    str, typer.Option(metavar="LABEL", help="Label of frames and recordings without an event.")
]
Units = Annotated[
    TranscriptUnits | None,
    typer.Option(
        help="What the model hears of transcripts: characters, or words. Default: characters."
    ),
]
BackgroundExamples = Annotated[
    bool | None,
    typer.Option(
        "--background-examples/--no-background-examples",
        help="Add examples of noise and silence with the label of --background, unless a label"
        " stands for them already. Formerly --quiet.  [default: background-examples]",
    ),
]
Quiet = Annotated[bool | None, typer.Option("--quiet/--no-quiet", hidden=True)]
Augment = Annotated[
    bool, typer.Option(help="Vary the recordings: speed, position, loudness, noise.")
]
Noise = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Noise recordings to mix in, from its subfolders, too."),
]
Seed = Annotated[int, _whole("Random seed.", least=0)]
Threads = Annotated[
    int | None, _whole("Threads to use. Default: one for each processor, up to 8.", most=256)
]
Cache = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Keep computed features there, for the next training."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted training.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the model and its checkpoint.")]
