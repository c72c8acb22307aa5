"""The command pylstm mic, what it writes, and the events that it must write."""

from __future__ import annotations

import json

from numpy.typing import NDArray
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app


def mic(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["mic", *map(str, arguments)])


def succeed(*arguments: object) -> Result:
    result = mic(*arguments)
    assert (result.exit_code, "Traceback" in result.output) == (0, False), result.output
    return result


def fail(code: int, *arguments: object) -> str:
    """The one line on stderr."""
    result = mic(*arguments)
    assert result.exit_code == code, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("pylstm: ")]
    assert len(errors) == 1
    assert "this is a bug" not in errors[0]
    return errors[0]


def summary(result: Result) -> dict:
    return json.loads(result.stdout.splitlines()[-1])


def expected(samples: NDArray, model: pylstm.Model, **settings: object) -> list[dict]:
    listener = model.listener(report="early", **settings)
    return [
        {
            "time": round(e.time, 6),
            "label": e.label,
            "score": round(e.score, 6),
            "onset": None if e.onset is None else round(e.onset, 6),
            "offset": None if e.offset is None else round(e.offset, 6),
            "kind": e.kind,
        }
        for e in listener.push(samples) + listener.flush()
    ]
