"""The results of why_lstm.py as JSON, as tables in why-lstm.md, as plots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

try:
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError(
        'plots need matplotlib, which is not installed: pip install "pylstm[plot]"'
    ) from error

__all__ = ["tables", "write"]

# Okabe and Ito's colours, which most eyes tell apart.
COLOURS = {"LSTM": "#0072B2", "GRU": "#009E73", "RNN": "#D55E00"}
BEGIN, END = "<!-- tables: written by examples/why_lstm.py -->", "<!-- end of tables -->"


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    """Writes why-lstm.json and the plots into a folder, and the tables into why-lstm.md if it is
    there; returns the paths of all.

    Raises
    ------
    ValueError
        The page lacks the lines between which the tables stand.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "why-lstm.json", folder / "why-lstm.md"
    text = page.read_text(encoding="utf-8") if page.exists() else None
    if text is not None and (text.count(BEGIN) != 1 or text.count(END) != 1):
        raise ValueError(f"{page}; expected the lines {BEGIN!r} and {END!r} once each")
    data.write_text(_json(results), encoding="utf-8")
    written = [data, *plots(results, folder)]
    if text is not None:
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        page.write_text(f"{before}{BEGIN}\n\n{tables(results)}\n{END}{after}", encoding="utf-8")
        written.append(page)
    return written


def _json(results: dict[str, Any]) -> str:
    """A line a run: diffs that a person can read."""
    parts = []
    for key, value in results.items():
        if isinstance(value, list):
            rows = ",\n  ".join(json.dumps(row) for row in value)
            parts.append(f" {json.dumps(key)}: [\n  {rows}\n ]")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


# --- tables ---------------------------------------------------------------------------------------


def _rate(value: float, of: dict[str, Any]) -> str:
    """An error as the task counts it."""
    return f"{value:.4f}" if of["error"] == "mean squared error" else f"{100 * value:.1f} %"


def _grouped(runs: list[dict[str, Any]]) -> dict[tuple[str, str, float], list[dict[str, Any]]]:
    groups: dict[tuple[str, str, float], list[dict[str, Any]]] = {}
    for found in runs:
        groups.setdefault((found["cell"], found["start"], found["lr"]), []).append(found)
    return groups


def _row(found: list[dict[str, Any]], task: dict[str, Any]) -> str:
    """Seeds of one contender on one task."""
    first, solved = found[0], sum(run["solved"] for run in found)
    errors = ", ".join(_rate(run["error"], task) for run in found)
    steps = ", ".join(f"{run['steps']:,}" for run in found)
    return (
        f"| {first['cell']} {first['hidden_size']}, {first['start']} | {first['lr']:g} "
        f"| {solved} of {len(found)} | {errors} | {steps} "
        f"| {np.mean([run['seconds'] for run in found]):.0f} s |"
    )


def tables(results: dict[str, Any]) -> str:
    """All numbers as Markdown."""
    head = (
        "| cell, how it begins | learning rate | solved | {} | steps | time |\n"
        "|---|---:|---:|---:|---:|---:|"
    )
    parts = []
    for task in results["tasks"]:
        runs = [run for run in results["runs"] if run["task"] == task["name"]]
        parts += [f"**{task['name'][0].upper()}{task['name'][1:]}**", ""]
        parts.append(
            head.format(f"{task['error']} (ignoring the past: {_rate(task['chance'], task)})")
        )
        parts += [_row(found, task) for found in _grouped(runs).values()] + [""]
    (task,) = (t for t in results["tasks"] if t["name"] == results["studied"])
    parts += [f"**What is it that helps?** Other beginnings, {task['name']}, one seed", ""]
    parts.append(head.format(task["error"]))
    parts += [_row(found, task) for found in _grouped(results["variants"]).values()] + [""]
    parts.append(
        f"The whole run took {results['cpu_seconds'] / 60:.1f} minutes of processor time"
        f" (pylstm {results['pylstm']}, NumPy {results['numpy']})."
    )
    return "\n".join(parts) + "\n"


# --- plots ----------------------------------------------------------------------------------------


def plots(results: dict[str, Any], folder: Path) -> list[Path]:
    """Loss against steps, gradients against frames, and the inside of the trained LSTM."""
    written = []
    for name, draw in (("loss", _loss), ("gradient", _gradient), ("gates", _gates)):
        chart = draw(results)
        written.append(folder / f"why-lstm-{name}.png")
        # No version or date inside: the same figures give the same file.
        chart.savefig(written[-1], dpi=110, metadata={"Software": None})
    return written


def _label(found: dict[str, Any]) -> str:
    return f"{found['cell']}, lr {found['lr']:g}"


