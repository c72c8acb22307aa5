"""The command ``pylstm``, also ``python -m pylstm``; needs ``pylstm[cli]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pylstm.interrupted_imports import importing

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments after ``pylstm``; None: those of the process.

    Returns
    -------
    int
        The exit code: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
    """
    try:
        # Imported here, so that a missing extra leads to one line instead of a traceback.
        with importing():
            from pylstm.cli import main as cli
    except KeyboardInterrupt:  # in a thread, or with a signal handler that is not Python's
        return 130
    except ModuleNotFoundError as error:
        missing = (error.name or "pylstm").partition(".")[0]
        if missing == "pylstm":
            raise
        _print_error(f"the command line needs {missing}")
        return 1
    except OSError as error:  # soundfile without its C library
        _print_error(f"the command line cannot start: {error}")
        return 1
    return cli(arguments)


def _print_error(trouble: str) -> None:
    print(f'pylstm: {trouble}; pip install "pylstm[cli]"', file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
