"""The recordings that the user names: a folder for each label, or a manifest."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pylstm.arguments import number_of
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.output import note

if TYPE_CHECKING:
    from pylstm.train.data.errors import Remedy
    from pylstm.train.data.manifest import Units
    from pylstm.train.data.recording_set import RecordingSet
    from pylstm.train.data.recordings import Recordings

__all__ = [
    "ClipsOption",
    "DataArgument",
    "SkipMissingOption",
    "SkipUnreadableOption",
    "Subfolders",
    "SubfoldersOption",
    "data_errors",
    "duration",
    "folder_name",
    "holds_recordings",
    "names_in",
    "recordings_at",
]


class Subfolders(StrEnum):
    """What recordings in a subfolder of a label's folder are."""

    SPEAKERS = "speakers"
    INCLUDE = "include"
    SKIP = "skip"


DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A folder with a folder of audio files for each label, or a manifest (.csv, .jsonl).",
    ),
]
ClipsOption = Annotated[
    bool,
    typer.Option(
        "--clips",
        help="Treat rows with times as separate clips, not as events in one file (manifests).",
    ),
]
SubfoldersOption = Annotated[
    Subfolders | None,
    typer.Option(
        help="What to do with recordings in a subfolder of a label's folder: take the subfolder as"
        " one speaker, take them like the files beside it, or leave them out. Default: refuse them."
    ),
]
SkipMissingOption = Annotated[
    bool,
    typer.Option(
        "--skip-missing", help="Leave out files that do not exist although DATA names them."
    ),
]
SkipUnreadableOption = Annotated[
    bool,
    typer.Option(
        "--skip-unreadable",
        help="Leave out files that cannot be read as audio, or whose float samples do not go from"
        " -1 to 1.",
    ),
]

_SHOWN = 10


@contextlib.contextmanager
def data_errors(read: RecordingSet | None = None) -> Iterator[None]:
    """Turns errors of recordings into those of a command: notes, then one line.

    Parameters
    ----------
    read : RecordingSet, optional
        What is being read: if one file turns out to be damaged, the error names all that are.
    """
    from pylstm.audio import AudioError
    from pylstm.train.data.errors import RecordingsError

    try:
        try:
            yield
        except AudioError:
            if read is not None:
                read.check(cut_off=False)
            raise
    except RecordingsError as error:
        ways = [_option(remedy) for remedy in error.remedies]
        if len(error.problems) == 1:
            raise CliError("; ".join([f"{error.what}: {error.problems[0]}", *ways])) from None
        for problem in error.problems[:_SHOWN]:
            note(problem)
        shown = "above" if len(error.problems) <= _SHOWN else f"the first {_SHOWN} above"
        said = f"{error.what}: {number_of(len(error.problems), 'problem')}, {shown}"
        raise CliError("; ".join([said, *ways])) from None
    except AudioError as error:
        raise CliError(str(error)) from None


def _option(remedy: Remedy) -> str:
    """A remedy as an option of a command."""
    value = "" if remedy.value is True else f" {remedy.value}"
    return f"--{remedy.argument.replace('_', '-')}{value} {remedy.does}"


def recordings_at(
    path: Path,
    *,
    labels: Sequence[str] | None = None,
    others: str | None = None,
    clips: bool = False,
    background: str = "background",
    units: Units | None = None,
    subfolders: Subfolders | None = None,
    skip_missing: bool = False,
    skip_unreadable: bool = False,
    one_label: bool = False,
) -> Recordings:
    """Opens the recordings, checks that each is readable, and notes what is not used.

    Parameters
    ----------
    path : Path
        A folder, or a ``.csv`` or ``.jsonl`` file.
    labels, others
        For a folder: see `Recordings.from_folder`.
    clips, background
        For a manifest: see `Recordings.from_manifest`.
    units
        For a manifest: what transcripts are cut into. None: transcripts are refused.
    subfolders
        For a folder: see `Recordings.from_folder`.
    skip_missing, skip_unreadable, one_label
        For both.

    Raises
    ------
    CliError
        They cannot be used.
    """
    from pylstm.train.data.recordings import Recordings

    is_folder = path.is_dir()
    if not is_folder and not path.exists():
        raise CliError(f"cannot read {path}: No such file or directory")
    if not is_folder and (labels or others):
        raise CliError(f"{path} is a manifest; --labels and --others expect folders", USAGE)
    if is_folder and clips:
        raise CliError(f"{path} is a folder; --clips expects a manifest", USAGE)
    if not is_folder and subfolders is not None:
        raise CliError(f"{path} is a manifest; --subfolders expects a folder", USAGE)
    try:
        with data_errors(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the notes below say the same
            if is_folder:
                found = Recordings.from_folder(
                    path,
                    labels,
                    others,
                    subfolders=None if subfolders is None else subfolders.value,
                    skip_missing=skip_missing,
                    skip_unreadable=skip_unreadable,
                    one_label=one_label,
                )
            else:
                found = Recordings.from_manifest(
                    path,
                    spans="clips" if clips else "events",
                    units=units or "characters",
                    background=background,
                    skip_missing=skip_missing,
                    skip_unreadable=skip_unreadable,
                    one_label=one_label,
                )
    except OSError as error:
        where = error.filename or path
        raise CliError(f"cannot read {where}: {error.strerror or error}") from None
    except ValueError as error:  # --others names a folder
        raise CliError(str(error), USAGE) from None
    for text in found.notes:
        note(text)
    if found.per == "transcript" and units is None:
        raise CliError(f"{path} has transcripts; expected labels")
    return found


def holds_recordings(folder: Path) -> bool:
    """Whether a folder or one below it holds a recording."""
    from pylstm.train.data.folder_files import recordings_below
    from pylstm.train.data.passed_over import PassedOver

    try:
        return folder.is_dir() and any(recordings_below(folder, PassedOver(folder)))
    except OSError as error:
        raise CliError(f"cannot read {folder}: {error.strerror or error}") from None


def names_in(text: str | None) -> list[str] | None:
    """Names that are separated by commas."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def folder_name(recordings: RecordingSet) -> str:
    """The name of the folder or manifest, as text: a model remembers what it was trained on."""
    return Path(recordings.name).resolve().name.encode("utf-8", "backslashreplace").decode()


def duration(seconds: float) -> str:
    """A duration for people."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"
