"""The command line: ``pylstm demo``, ``run``, ``segments``, ``mic``, ``train``, ``eval`` and more.

Each command is a file here; what they share is in the room ``console``. soundfile, soxr, typer,
rich and sounddevice come with ``pylstm[cli]``, what ``train`` and ``eval`` need with
``pylstm[train]``, and matplotlib for the figures of ``eval`` with ``pylstm[plot]``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

# Imported here, so that a missing one is reported before a command starts.
import soundfile  # noqa: F401
import soxr  # noqa: F401
import typer
from typer.core import TyperGroup

import pylstm
from pylstm.audio.decoder_messages import hide_decoder_messages
from pylstm.cli import (
    bench,
    convert,
    demo,
    eval,
    export,
    info,
    mic,
    quantize,
    run,
    segments,
    train,
    tune,
)
from pylstm.cli.console.errors import OK, exit_code
from pylstm.cli.console.output import warnings_as_notes

__all__ = ["app", "main"]


class _Commands(TyperGroup):
    """Commands whose errors are one line; typer prints a box or a traceback."""

    def main(self, *args: Any, standalone_mode: bool = True, **options: Any) -> Any:
        options["standalone_mode"] = False  # typer then raises wrong usage instead of printing it
        code = exit_code(partial(super().main, *args, **options))
        if standalone_mode:
            sys.exit(code)
        return code

    def invoke(self, ctx: Any) -> int:
        # Inside typer's main, which handles a broken pipe differently.
        with warnings_as_notes():
            return exit_code(partial(super().invoke, ctx))


app = typer.Typer(
    name="pylstm",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"pylstm {pylstm.__version__}")
        raise typer.Exit()


@app.callback()
def _pylstm(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Recurrent speech models in real time."""


app.command()(demo.demo)
app.command()(run.run)
app.command()(segments.segments)
app.command()(mic.mic)
app.command()(train.train)
app.command("eval")(eval.eval_)
app.command()(tune.tune)
app.command()(quantize.quantize)
app.command()(info.info)
app.command()(convert.convert)
app.command()(export.export)
app.command()(bench.bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; see `pylstm.__main__.main`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A label that the terminal cannot encode must not end a command.
            stream.reconfigure(errors="backslashreplace")
    hide_decoder_messages()
    try:
        app(arguments, prog_name="pylstm")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    return OK
