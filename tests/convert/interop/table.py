"""The table itself: each row measured in each framework, and the page that shows it."""

from __future__ import annotations

from pathlib import Path

from tests.convert.interop import (
    frame_rows,
    function_rows,
    join_rows,
    recurrent_rows,
    window_rows,
)
from tests.convert.interop.cell import SIZES, difference, has_cell
from tests.convert.interop.row import FRAMEWORKS, Row

__all__ = ["PAGE", "REFUSED", "ROWS", "shown_in_the_page", "written"]

PAGE = Path(__file__).parents[3] / "docs" / "interop.md"
BEGIN = "<!-- begin: python -m tests.convert.interop -->"
END = "<!-- end: python -m tests.convert.interop -->"
REFUSED = "refused"

ROWS: tuple[Row, ...] = (
    *recurrent_rows.ROWS,
    *frame_rows.ROWS,
    *function_rows.ROWS,
    *window_rows.ROWS,
    *join_rows.ROWS,
)


def cell(row: Row, framework: str) -> str:
    """The largest difference over all sizes; that it is refused; or nothing."""
    if not has_cell(row, framework):
        return ""
    try:
        largest = max(difference(row, framework, size) for size in SIZES)
    except ValueError:
        return REFUSED
    return f"{largest:.0e}" if largest else "0"


def written() -> str:
    """The table in Markdown."""
    lines = [["layer", "option", *FRAMEWORKS.values()]]
    lines.append(["---"] * len(lines[0]))
    lines += [[row.layer, row.option, *(cell(row, one) for one in FRAMEWORKS)] for row in ROWS]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown_in_the_page() -> list[dict[str, str]]:
    """What the page says: a dict of the cells by framework for each row."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    table, _, _ = rest.partition(END)
    lines = [line.split(" | ") for line in table.strip().splitlines()[2:]]
    return [
        dict(zip(FRAMEWORKS, (cell.strip(" |") for cell in line[2:]), strict=True))
        for line in lines
    ]


def rewrite() -> None:
    """Measures the table, and writes it into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    text = f"{before}{BEGIN}\n{written()}\n{END}{after}"
    PAGE.write_text(text, encoding="utf-8")
