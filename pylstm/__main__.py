"""The command ``pylstm``, also ``python -m pylstm``; what it needs comes with ``pylstm[cli]``."""

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
        What stands behind ``pylstm``; None: what the process was started with.

    Returns
    -------
    int
        The exit code: 0 done, 1 it could not be done, 2 wrong usage, 130 interrupted.
    """
    try:
        # Imported here, so that without the extra there is one line and no traceback.
        with importing():
            from pylstm.cli import main as cli
    except KeyboardInterrupt:  # in a thread, or under a handler of somebody else's
        return 130
    except ModuleNotFoundError as error:
        missing = (error.name or "pylstm").partition(".")[0]
        if missing == "pylstm":
            raise
        _explain(f"the command line needs {missing}")
        return 1
    except OSError as error:  # soundfile is there, the C library that it wraps is not
        _explain(f"the command line cannot start: {error}")
        return 1
    return cli(arguments)


def _explain(trouble: str) -> None:
    print(f'pylstm: {trouble}; pip install "pylstm[cli]"', file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
