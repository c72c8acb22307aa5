"""The options of ``pylstm train``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pylstm.cli.console.transcript_units import TranscriptUnits


class Arch(StrEnum):
    """Which layers there are."""

    LSTM = "lstm"
    GRU = "gru"
    CRNN = "crnn"


class FeatureKind(StrEnum):
    """What a frame is."""

    MFCC = "mfcc"
    LOGMEL = "logmel"


class ScheduleKind(StrEnum):
    """How the learning rate changes."""

    COSINE = "cosine"
    CONSTANT = "constant"
    STEP = "step"
    PLATEAU = "plateau"


class ClassWeights(StrEnum):
    """How much an example of each label counts."""

    BALANCED = "balanced"
    NONE = "none"


def _above(least: float, most: float) -> Any:
    """A check of an option: above `least`, at most `most`."""

    def check(value: float | None) -> float | None:
        if value is not None and not least < value <= most:  # NaN, too
            raise typer.BadParameter(f"{value:g}; expected above {least:g}, at most {most:g}")
        return value

    return check


def _whole(help: str, least: int = 1, most: int | None = None, metavar: str = "N") -> Any:
    return typer.Option(min=least, max=most, metavar=metavar, help=help)


Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="The model file, .safetensors.")
]
Epochs = Annotated[int, _whole("Passes over the training data.")]
ArchOption = Annotated[
    Arch | None,
    typer.Option(
        "--arch",
        help="Recurrent layers over frames, or with crnn over two convolutions, a row every 40 ms."
        " Default: crnn for words, lstm for sounds, transcripts and MFCC.",
    ),
]
Hidden = Annotated[
    int | None,
    _whole("Hidden size of each recurrent layer. Default: 64; crnn: 72.", most=16384),
]
Layers = Annotated[int | None, _whole("Number of recurrent layers. Default: 2; crnn: 1.", most=128)]
FeaturesOption = Annotated[
    FeatureKind | None,
    typer.Option("--features", help="What a frame is. Default: mfcc; crnn: logmel."),
]
NMels = Annotated[
    int | None,
    _whole("Mel bands in a frame, or those that MFCC are made of. Default: 40.", most=256),
]
Dropout = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=0.9,
        metavar="SHARE",
        help="Share of values between recurrent layers to drop. Default: 0.",
    ),
]
BatchSize = Annotated[
    int | None, _whole("Recordings in a batch. Default: 32, fewer for a small set.")
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        help="Highest learning rate of the schedule. Default: 0.003; with --base 0.0005.",
        callback=_above(0, 10),
    ),
]
Schedule = Annotated[
    ScheduleKind,
    typer.Option(
        help="Learning rate: a warm-up and a cosine down to 0, always the same, a tenth after each"
        " third of the epochs, or half when the loss no longer falls."
    ),
]
WeightsOfLabels = Annotated[
    ClassWeights,
    typer.Option("--class-weights", help="Balanced: rare labels count more in the loss."),
]
Base = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Begin with a trained model: its features and all layers but the last, which is new.",
    ),
]
Freeze = Annotated[bool, typer.Option("--freeze", help="With --base: only the last layer learns.")]
CurvesFolder = Annotated[
    Path | None,
    typer.Option(
        "--curves", metavar="FOLDER", help="Write curves.csv and curves.png there, every epoch."
    ),
]
TensorBoard = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Write event files of TensorBoard there, every epoch."),
]
SpecAugment = Annotated[
    bool, typer.Option(help="With --augment: mask some frames, and values of all frames.")
]
MaskFrames = Annotated[
    int | None, _whole("Frames that a mask hides at most. Default: 10.", least=0)
]
MaskValues = Annotated[
    int | None,
    _whole("Values of a frame that a mask hides at most. Default: 2; of log-mel bands 6.", least=0),
]
Validation = Annotated[
    float,
    typer.Option(min=0, max=0.9, metavar="SHARE", help="Share of the speakers to validate on."),
]
Patience = Annotated[int | None, _whole("Stop after this many epochs without a better validation.")]
NMfcc = Annotated[int | None, _whole("MFCC coefficients in a frame. Default: 13.", most=128)]
SampleRate = Annotated[
    int | None,
    _whole(
        "Sample rate; other audio is resampled. Default: 16000; with --base that of the model.",
        1000,
        192000,
        metavar="HZ",
    ),
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
NegativesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--negatives",
        metavar="FOLDER",
        help="Recordings without any of the words, from its subfolders, too: other speech, music,"
        " noise. May be given several times.",
    ),
]
FalseAlarms = Annotated[
    float,
    typer.Option(
        metavar="RATE",
        help="False alarms an hour that thresholds are chosen for.",
        callback=_above(0, 1e6),
    ),
]


class Targets(StrEnum):
    """What a label stands for."""

    WORDS = "words"
    SOUNDS = "sounds"


TargetsOption = Annotated[
    Targets | None,
    typer.Option(
        help="What labels stand for: words, which are reported once they have been said in running"
        " audio, or sounds that last, such as music. Default: words, for manifests with times"
        " sounds."
    ),
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
