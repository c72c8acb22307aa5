"""The optional libraries of a command: looked for before it does anything else."""

from __future__ import annotations

from importlib import import_module

from pylstm.cli.console.errors import CliError
from pylstm.interrupted_imports import importing

__all__ = ["EVALUATION", "TRAINING", "require"]

EVALUATION = ("sklearn.metrics", "soundfile", "soxr")
# With what these import later, so that nothing is imported in the middle of a training.
TRAINING = ("scipy", "threadpoolctl", "safetensors.numpy", "soundfile", "soxr",
            "scipy.linalg.cython_blas", "rich.progress", "pylstm.train")  # fmt: skip


def require(what: str, libraries: tuple[str, ...]) -> None:
    """Imports the libraries that something needs.

    Raises
    ------
    CliError
        A library is missing; the message names the extra that has it.
    """
    for library in libraries:
        try:
            # Here, because a Ctrl-C inside a later import could block all further imports.
            with importing():
                import_module(library)
        except ImportError as error:
            missing = (error.name or library).partition(".")[0]
            raise CliError(f'{what} needs {missing}; pip install "pylstm[train]"') from None
