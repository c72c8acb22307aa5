"""Passes over some sequences of a batch through all layers of a graph, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.bulk.bulk_layer import BulkLayer, PassSettings
from pylstm.bulk.packed_sequences import Packed
from pylstm.bulk.states import State
from pylstm.layers.graph import FEATURES, Node
from pylstm.layers.join import Join

__all__ = ["GraphTape", "NodeRows", "graph_backward", "graph_forward"]

Array = NDArray[np.float32]


class NodeRows(NamedTuple):
    """The rows of a layer, and what they stand for: frames first, first + period, ..."""

    rows: Array
    packed: Packed
    first: int = 0
    period: int = 1


@dataclass
class GraphTape:
    """What a forward pass keeps for the backward pass, a place for each layer."""

    kept: list[Any] = field(default_factory=list)
    """Of a join, what it joined, and how many first rows of each input it left out; of another
    layer, its tape."""


def graph_forward(
    nodes: Sequence[Node],
    runners: Sequence[BulkLayer | None],
    x: NodeRows,
    begins: Sequence[State | None],
    settings: PassSettings,
) -> tuple[NodeRows, list[State], GraphTape]:
    """Runs all layers.

    Parameters
    ----------
    nodes : sequence of Node
    runners : sequence of BulkLayer or None
        Each layer with its weights, None for a join.
    x : NodeRows
        What the features gave.
    begins : sequence of State or None
        Where each layer begins, sequences in the order of the rows.
    settings : PassSettings

    Returns
    -------
    y : NodeRows
        Of the last layer.
    ends : list of State
        Likewise, at the end.
    tape : GraphTape
    """
    found, tape = {FEATURES: x}, GraphTape()
    ends: list[State] = []
    last_use = {name: place for place, node in enumerate(nodes) for name in node.inputs}
    y = x
    for place, (node, runner, begin) in enumerate(zip(nodes, runners, begins, strict=True)):
        inputs = [found[name] for name in node.inputs]
        if runner is None:
            y, kept = _joined(node.layer, inputs)
            ends.append(())
        else:
            y, end, kept = _run(node.layer, runner, inputs[0], begin, settings)
            ends.append(end)
        tape.kept.append(kept if settings.keep else None)
        found[node.name] = y
        for name in set(node.inputs):
            if last_use[name] == place:
                del found[name]  # what backward does not need is free for the layers above
    return y, ends, tape


def graph_backward(
    nodes: Sequence[Node],
    runners: Sequence[BulkLayer | None],
    tape: GraphTape,
    dy: Array,
    d_ends: Sequence[State | None],
    gradients: Sequence[dict[str, Array]],
    d_x: bool,
) -> tuple[Array | None, list[State]]:
    """Runs back over a forward pass; a layer whose rows several take gets the sum of theirs.

    Parameters
    ----------
    nodes, runners
        As for `graph_forward`.
    tape : GraphTape
        Used up.
    dy : array, shape (rows, n_outputs)
    d_ends : sequence of State or None
    gradients : sequence of dict of str to ndarray
        Of the weights of each layer, under their names: added to.
    d_x : bool
        Whether the gradient with respect to the features is wanted.

    Returns
    -------
    dx : array, or None
    d_begins : list of State
    """
    found: dict[str, Array] = {nodes[-1].name: dy}
    begins: list[State] = [()] * len(nodes)
    for place in reversed(range(len(nodes))):
        node, runner, kept = nodes[place], runners[place], tape.kept.pop()
        d = found.pop(node.name)
        wanted = [d_x or name != FEATURES for name in node.inputs]
        parts: Sequence[Array | None]
        if runner is None:
            parts = _apart(node.layer, kept, d)
        else:
            dx, begins[place] = runner.backward(kept, d, d_ends[place], gradients[place], wanted[0])
            parts = [dx]
        for name, part, is_wanted in zip(node.inputs, parts, wanted, strict=True):
            if part is not None and is_wanted:
                # Not in place: what a join gives back may be one array for several inputs.
                found[name] = found[name] + part if name in found else part
    return found.get(FEATURES), begins


def _run(
    layer: Any, runner: BulkLayer, x: NodeRows, begin: State | None, settings: PassSettings
) -> tuple[NodeRows, State, Any]:
    rows, end, kept = runner.forward(x.rows, x.packed, begin, settings)
    times = layer.row_times(x.first, x.period)
    return NodeRows(rows, runner.out_packed(x.packed), *times), end, kept


def _joined(layer: Any, inputs: list[NodeRows]) -> tuple[NodeRows, tuple[list[Array], list[int]]]:
    """Rows that stand for the same frames, joined."""
    assert isinstance(layer, Join)
    latest = max(inputs, key=lambda given: given.first)
    skipped = [(latest.first - given.first) // latest.period for given in inputs]
    # First rows of all sequences come first, so rows that are left out are the first ones.
    before = [int(g.packed.sizes[:skip].sum()) for g, skip in zip(inputs, skipped, strict=True)]
    xs = [given.rows[n:] for given, n in zip(inputs, before, strict=True)]
    for x in xs:
        assert len(x) == latest.packed.rows
    return latest._replace(rows=layer.join(xs)), (xs, before)


def _apart(layer: Any, kept: tuple[list[Array], list[int]], dy: Array) -> list[Array]:
    """The gradient of each input, 0 in rows that were left out."""
    xs, before = kept
    parts = layer.join_backward(xs, dy)
    return [
        part if n == 0 else np.concatenate([np.zeros((n, part.shape[1]), np.float32), part])
        for part, n in zip(parts, before, strict=True)
    ]
