"""The file of a model that is trained, and its checkpoint beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.model_files import SUFFIX

if TYPE_CHECKING:
    from pylstm.model import Model
    from pylstm.train.loop.fitted import Fitted

__all__ = ["checkpoint_path", "save_trained"]


def checkpoint_path(output: Path, resume: bool, force: bool) -> Path:
    """The path of the checkpoint; existing files are only replaced if the user asks for it."""
    if output.suffix != SUFFIX:
        raise CliError(f"--output is {output}; expected a file name that ends in {SUFFIX}", USAGE)
    if not output.parent.is_dir():
        raise CliError(f"cannot write {output}: No such file or directory")
    checkpoint = output.with_suffix(".checkpoint")
    for path in (output, checkpoint):  # before training, or its results would be lost
        if path.is_dir():
            raise CliError(f"cannot write {path}: Is a directory")
        if path.exists() and not path.is_file():
            raise CliError(f"cannot write {path}: it is not a regular file")
    if resume and not checkpoint.exists():
        raise CliError(
            f"--resume: {checkpoint} does not exist; expected the checkpoint of {output}"
        )
    if resume or force:
        return checkpoint
    for path, what in (
        (output, "exists already"),
        (checkpoint, "is the checkpoint of an unfinished training"),
    ):
        if path.exists():
            raise CliError(f"{path} {what}; --resume continues it, --force starts anew", USAGE)
    return checkpoint


def save_trained(model: Model, fitted: Fitted, output: Path) -> None:
    """Writes the model, with the results of its training in its info.

    Raises
    ------
    CliError
        It cannot be written.
    """
    best = fitted.history[fitted.best_epoch - 1]
    info = {**model.info, "training.epoch": str(fitted.best_epoch)}
    if best["validation_accuracy"] is not None:
        info["training.validation_accuracy"] = f"{best['validation_accuracy']:.4f}"
    try:
        model.with_info(info).save(output)
    except OSError as error:
        raise CliError(f"cannot write {output}: {error.strerror or error}") from None
