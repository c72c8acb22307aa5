"""The model that the user names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from pylstm import _engine, model_files
from pylstm.cli.console.errors import CliError
from pylstm.model import Model

__all__ = ["ModelArgument", "NamedModel"]

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="The name of a bundled model, or a model file.")
]


@dataclass(frozen=True)
class NamedModel:
    """A model and the file that it came from.

    Attributes
    ----------
    name : str
        What the user wrote.
    path : Path
        The file.
    size : int
        Size of the file, bytes.
    model : Model
    """

    name: str
    path: Path
    size: int
    model: Model

    @classmethod
    def load(cls, name: str) -> NamedModel:
        """Reads a bundled model or a model file.

        Raises
        ------
        CliError
            There is no such model, it cannot be read, or it breaks a rule.
        """
        try:
            path = model_files.locate(name)
            data = model_files.read(path)
            return cls(name, path, len(data), Model.from_bytes(data))
        except _engine.ModelFileError as error:
            raise CliError(f"{name}: {error}") from None
        except OSError as error:
            raise CliError(f"cannot read {name}: {error.strerror or error}") from None
        except ValueError as error:  # an unknown name, or an unknown instruction set in PYLSTM_ISA
            raise CliError(str(error)) from None
