"""The command line: ``pylstm demo``, ``run``, ``train``, ``eval``, ``info``, ``export``, ``bench``.

Each command is a file here; what they share is in the room ``console``. soundfile, soxr, typer and
rich come with ``pylstm[cli]``, what ``train`` and ``eval`` need with ``pylstm[train]``, and
matplotlib for the figures of ``eval`` with ``pylstm[plot]``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

# Imported here, so that a missing one is reported before a command starts.
import soundfile  # noqa: F401
import soxr  # noqa: F401
import typer
from typer.core import TyperGroup

import pylstm
from pylstm.cli import bench, demo, eval, export, info, run, train
from pylstm.cli.console.errors import OK, exit_code

__all__ = ["app", "main"]


class _Commands(TyperGroup):
    """Commands whose errors are one line; typer prints a box or a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        def parse_and_invoke() -> Any:
            # Not standalone: typer then raises wrong usage instead of printing it.
            return super(_Commands, self).main(
                args,
                prog_name or "pylstm",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )

        code = exit_code(parse_and_invoke)
        if standalone_mode:
            sys.exit(code)
        return code

    def invoke(self, ctx: Any) -> int:
        # Inside typer's main, which handles a broken pipe differently.
        return exit_code(lambda: super(_Commands, self).invoke(ctx))


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
app.command()(train.train)
app.command("eval")(eval.eval_)
app.command()(info.info)
app.command()(export.export)
app.command()(bench.bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments after ``pylstm``; None: those of the process.

    Returns
    -------
    int
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A label that the terminal cannot encode must not end a command.
            stream.reconfigure(errors="backslashreplace")
    try:
        app(arguments, prog_name="pylstm")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    return OK
