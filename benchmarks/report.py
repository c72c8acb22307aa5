"""Results become JSON, text, tables in docs/performance.md, and plots where matplotlib is there."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from benchmarks.result import Result

BEGIN = "<!-- begin: python -m benchmarks -->"
END = "<!-- end: python -m benchmarks -->"
FORMAT = 1
FEW = 20
"""Points of a curve that are shown one by one."""

INTRODUCTION = f"""# Performance

These are the figures of one run of one command. Contenders work on one thread and take turns in
rounds of a few milliseconds. Compare only figures of one table: from machine to machine, and from
run to run, every figure moves, and the ratios move least. Before contenders are timed, their
outputs are compared, because a benchmark of wrong results is worth nothing.

    pip install -e ".[bench]"               # in a clone
    python -m benchmarks                    # everything: a quarter of an hour
    python -m benchmarks --quick            # a few minutes
    python -m benchmarks lstm_step          # one question

{BEGIN}
{END}
"""


def document(
    machine: dict[str, str], load: list[str], command: str, results: dict[str, Result]
) -> dict[str, Any]:
    """Everything that a run found, ready for JSON."""
    return {
        "format": FORMAT,
        "command": command,
        "machine": machine,
        "load": load,
        "questions": {name: dataclasses.asdict(result) for name, result in results.items()},
    }


def save(run: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load(path: Path) -> dict[str, Any]:
    """A run that `save` wrote."""
    run = json.loads(path.read_text(encoding="utf-8"))
    if run.get("format") != FORMAT:
        raise ValueError(f"{path} is of format {run.get('format')}; expected {FORMAT}")
    return run


# --- text -----------------------------------------------------------------------------------------


def figure(value: float) -> str:
    """Three significant digits, and never an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2 if abs(value) < 10 else 1
    while abs(value) < 10 ** -(digits - 2) and digits < 5:
        digits += 1
    return f"{value:.{digits}f}"


def shown(cell: dict[str, float] | None) -> str:
    """A figure, and how many times the reference it is."""
    if cell is None:
        return ""
    return figure(cell["value"]) + (f" ({figure(cell['ratio'])}×)" if "ratio" in cell else "")


def aligned(rows: list[list[str]], *, words: bool = False) -> str:
    """A markdown table that can be read as it stands; figures to the right, words to the left."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]

    def line(row: list[str]) -> str:
        cells = [row[0].ljust(widths[0])]
        for cell, width in zip(row[1:], widths[1:], strict=True):
            cells.append(cell.ljust(width) if words else cell.rjust(width))
        return "| " + " | ".join(cells) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + "-:"[not words] for width in widths[1:])]
    return "\n".join([line(rows[0]), line(rule), *map(line, rows[1:])])


def table(content: dict[str, Any]) -> str:
    """One table with its title."""
    columns: list[str] = []
    for cells in content["rows"].values():
        columns += [name for name in cells if name not in columns]
    rows = [[content["corner"], *columns]]
    for label, cells in content["rows"].items():
        rows.append([label, *(shown(cells.get(column)) for column in columns)])
    unit = f", {content['unit']}" if content["unit"] else ""
    return f"**{content['title']}{unit}**\n\n{aligned(rows)}"


def question(content: dict[str, Any]) -> str:
    """The tables and notes of one question, without its heading."""
    parts = [table(one) for one in content["tables"] if one["rows"]]
    if content["notes"]:
        parts.append("\n".join(f"* {note}" for note in content["notes"]))
    return "\n\n".join(parts)


def markdown(run: dict[str, Any], plots: dict[str, list[str]]) -> str:
    """What stands between the markers."""
    facts = [["", "machine"], *([name, value] for name, value in run["machine"].items())]
    parts = [
        f"Measured by `{run['command']}`. Processes that wanted to run (load) at the start and at "
        f"the end: {' and '.join(run['load'])}, on {run['machine']['cores']} cores. Above 1 the "
        "machine was shared, and maxima and high percentiles are the machine's more than "
        "anybody's.",
        "A time is the fastest round's unless a column says otherwise; in brackets, how many times "
        "the reference it is. Medians are in the JSON.",
        aligned(facts, words=True),
    ]
    for name, content in run["questions"].items():
        parts += [f"## {content['question']}", f"`python -m benchmarks {name}`", question(content)]
        parts += [f"![{content['question']}]({file})" for file in plots.get(name, [])]
    return "\n\n".join(parts)


def write(run: dict[str, Any], docs: Path) -> None:
    """Puts the tables between the markers of performance.md and the plots beside it; what stands
    around the markers is somebody's prose and stays."""
    path = docs / "performance.md"
    text = path.read_text(encoding="utf-8") if path.exists() else INTRODUCTION
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{path.name} lacks its markers; expected one {BEGIN} and one {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    body = markdown(run, draw(run, docs))
    docs.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")


# --- plots ----------------------------------------------------------------------------------------


def draw(run: dict[str, Any], docs: Path) -> dict[str, list[str]]:
    """Question -> the files drawn for it; nothing without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return {}
    matplotlib.use("Agg")
    from matplotlib import pyplot

    docs.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[str]] = {}
    for name, content in run["questions"].items():
        for curves in content["curves"]:
            chart, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
            for label, (x, y) in curves["lines"].items():
                axes.plot(x, y, label=label, marker="o" if len(x) < FEW else None, linewidth=1.5)
            axes.set(
                xscale="log",
                yscale="log",
                xlabel=curves["x"],
                ylabel=curves["y"],
                title=curves["title"],
            )
            axes.grid(True, which="major", alpha=0.3)
            if all(len(x) < FEW for x, _ in curves["lines"].values()):
                marks = sorted({mark for x, _ in curves["lines"].values() for mark in x})
                axes.set_xticks(marks, [figure(mark) for mark in marks], minor=False)
                axes.set_xticks([], minor=True)
            chart.legend(loc="outside lower center", ncols=2, fontsize="small")
            # No version or date inside: the same figures give the same file.
            chart.savefig(docs / curves["file"], dpi=110, metadata={"Software": None})
            pyplot.close(chart)
            files.setdefault(name, []).append(curves["file"])
    return files
