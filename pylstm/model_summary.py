"""The graph of a model as a table: what each layer takes and gives, and when."""

from __future__ import annotations

from collections.abc import Sequence

from pylstm import _engine
from pylstm.arguments import number_of
from pylstm.features import Features
from pylstm.layers.graph import FEATURES, Node
from pylstm.layers.weights import n_parameters

__all__ = ["graph_as_text"]

HEADINGS = ("name", "kind", "from", "row", "every", "begins", "ahead", "parameters", "remembers")


def graph_as_text(features: Features | None, nodes: Sequence[Node], core: _engine.Core) -> str:
    """The table, and under it what a stream remembers: see `Model.summary`."""
    kept, borrowed = (number_of(n, "byte") for n in (core.state_bytes, core.working_bytes))
    memory = (
        f"A stream holds {kept}, all that it remembers; a call that runs one borrows {borrowed}."
    )
    return "\n".join([*_lines(features, nodes, core), memory])


def _lines(features: Features | None, nodes: Sequence[Node], core: _engine.Core) -> list[str]:
    """The table, line by line."""
    rows = [HEADINGS, *_rows(features, nodes, core)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEADINGS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _rows(
    features: Features | None, nodes: Sequence[Node], core: _engine.Core
) -> list[tuple[str, ...]]:
    """A row of the table for the features and each layer; a stream remembers floats."""
    width = str(core.n_features)
    kind = "frames from outside" if features is None else features.kind
    found: list[tuple[str, ...]] = [(FEATURES, kind, "", width, "1 frame", "", "", "", "")]
    for node, facts in zip(nodes, core.nodes, strict=True):
        shape = f"{facts.positions} x {facts.channels}"
        parameters, precision = n_parameters(node.layer.shapes), node.layer.precision
        size = f"{parameters:,}" if parameters else ""
        found.append(
            (
                facts.name,
                facts.kind,
                ", ".join(node.inputs),
                shape if facts.positions > 1 else str(facts.channels),
                number_of(facts.period, "frame"),
                f"frame {facts.first}" if facts.first else "",
                number_of(facts.look, "frame") if facts.look else "",
                size if precision == "float32" else f"{size} {precision}",
                f"{facts.state_size:,}" if facts.state_size else "",
            )
        )
    return found
