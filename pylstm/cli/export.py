"""``pylstm export``: a model as C source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.named_model import ModelArgument, NamedModel
from pylstm.convert import c_name, to_c
from pylstm.whole_writes import write_together

__all__ = ["export"]


def export(
    model: ModelArgument,
    c: Annotated[
        Path,
        typer.Option("--c", metavar="FILE.c", help="The source file; FILE.h is written beside it."),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Prefix of the C names. Default: from the model's file name."
        ),
    ] = None,
) -> None:
    """Write a model as C source, for programs without files."""
    if c.suffix != ".c" or c.name == ".c":
        raise CliError(f"--c is {c}; expected a file name that ends in .c", USAGE)
    named = NamedModel.load(model)
    header = c.with_suffix(".h")
    try:
        written = to_c(named.model, c_name(named.path.stem) if name is None else name, header.name)
    except ValueError as error:
        raise CliError(f"--name or --c: {error}", USAGE) from None
    try:
        write_together({c: written.source.encode(), header: written.header.encode()})
    except OSError as error:
        raise CliError(
            f"cannot write {error.filename or c}: {error.strerror or error}; neither {c} nor"
            f" {header} was written"
        ) from None
    print(f"{c} and {header}: compile them with the core (pylstm.h, libpylstm.a)")
