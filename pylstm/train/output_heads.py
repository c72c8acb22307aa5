"""The heads of a graph: the layers whose rows are its outputs, with or without their activation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pylstm.layers import Activation
from pylstm.layers.graph import FEATURES, Node
from pylstm.layers.join import Join
from pylstm.layers.layer import Layer
from pylstm.layers.output_values import ANY_VALUE, ValueRange

__all__ = ["RunNode", "columns_of", "ends_of", "nodes_with_logits", "value_ranges"]


class RunNode(NamedTuple):
    """A layer as it is run, and its place among the layers; None: it is none of them."""

    node: Node
    place: int | None


def columns_of(
    nodes: Sequence[Node], widths: Mapping[str, int | None]
) -> dict[str, slice[int, int, None]]:
    """The columns of a row of outputs by the names of the nodes that give them: its heads.

    Where the last node sets the rows of several side by side, these; otherwise itself.
    """
    columns, start = {}, 0
    for name in _parts(nodes[-1]) or (nodes[-1].name,):
        width = widths[name]
        assert width is not None  # the first layer says how wide the features are
        columns[name] = slice(start, start + width)
        start += width
    return columns


def ends_of(nodes: Sequence[Node], head: str) -> list[str]:
    """The nodes whose rows a head consists of: itself, or what it sets side by side.

    Parameters
    ----------
    nodes : sequence of Node
    head : str
        One of the names in `columns_of`.
    """
    by_name = {node.name: node for node in nodes}

    def found(name: str) -> list[str]:
        node = by_name.get(name)
        # Rows that another layer takes, too, have to stay as they are.
        if node is None or len(takers(nodes, name)) > 1 or not _parts(node):
            return [name]
        return [end for part in _parts(node) for end in found(part)]

    return list(dict.fromkeys(found(head)))


def takers(nodes: Sequence[Node], name: str) -> list[str]:
    """The names of the nodes that take the rows of one."""
    return [node.name for node in nodes if name in node.inputs]


def nodes_with_logits(
    nodes: Sequence[Node], widths: Mapping[str, int | None], heads: Collection[str]
) -> list[RunNode]:
    """The nodes as they run where some heads give logits: values before softmax or sigmoid.

    Where other layers take the rows of such a head, a node behind it has its activation for them.

    Raises
    ------
    ValueError
        A layer is part of two heads, of which one gives logits and the other does not.
    """
    logits = {end for head in heads for end in ends_of(nodes, head)}
    for head in columns_of(nodes, widths).keys() - set(heads):
        for end in ends_of(nodes, head):
            layer = _layer(nodes, end)
            if end in logits and layer is not None and layer.giving_logits() is not layer:
                raise ValueError(
                    f"layer {end!r} is part of {head!r} and of another head; expected logits of"
                    " both, or of neither"
                )
    run: list[RunNode] = []
    activated: dict[str, str] = {}
    joins = _output_joins(nodes)
    for place, node in enumerate(nodes):
        inputs = node.inputs
        if node.name not in joins:
            inputs = tuple(activated.get(name, name) for name in inputs)
        layer = node.layer.giving_logits() if node.name in logits else node.layer
        run.append(RunNode(Node(node.name, layer, inputs), place))
        if layer is not node.layer and set(takers(nodes, node.name)) - joins:
            # A name that no layer can have.
            activated[node.name] = f"{node.name} activated"
            behind = _activation(node.layer, widths[node.name])
            run.append(RunNode(Node(activated[node.name], behind, (node.name,)), None))
    return run


def value_ranges(nodes: Sequence[Node]) -> dict[str, ValueRange]:
    """Between which values the rows of each node lie, whatever the weights are."""
    ranges = {FEATURES: ANY_VALUE}
    for node in nodes:
        ranges[node.name] = node.layer.value_range([ranges[name] for name in node.inputs])
    return ranges


def _layer(nodes: Sequence[Node], name: str) -> Layer | None:
    """A layer by its name; None: the features."""
    return next((node.layer for node in nodes if node.name == name), None)


def _parts(node: Node) -> tuple[str, ...]:
    """The nodes whose rows one sets side by side; none where it does something else."""
    if isinstance(node.layer, Join) and node.layer.sets_rows_side_by_side:
        return node.inputs
    return ()


def _output_joins(nodes: Sequence[Node]) -> set[str]:
    """The nodes that do nothing but set rows of outputs side by side."""
    joins: set[str] = set()
    for node in reversed(nodes):
        behind = takers(nodes, node.name)
        if _parts(node) and (node is nodes[-1] or (len(behind) == 1 and behind[0] in joins)):
            joins.add(node.name)
    return joins


def _activation(layer: Layer, width: int | None) -> Any:
    """The activation of a layer as one of its own."""
    assert width is not None
    return Activation(width, layer.last_function)  # type: ignore[arg-type]
