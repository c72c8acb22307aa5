"""The audio that ``pylstm train`` learns from beside labelled recordings: noise and negatives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.named_recordings import data_errors
from pylstm.cli.console.output import note

if TYPE_CHECKING:
    from pylstm.train.data.negatives import Negatives
    from pylstm.train.data.recordings import Recordings

__all__ = ["negatives_in", "noises_for"]


def noises_for(
    recordings: Recordings, folder: Path | None, augment: bool, skip_unreadable: bool
) -> tuple[str, ...]:
    """Files of noise: those of the recordings, and those in the folder that --noise names."""
    if folder is None:
        return recordings.noises
    if not augment:
        raise CliError("--noise is given with --no-augment; expected one of them", USAGE)
    return (*recordings.noises, *audio_below(folder, skip_unreadable))


def negatives_in(
    folders: Sequence[Path], validation: float, seed: int, skip_unreadable: bool
) -> Negatives:
    """Recordings without the words, to learn from and to judge by.

    Raises
    ------
    CliError
        A folder or a file cannot be read.
    """
    from pylstm.train.data.negatives import Negatives

    paths = [path for folder in folders for path in audio_below(folder, skip_unreadable)]
    if not paths:
        note(
            "there is nothing to learn negatives from: the model will report words in other speech,"
            " and nobody can say how often; --negatives FOLDER takes recordings without the words"
        )
    return Negatives.split(paths, validation, seed)


def audio_below(folder: Path, skip_unreadable: bool) -> list[str]:
    """The recordings in a folder and below it; notes what is passed over."""
    from pylstm.train.data.noise_folder import read_noise_folder

    try:
        with data_errors():
            paths, notes = read_noise_folder(folder, skip_unreadable)
    except OSError as error:
        raise CliError(f"cannot read {folder}: {error.strerror or error}") from None
    for said in notes:
        note(said.text)
    return paths
