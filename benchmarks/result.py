"""What a question gives back: tables, notes, curves for plots; all of it plain enough for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.contest import Timing

Cell = dict[str, float]
"""``value``: the figure shown. Where a contest timed it: the fastest round's, and ``median`` beside
it. Where there is something to compare with: ``ratio`` to it and ``ratio_median``."""


@dataclass
class Table:
    """Rows by columns. `reference` names the column that ratios refer to (or the row, `by_row`)."""

    title: str
    corner: str
    unit: str
    reference: str = ""
    by_row: bool = False
    rows: dict[str, dict[str, Cell]] = field(default_factory=dict)

    def add(self, row: str, values: Mapping[str, Timing], scale: float = 1e6) -> None:
        """One row of a contest: per call, in units of 1 / scale seconds."""
        against = values.get(self.reference)
        cells: dict[str, Cell] = {}
        for name, timing in values.items():
            cells[name] = cell = {
                "value": timing.fastest * scale,
                "median": timing.median * scale,
            }
            if against is not None and name != self.reference:
                cell["ratio"] = timing.fastest / against.fastest
                cell["ratio_median"] = timing.median / against.median
        self.rows[row] = cells

    def put(self, row: str, column: str, value: float, **more: float) -> None:
        """One figure that is no timing of a contest."""
        self.rows.setdefault(row, {})[column] = {"value": value, **more}


@dataclass
class Curves:
    """Lines of a plot: name -> x and y."""

    file: str
    title: str
    x: str
    y: str
    lines: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)


@dataclass
class Result:
    """The answer to one question."""

    question: str
    tables: list[Table]
    notes: list[str] = field(default_factory=list)
    curves: list[Curves] = field(default_factory=list)