def _loss(results: dict[str, Any]) -> Figure:
    tasks = results["tasks"]
    columns = min(3, len(tasks))
    rows = -(-len(tasks) // columns)
    chart = Figure(figsize=(3.9 * columns, 3.3 * rows), layout="constrained")
    grid = chart.subplots(rows, columns, squeeze=False).reshape(-1)
    lines: dict[str, Any] = {}
    for axes, task in zip(grid, tasks, strict=False):
        for found in results["runs"]:
            if found["task"] != task["name"]:
                continue
            step, loss, _ = zip(*found["curve"], strict=True)
            slow = found["cell"] == "RNN" and found["lr"] < 0.01
            (drawn,) = axes.plot(
                step, loss, color=COLOURS[found["cell"]], linewidth=1.2, alpha=0.8,
                linestyle=":" if slow else "-",
            )  # fmt: skip
            if found["solved"]:
                axes.plot(step[-1], loss[-1], "o", color=COLOURS[found["cell"]], markersize=4)
            lines.setdefault(_label(found), drawn)
        if task["error"] == "mean squared error":
            lines["ignoring the past"] = axes.axhline(
                task["chance"], color="grey", linewidth=1, linestyle="--"
            )
        axes.set(title=task["name"], xlabel="step", xlim=(0, results["plan"]["steps"]))
        if "Reber" not in task["name"]:  # cross entropy ends at that of the grammar, not near 0
            axes.set_yscale("log")
        axes.set_ylabel("squared error" if "squared" in task["error"] else "cross entropy (nats)")
        axes.grid(alpha=0.25)
    for axes in grid[len(tasks) :]:
        axes.axis("off")
    grid[-1].legend(
        lines.values(), lines.keys(), loc="center" if len(tasks) < len(grid) else "best"
    )
    return chart


def _gradient(results: dict[str, Any]) -> Figure:
    chart = Figure(figsize=(11.5, 5.2), layout="constrained")
    grid = chart.subplots(1, 2, sharey=True)
    for axes, when in zip(grid, ("before", "after"), strict=True):
        for found in results["reach"][when]:
            drawn = found["start"] == "PyTorch's draw"
            colour, note = COLOURS[found["cell"]], f" ({found['start']})"
            style = ":" if drawn else "-"
            main = "c" if "c" in found else "h"
            axes.plot(
                found["frame"], _floored(found[main]), style, color=colour, linewidth=1.8,
                label=f"{found['cell']}: {main}{note}",
            )  # fmt: skip
            if "c" in found and not drawn:
                axes.plot(
                    found["frame"], _floored(found["carried"]), "--", color="black", linewidth=1.1,
                    label="LSTM: through the product of f alone",
                )  # fmt: skip
                axes.plot(
                    found["frame"], _floored(found["h"]), "-", color="#56B4E9", linewidth=1.2,
                    label="LSTM: h",
                )  # fmt: skip
        axes.set(title=f"{when} training", xlabel=f"frame t ({results['studied']})")
        axes.grid(alpha=0.25)
    grid[0].set(yscale="log", ylim=(1e-12, 1e1), ylabel="norm of the gradient at t / at the end")
    chart.legend(
        *grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8
    )
    return chart


def _floored(values: list[float]) -> Any:
    """float32 knows nothing below 1e-45: 0 is drawn below the plot, not left out."""
    return np.maximum(values, 1e-50)


def _gates(results: dict[str, Any]) -> Figure:
    gates = results["gates"]
    memory = np.array(gates["memory"])
    chart = Figure(figsize=(9, 7.5), layout="constrained")
    rows = chart.subplots(3, 1, sharex=True)
    top, middle, bottom = rows
    image = top.imshow(
        memory, aspect="auto", norm=LogNorm(1, 10_000), cmap="cividis", interpolation="nearest",
        extent=(0, memory.shape[1] * gates["span"], len(memory), 0),
    )  # fmt: skip
    chart.colorbar(image, ax=top, label="1 / (1 - f), frames")
    top.set(ylabel="unit", title="how long each unit keeps what it has")
    for axes, name in ((middle, "written"), (bottom, "c")):
        axes.plot(np.array(gates[name]).T, linewidth=1.2)
        axes.grid(alpha=0.25)
    middle.set(ylabel="i g", title="what the marks make four units add to their memory")
    bottom.set(xlabel="frame", ylabel="c", title="what the marks change in their memory")
    for axes, colour in zip(rows, ("white", "grey", "grey"), strict=True):
        for frame, value in gates["marks"]:
            axes.axvline(frame, color=colour, linewidth=0.8, linestyle="--")
            text = "" if axes is bottom else f" marked: {value:.2f}"
            axes.annotate(
                text, (frame, 0.98), xycoords=("data", "axes fraction"),
                va="top", fontsize=8, color="white" if colour == "white" else "black",
            )  # fmt: skip
    chart.suptitle(
        f"{results['studied']}: output {gates['output']:.3f} after the last frame,"
        f" the sum is {gates['target']:.3f}",
        fontsize=10,
    )
    return chart
