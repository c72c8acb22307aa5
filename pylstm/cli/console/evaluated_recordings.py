"""The recordings that a model is judged by: with its own labels, and those without any word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.named_recordings import data_errors, folder_name, recordings_at
from pylstm.cli.console.output import note

if TYPE_CHECKING:
    from pylstm.evaluation.word_tape import WordTape
    from pylstm.model import Model
    from pylstm.train.data.recordings import Recordings

__all__ = [
    "GapOption",
    "NegativesOption",
    "OthersOption",
    "Side",
    "SplitOption",
    "chosen_part",
    "chosen_side",
    "recordings_for",
    "refuse_unknown",
    "tape_rows",
    "tapes_of",
]

# What the model may call the folders of Speech Commands.
_FOLDERS = {"_unknown_": ("unknown",), "_silence_": ("silence", "background", "noise")}


class Side(StrEnum):
    """Which recordings are used."""

    ALL = "all"
    TRAINING = "training"
    VALIDATION = "validation"
    TESTING = "testing"


def _gap(value: float) -> float:
    if not 0 <= value <= 3600:  # NaN, too
        raise typer.BadParameter(f"{value:g}; expected seconds from 0 to 3600")
    return value


SplitOption = Annotated[
    Side | None,
    typer.Option(
        help="Part of the data, split as by pylstm train. Default: testing if the data has a list"
        " of it, else all."
    ),
]
OthersOption = Annotated[
    str | None,
    typer.Option(metavar="LABEL", help="The model's label for folders of other names."),
]
NegativesOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FOLDER",
        help="Audio without any of the words, in which false alarms are counted: a file, or a"
        " folder with all below it; may be repeated.",
    ),
]
GapOption = Annotated[
    float,
    typer.Option(
        metavar="S", help="Seconds of silence behind each recording of the tape.", callback=_gap
    ),
]


def recordings_for(model: Model, data: Path, others: str | None, **how: Any) -> Recordings:
    """The recordings, with the labels of the model where they have others for the same.

    Parameters
    ----------
    model : Model
        With labels.
    data : Path
        A folder or a manifest.
    others : str or None
        The label for folders of other names; None: the one that the model was trained with.
    **how
        See `recordings_at`.

    Raises
    ------
    CliError
        They cannot be used, or `others` is no label of the model.
    """
    from pylstm.train.data.recordings import Recordings

    labels = model.labels or ()
    background = model.info.get("training.background", "background")
    if not data.is_dir():
        if others is not None and data.exists():
            raise CliError(f"{data} is a manifest; --others expects folders", USAGE)
        found = recordings_at(data, background=background, one_label=True, **how)
    else:
        others = others or model.info.get("training.others")
        if others is not None and others not in labels:
            raise CliError(
                f"--others is {others}; expected a label of the model: {', '.join(labels)}"
            )
        # One label is enough for a model that has more.
        found = recordings_at(data, one_label=True, **how)
    if found.per != "sequence":
        return found
    named = {name: _label(name, labels, background, others) for name in found.labels}
    items = [replace(item, label=named[item.label]) for item in found.items if item.label]
    return Recordings(
        found.name, items, sorted(set(named.values())), found.per, found.background, found.noises,
        found.notes, found.cut,
    )  # fmt: skip


def _label(name: str, labels: Sequence[str], background: str, others: str | None) -> str:
    """The model's label for a folder; its own name if there is none."""
    if name in labels:
        return name
    for label in (*_FOLDERS.get(name, ()), *([background] if name == "_silence_" else [])):
        if label in labels:
            return label
    return others or name


def chosen_side(recordings: Recordings, split: Side | None) -> Side:
    """The side that is used if the user does not say which."""
    if split is not None:
        return split
    listed = any(item.side == "testing" for item in recordings.items)
    return Side.TESTING if listed else Side.ALL


