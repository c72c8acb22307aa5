"""Errors of the command line: one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import typer

__all__ = ["FAILED", "INTERRUPTED", "OK", "USAGE", "CliError", "exit_code", "one_line"]

OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, what a shell says of a process that Ctrl-C ended
BROKEN_PIPE = 141  # 128 + SIGPIPE


class CliError(Exception):
    """What was asked for cannot be done; the message is the line that the user reads.

    Parameters
    ----------
    message : str
        Names what came and what was expected.
    code : int
        The exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def one_line(text: str) -> str:
    """Text that stays on its line, whatever a file or a label put into it.

    Labels and names of files may hold line breaks and the control sequences of terminals.
    """
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text
    )


def exit_code(action: Callable[[], Any]) -> int:
    """Does something and says with which code the process should end.

    Parameters
    ----------
    action : callable
        Its result counts as a code if it is an int.

    Returns
    -------
    int
        After at most one line on stderr.
    """
    try:
        result = action()
        if sys.stdout is not None:
            sys.stdout.flush()  # or a full disk would be noticed only when Python shuts down
        return result if isinstance(result, int) else OK
    except typer.Exit:
        raise  # not an error: how typer ends --help and --version
    except CliError as error:
        return _said(str(error), error.code)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # head has read enough
        _forget_stdout()
        return BROKEN_PIPE
    except MemoryError:
        return _said("out of memory", FAILED)
    except OSError as error:
        _forget_stdout()
        return _said(f"{error.filename or 'output'}: {error.strerror or error}", FAILED)
    except Exception as error:
        # Wrong usage is an exception of Click, which some versions of typer bring along under
        # another name: what it can do tells it from all others.
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            return _refused(error)
        if os.environ.get("PYLSTM_TRACEBACK"):
            raise
        kind = type(error).__name__
        return _said(
            f"this is a bug: {kind}: {error} (PYLSTM_TRACEBACK=1 shows where; please report it)",
            FAILED,
        )


def _refused(error: Any) -> int:
    """Wrong usage, on one line; the help when nothing was asked for."""
    message = " ".join(error.format_message().split())
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr, end="")
        return USAGE
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "pylstm"
    return _said(f"{message.rstrip('.')} ({command} --help)", error.exit_code)


def _said(message: str, code: int) -> int:
    print(f"pylstm: {one_line(message)}", file=sys.stderr)
    return code


def _forget_stdout() -> None:
    """Lets Python shut down without a second complaint about what could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (AttributeError, ValueError):  # there is no stdout, or it is closed
        pass
