"""Errors of the command line: one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from pylstm.audio import AudioError
from pylstm.cli.console.output import one_line

__all__ = ["FAILED", "INTERRUPTED", "OK", "USAGE", "CliError", "exit_code", "print_error"]

OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report a process that Ctrl-C ended
BROKEN_PIPE = 141  # 128 + SIGPIPE


class CliError(Exception):
    """A command cannot do its work; the message is the line that the user reads.

    Parameters
    ----------
    message : str
        Names what was given and what was expected.
    code : int
        The exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def exit_code(action: Callable[[], Any]) -> int:
    """Runs an action, prints its error if it has one, and returns the exit code.

    Parameters
    ----------
    action : callable
        Its result is the exit code if it is an int.

    Returns
    -------
    int
        At most one line was printed on stderr.
    """
    try:
        result = action()
        if sys.stdout is not None:
            sys.stdout.flush()  # else a full disk would only show when Python exits
        return result if isinstance(result, int) else OK
    except typer.Exit:
        raise  # how typer ends --help and --version, not an error
    except CliError as error:
        return print_error(str(error), error.code)
    except AudioError as error:
        return print_error(str(error), FAILED)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # such as head, which has read enough
        _discard_stdout()
        return BROKEN_PIPE
    except MemoryError:
        return print_error("out of memory", FAILED)
    except OSError as error:
        _discard_stdout()
        return print_error(f"{error.filename or 'output'}: {error.strerror or error}", FAILED)
    except Exception as error:
        # Wrong usage is an exception of Click, which some versions of typer vendor under another
        # name: it is recognised by its attributes.
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            return _usage_error(error)
        if os.environ.get("PYLSTM_TRACEBACK"):
            raise
        kind = type(error).__name__
        return print_error(
            f"this is a bug: {kind}: {error} (PYLSTM_TRACEBACK=1 shows where; please report it)",
            FAILED,
        )


def _usage_error(error: Any) -> int:
    """Prints wrong usage on one line, or the help if there was no command."""
    message = " ".join(error.format_message().split())
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr, end="")
        return USAGE
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "pylstm"
    return print_error(f"{message.rstrip('.')} ({command} --help)", error.exit_code)


def print_error(message: str, code: int = FAILED) -> int:
    """Prints an error and returns its exit code."""
    print(f"pylstm: {one_line(message)}", file=sys.stderr)
    return code


def _discard_stdout() -> None:
    """Lets Python exit without a second error about output that cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (AttributeError, ValueError):  # there is no stdout, or it is closed
        pass