def chosen_part(model: Model, recordings: Recordings, split: Side | None) -> Recordings:
    """The part of the recordings that is used, split as by the model's training.

    Raises
    ------
    CliError
        The part is empty, or the notes of the model do not say how to split.
    """
    side = chosen_side(recordings, split)
    if side is Side.ALL:
        if model.info.get("training.data") == folder_name(recordings):
            note(
                "the model may have been trained on some of these; --split validation uses the"
                " others"
            )
        return recordings
    try:
        share = float(model.info.get("training.validation", "0.1"))
        seed = int(model.info.get("training.seed", "0"))
    except ValueError:
        raise CliError(
            "the model's training.validation or training.seed is not a number; expected what"
            " pylstm train writes"
        ) from None
    with data_errors():
        parts = recordings.split(share, 0.0, seed)
    part: Recordings = getattr(parts, side.value)
    if not len(part):
        raise CliError(f"{recordings.name} has no recordings for {side.value}")
    return part


def refuse_unknown(model: Model, recordings: Recordings) -> None:
    """Refuses labels that the model does not have.

    Raises
    ------
    CliError
        It names the first one.
    """
    labels = model.labels or ()
    for label in recordings.labels:
        if label not in labels:
            raise CliError(
                f"{recordings.name} has the label {label!r}; expected labels of the model:"
                f" {', '.join(labels)}; --others names the model's label for all others"
            )


def tapes_of(
    model: Model,
    recordings: Recordings,
    negatives: Sequence[Path],
    gap: float,
    *,
    skip_unreadable: bool = False,
) -> list[WordTape]:
    """A tape of the recordings, and one of all audio without words, if there is some.

    Noise in the folder of the recordings counts as audio without words.

    Raises
    ------
    CliError
        Something is not there, holds no audio or cannot be read.
    """
    from pylstm.evaluation.word_tape import WordTape

    assert model.sample_rate is not None  # checked by whoever calls: it has features
    files: dict[str, str] = dict.fromkeys(recordings.noises, "_background_noise_")
    if files:
        count = "counts" if len(files) == 1 else "count"
        n = number_of(len(files), "file")
        note(f"{n} in _background_noise_ {count} as audio without words")
    for path in negatives:
        files |= _files_at(path, skip_unreadable)
    with data_errors():
        tapes = [WordTape.of_recordings(recordings, model.sample_rate, gap)]
        if files:
            tape = WordTape.of_files(
                list(files), model.sample_rate, gap, sources=list(files.values())
            )
            tapes.append(tape)
    return tapes


def tape_rows(
    model: Model, tapes: Sequence[WordTape], show: Callable[[float], None]
) -> list[NDArray[np.float32]]:
    """The posteriors of each tape; `show` gets the seconds of all that were heard so far."""
    rows, before = [], 0.0
    for tape in tapes:
        rows.append(tape.rows(model, partial(_shown, show, before)))
        before += tape.seconds
    return rows


def _shown(show: Callable[[float], None], before: float, seconds: float) -> None:
    show(before + seconds)


def _files_at(path: Path, skip_unreadable: bool) -> dict[str, str]:
    """Audio files at a path, and for each what its figures are gathered by."""
    from pylstm.audio import AudioError
    from pylstm.train.data.errors import RecordingsError
    from pylstm.train.data.file_headers import FileHeaders
    from pylstm.train.data.folder_files import recordings_below
    from pylstm.train.data.passed_over import PassedOver

    if not path.exists():
        raise CliError(f"cannot read {path}: No such file or directory")
    passed_over, headers = PassedOver(path), FileHeaders(skip_unreadable, skip_unreadable)
    problems: list[str] = []
    files: dict[str, str] = {}
    try:
        places = list(recordings_below(path, passed_over, True)) if path.is_dir() else [path]
    except OSError as error:
        where = error.filename or path
        raise CliError(f"cannot read {where}: {error.strerror or error}") from None
    for place in places:
        try:
            if headers.of(str(place)) is not None:
                files[str(place)] = _source(path, place)
        except AudioError as error:
            problems.append(str(error))
    with data_errors():
        if problems:
            raise RecordingsError(str(path), problems, headers.remedies())
    for said in [*passed_over.notes(), *headers.notes()]:
        note(said.text)
    if not files:
        raise CliError(f"{path} holds no audio files; expected audio without the words")
    return files


def _source(folder: Path, file: Path) -> str:
    """The folder that the user named, or the one directly in it that the file is in."""
    inner = file.relative_to(folder).parts[:-1]
    return str(folder / inner[0]) if inner else str(folder)
