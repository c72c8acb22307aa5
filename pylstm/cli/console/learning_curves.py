"""The files of learning curves that ``pylstm train`` writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pylstm.cli.console.errors import CliError

__all__ = ["learning_curves"]


def learning_curves(folder: Path | None, tensorboard: Path | None) -> list[Callable[[Any], None]]:
    """Callbacks of a training that write its curves.

    Parameters
    ----------
    folder, tensorboard : Path, optional
        Where to write tables and plots, and event files.

    Raises
    ------
    CliError
        A folder cannot be made, or a package is missing.
    """
    from pylstm.train.loop.curves import Curves, EventFiles

    made: list[Callable[[Any], None]] = []
    for path, name, kind in (
        (folder, "--curves", Curves),
        (tensorboard, "--tensorboard", EventFiles),
    ):
        if path is None:
            continue
        try:
            made.append(kind(path))
        except OSError as error:
            raise CliError(f"cannot write {path}: {error.strerror or error}") from None
        except (ImportError, ValueError) as error:
            raise CliError(f"{name}: {error}") from None
    return made
