"""The command line: ``pylstm demo``, ``run``, ``train``, ``eval``, ``info``, ``export``, ``bench``.

Each is a file here. What they need beyond the engine (soundfile, soxr, typer, rich) comes with
``pylstm[cli]``; what ``train`` needs (SciPy) with ``pylstm[train]``, and the figures of ``eval``
with ``pylstm[plot]``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import pylstm
from pylstm.cli import bench, demo, eval, export, info, run, train
from pylstm.cli.console.errors import OK, exit_code

__all__ = ["app", "main"]


class _Commands(TyperGroup):
    """Commands whose errors are one line; typer's own are a box or a traceback."""

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
            # Not standalone: typer hands over wrong usage instead of drawing it.
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
        # Inside typer's main, which would end a broken pipe in its own way.
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
        What stands behind ``pylstm``; None: what the process was started with.

    Returns
    -------
    int
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A label outside of the terminal's alphabet is no reason to stop listening.
            stream.reconfigure(errors="backslashreplace")
    try:
        app(arguments, prog_name="pylstm")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    return OK
