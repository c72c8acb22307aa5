"""The recordings that a command line names: a folder a label, or a manifest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.report import note
from pylstm.interrupted_imports import importing

if TYPE_CHECKING:
    from pylstm.train.data.recordings import Recordings

__all__ = ["data_errors", "minutes", "names_in", "needs_training_extra", "recordings_at"]

_SHOWN = 10
_OWN = ("scipy.linalg.cython_blas", "rich.progress", "pylstm.train")


def needs_training_extra() -> None:
    """Says that what training needs is missing, before anything else is done.

    Raises
    ------
    CliError
    """
    # All that a training loads, now: a Ctrl-C in an import may stop all later ones.
    for library in ("scipy", "threadpoolctl", "soundfile", "soxr", *_OWN):
        try:
            with importing():
                import_module(library)
        except ImportError as error:
            missing = (error.name or library).partition(".")[0]
            raise CliError(f'training needs {missing}; pip install "pylstm[train]"') from None


@contextlib.contextmanager
def data_errors() -> Iterator[None]:
    """What is wrong with recordings becomes the error of a command: notes, then one line."""
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
    """Opens the recordings and finds each readable.

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
        Something is wrong with them.
    """
    from pylstm.train.data.recordings import Recordings

    is_folder = path.is_dir()
    if not is_folder and not path.exists():
        raise CliError(f"cannot read {path}: No such file or directory")
    if not is_folder and (labels or others):
        raise CliError(f"--labels and --others choose folders, and {path} is none", USAGE)
    if is_folder and clips:
        raise CliError(f"--clips is for manifests, and {path} is a folder", USAGE)
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
            f"{path} has transcripts; this command is for labels: see pylstm.train.CTC for the rest"
        )
    return found


def names_in(text: str | None) -> list[str] | None:
    """Names with commas between them."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def minutes(seconds: float) -> str:
    """A length, for people."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"
