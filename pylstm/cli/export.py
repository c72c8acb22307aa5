"""``pylstm export``: a model as C source, or its network as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.named_model import ModelArgument, NamedModel
from pylstm.cli.console.output import fact
from pylstm.convert import c_name, to_c, to_onnx
from pylstm.convert.onnx_export.onnx_stream import difference_from_onnx
from pylstm.convert.self_check import TOLERANCE
from pylstm.model import Model
from pylstm.whole_writes import write, write_together

__all__ = ["export"]


def export(
    model: ModelArgument,
    c: Annotated[
        Path | None,
        typer.Option("--c", metavar="FILE.c", help="The source file; FILE.h is written beside it."),
    ] = None,
    onnx: Annotated[
        Path | None,
        typer.Option(
            "--onnx",
            metavar="FILE.onnx",
            help="The network, from frames to rows, with its memories as inputs and outputs.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Prefix of the C names. Default: from the model's file name."
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(help="Compare the ONNX file with the model, where onnxruntime is installed."),
    ] = True,
) -> None:
    """Write a model as C source, or its network as an ONNX file.

    C source is for programs without files. In the ONNX file what the network remembers is inputs
    and outputs; features stay outside.
    """
    if (c is None) == (onnx is None):
        given = "neither --c nor --onnx is" if c is None else "--c and --onnx are both"
        raise CliError(f"{given} given; expected one of them", USAGE)
    named = NamedModel.load(model)
    if c is not None:
        _write_c(named, c, name)
    elif onnx is not None:
        if name is not None:
            raise CliError("--name is given with --onnx; expected it with --c", USAGE)
        _write_onnx(named, onnx, check)


def _write_c(named: NamedModel, c: Path, name: str | None) -> None:
    if c.suffix != ".c" or c.name == ".c":
        raise CliError(f"--c is {c}; expected a file name that ends in .c", USAGE)
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


def _write_onnx(named: NamedModel, onnx: Path, check: bool) -> None:
    if onnx.suffix != ".onnx" or onnx.name == ".onnx":
        raise CliError(f"--onnx is {onnx}; expected a file name that ends in .onnx", USAGE)
    model = named.model
    try:
        with TemporaryDirectory() as folder:
            made = Path(folder, "made.onnx")
            to_onnx(model, made)
            difference = _difference(model, made) if check else "not looked at (--no-check)"
            write(onnx, made.read_bytes())
    except OSError as error:
        raise CliError(f"cannot write {onnx}: {error.strerror or error}") from None
    except (ImportError, ValueError) as error:
        raise CliError(f"{named.path}: {error}") from None
    features = "frames" if model.features is None else f"{model.features.kind} frames"
    print(f"{onnx}: takes {features}, and its memories as inputs and outputs")
    fact("difference", difference)


def _difference(model: Model, onnx: Path) -> str:
    """What the comparison says."""
    try:
        found = difference_from_onnx(model, onnx)
    except ImportError:
        return "not looked at: onnxruntime is not installed"
    if not found <= TOLERANCE:
        raise ValueError(
            f"the file gives rows that differ by {found:.2g} from the model's; expected"
            f" {TOLERANCE:g} at most, so nothing was written"
        )
    return f"{found:.2g} from the model, at most, over random frames in cuts"
