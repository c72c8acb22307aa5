"""The recordings that the user names: a folder for each label, or a manifest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.output import note

if TYPE_CHECKING:
    from pylstm.train.data.recordings import Recordings

__all__ = [
    "ClipsOption",
    "DataArgument",
    "data_errors",
    "duration",
    "names_in",
    "recordings_at",
]

DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA", help="A folder with a folder of audio files for each label, or a manifest."
    ),
]
ClipsOption = Annotated[
    bool,
    typer.Option(
        "--clips",
        help="Treat rows with times as separate clips, not as events in one file (manifests).",
    ),
]

_SHOWN = 10


@contextlib.contextmanager
def data_errors() -> Iterator[None]:
    """Turns errors of recordings into those of a command: notes, then one line."""
    from pylstm.audio import AudioError
    from pylstm.train.data.errors import RecordingsError

    try:
        yield
    except RecordingsError as error:
        if len(error.problems) == 1:
            raise CliError(f"{error.what}: {error.problems[0]}") from None
        for problem in error.problems[:_SHOWN]:
            note(problem)
        shown = "above" if len(error.problems) <= _SHOWN else f"the first {_SHOWN} above"
        raise CliError(f"{error.what}: {len(error.problems)} problems, {shown}") from None
    except AudioError as error:
        raise CliError(str(error)) from None


def recordings_at(
    path: Path,
    *,
    labels: Sequence[str] | None = None,
    others: str | None = None,
    clips: bool = False,
    background: str = "background",
) -> Recordings:
    """Opens the recordings and checks that each is readable.

    Parameters
    ----------
    path : Path
        A folder, or a ``.csv`` or ``.jsonl`` file.
    labels, others
        For a folder: see `Recordings.from_folder`.
    clips, background
        For a manifest: see `Recordings.from_manifest`.

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
    try:
        with data_errors():
            if is_folder:
                found = Recordings.from_folder(path, labels, others)
            else:
                found = Recordings.from_manifest(
                    path, spans="clips" if clips else "events", background=background
                )
    except OSError as error:
        where = error.filename or path
        raise CliError(f"cannot read {where}: {error.strerror or error}") from None
    except ValueError as error:  # --others names a folder
        raise CliError(str(error), USAGE) from None
    if found.per == "transcript":
        raise CliError(
            f"{path} has transcripts; expected labels (pylstm.train.CTC trains on transcripts)"
        )
    return found


def names_in(text: str | None) -> list[str] | None:
    """Names that are separated by commas."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def duration(seconds: float) -> str:
    """A duration for people."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"
