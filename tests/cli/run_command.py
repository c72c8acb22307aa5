"""The command pylstm run on the tones of tone_model.py, and what must come of it."""

from __future__ import annotations

import re
import sys

from typer.testing import CliRunner, Result

from pylstm.cli import app

COMMAND = [sys.executable, "-W", "error", "-m", "pylstm", "run"]
HEARD = r"  0\.5\d s  low   0\.\d\d\n  1\.2\d s  high  0\.\d\d\n"


def run(model: object, *arguments: object, stdin: bytes | None = None) -> Result:
    command = ["run", "--model", model, *arguments]
    result = CliRunner().invoke(app, [str(part) for part in command], input=stdin)
    assert "Traceback" not in result.output
    return result


def hears(result: Result, pattern: str = HEARD) -> Result:
    assert result.exit_code == 0, result.output
    assert re.match(pattern, result.stdout), result.stdout
    return result


def refused(result: Result, code: int, message: str) -> None:
    *notes, line = result.stderr.splitlines()
    assert re.fullmatch(f"pylstm: {message}", line), line
    assert result.exit_code == code
    assert all(text.startswith("note: ") for text in notes)
