"""Whether the rows of a graph are probabilities, as far as its layers say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.layers.column_range import ColumnRange
from pylstm.layers.graph import FEATURES, Node, shown_node

__all__ = ["OutputRanges"]


class OutputRanges(NamedTuple):
    """Which columns of a model's rows stay from 0 to 1, and who is to blame for the others."""

    is_unit: NDArray[np.bool_]
    problem: str
    """What a user can do; empty where all columns stay there."""

    @classmethod
    def of(cls, nodes: Sequence[Node], n_features: int) -> OutputRanges:
        """Those of a graph, whose features may have any values."""
        ranges = {FEATURES: ColumnRange.of(n_features)}
        for node in nodes:
            ranges[node.name] = node.layer.column_range([ranges[name] for name in node.inputs])
        last = nodes[-1].name if nodes else FEATURES
        is_unit = ranges[last].is_unit
        return cls(is_unit, "" if is_unit.all() else _problem(nodes, ranges))

    def trouble(self, columns: Iterable[int]) -> str:
        """The problem, if one of these columns has it; else nothing."""
        return self.problem if self.problem and not self.is_unit[list(columns)].all() else ""


def _problem(nodes: Sequence[Node], ranges: dict[str, ColumnRange]) -> str:
    """What is wrong with the rows, and where an activation would mend it."""
    places = {node.name: place for place, node in enumerate(nodes)}
    name, looked = nodes[-1].name if nodes else FEATURES, True
    while looked and name != FEATURES:
        node = nodes[places[name]]
        # A layer that gives probabilities where it gets some is not the one.
        best = [ColumnRange.of(ranges[one].width, 0.0, 1.0) for one in node.inputs]
        looked = bool(node.layer.column_range(best).is_unit.all())
        if looked:
            name = next(one for one in node.inputs if not ranges[one].is_unit.all())
    who = "the features" if name == FEATURES else shown_node(nodes, places[name])
    n = ranges[name].width
    softmax = f"pylstm.Activation({n}, 'softmax') or " if n > 1 else ""
    return (
        f"the rows of {who} can leave 0 to 1; expected probabilities, which thresholds and scores"
        f" are about: put {softmax}pylstm.Activation({n}, 'sigmoid') behind, or"
        f" pylstm.Activation({n}, 'clipped_relu', high=1) where they are probabilities already"
    )
