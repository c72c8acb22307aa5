"""The table of ONNX operators that act on the rows of a stream: an entry each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import listing, shown
from pylstm.convert.onnx.constants import attributes_of, evaluate
from pylstm.convert.onnx.layers import LayerGraph, TooFewRowsError
from pylstm.convert.onnx.operand_types import check_types
from pylstm.convert.onnx.refusals import OtherAxisError, refuse, shown_operator
from pylstm.convert.onnx.rows import Ids

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["OPERATORS", "Call", "Deferred", "Runtime", "Tensor", "Value", "operator", "run_node"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of values of rows: see `pylstm.convert.onnx.rows`."""

    ids: Ids


@dataclass(frozen=True)
class Runtime:
    """An input of the graph that is neither rows nor a state, such as the lengths of sequences."""

    name: str


@dataclass(frozen=True, eq=False)
class Deferred:
    """A tensor that is part of something larger, such as the mean that a norm subtracts.

    Attributes
    ----------
    kind : str
        What it is.
    ids : array of int64
        The tensor that it is made of.
    shape : tuple of int
        Of the tensor that it is.
    facts : dict
        What else belongs to it.
    """

    kind: str
    ids: Ids
    shape: tuple[int, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    def whole(self) -> Value:
        """The tensor itself, where it can be one."""
        return Tensor(self.facts["rows"]()) if self.kind == "mean" else self


Value = Array | Tensor | Runtime | Deferred | None


@dataclass
class Call:
    """A node, with the values of its inputs."""

    node: NodeProto
    inputs: Sequence[Value]
    attributes: dict[str, Any]
    graph: LayerGraph
    opset: int

    @property
    def name(self) -> str:
        """What a layer that it becomes is called."""
        return self.node.name or self.node.output[0]

    def has(self, place: int) -> bool:
        """Whether there is an input."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def refuse(self, found: str, wanted: str) -> Any:
        """Refuses the node."""
        refuse(self.node, found, wanted)

    def input_name(self, place: int) -> str:
        """What an input is called in messages."""
        name = self.node.input[place] if place < len(self.node.input) else ""
        return f"input {place}, {name!r},"

    def constant(self, place: int) -> Array:
        """An input that has to be known."""
        value = self.inputs[place] if self.has(place) else None
        if not isinstance(value, np.ndarray):
            self.refuse(f"{self.input_name(place)} changes with what goes in", "a constant")
        assert isinstance(value, np.ndarray)
        return value

    def weights(self, place: int) -> NDArray[np.float32]:
        """An input that has to be known, of float32 and finite."""
        value = self.constant(place)
        if value.dtype != np.float32:
            self.refuse(f"{self.input_name(place)} is of {value.dtype}", "float32")
        if not np.isfinite(value).all():
            self.refuse(f"{self.input_name(place)} holds NaN or infinity", "numbers")
        return value

    def ids(self, place: int = 0) -> Ids:
        """An input that has values of rows."""
        value = self.inputs[place] if self.has(place) else None
        if isinstance(value, Deferred):
            value = value.whole()
        if not isinstance(value, Tensor):
            what = {Runtime: "comes from outside", Deferred: "is a part of a norm or of a cell"}
            self.refuse(
                f"{self.input_name(place)} {what.get(type(value), 'is a constant')}",
                "values of the rows of a stream",
            )
        assert isinstance(value, Tensor)
        return value.ids

    def attribute(self, name: str, usual: Any, *others: Any) -> Any:
        """An attribute, or its usual value; one of some values if any are named."""
        value = self.attributes.get(name, usual)
        if others and value not in (usual, *others):
            self.refuse(f"{name} is {shown(value)}", " or ".join(map(repr, (usual, *others))))
        return value

    def only(self, name: str, value: Any) -> None:
        """Refuses an attribute that is anything else than what it usually is."""
        found = self.attributes.get(name, value)
        if found != value:
            self.refuse(f"{name} is {shown(found)}", repr(value))

    def axis(self, rank: int, usual: int) -> int:
        """The attribute ``axis``, from 0 on."""
        axis = int(self.attributes.get("axis", usual))
        if not -rank <= axis < rank:
            self.refuse(f"axis is {axis}", f"{-rank} to {rank - 1}")
        return axis % rank


Run = Callable[[Call], list[Any] | Value]


@dataclass(frozen=True)
class Operator:
    """What an operator becomes, and the attributes of it that are known."""

    run: Run
    attributes: frozenset[str]


OPERATORS: dict[str, Operator] = {}
"""Every operator on rows that is known, by its name in ONNX."""


def operator(name: str, *attributes: str) -> Callable[[Run], Run]:
    """Writes a function into the table, under the name of an operator."""

    def entered(run: Run) -> Run:
        OPERATORS[name] = Operator(run, frozenset(attributes))
        return run

    return entered


def run_node(
    node: NodeProto, inputs: Sequence[Value], graph: LayerGraph, opset: int
) -> Sequence[Value]:
    """The values that a node gives."""
    check_types(node, [_dtype(one) for one in inputs], opset)
    if node.op_type == "Constant" or (
        all(one is None or isinstance(one, np.ndarray) for one in inputs) and any(node.input)
    ):
        return evaluate(
            node, [one for one in inputs if not isinstance(one, Tensor | Runtime | Deferred)], opset
        )
    unknown = [one.name for one in inputs if isinstance(one, Runtime)]
    if unknown and node.op_type not in ("Cast", "Identity", "GRU", "LSTM", "RNN"):
        name = unknown[0]
        refuse(node, f"it takes {name!r}, which is not known", f"constants={{{name!r}: ...}}")
    known = OPERATORS.get(node.op_type)
    if known is None:
        refuse(node, "it acts on the rows of a stream", f"one of {listing(sorted(OPERATORS), 200)}")
    attributes = attributes_of(node)
    for name in attributes:
        if name not in known.attributes:
            refuse(
                node, f"attribute {name!r} is unknown", listing(sorted(known.attributes)) or "none"
            )
    call = Call(node, inputs, attributes, graph, opset)
    try:
        found = known.run(call)
    except TooFewRowsError:
        raise
    except ValueError as error:
        text = str(error)
        if text.startswith("node "):
            raise
        if "expected" not in text:
            text += "; expected what a stream can do, row by row"
        kind = OtherAxisError if isinstance(error, OtherAxisError) else ValueError
        raise kind(f"{shown_operator(node)}: {text}") from None
    return found if isinstance(found, list) else [found]


def _dtype(value: Value) -> np.dtype[Any] | None:
    """What a value is of; None: that is not known."""
    if isinstance(value, np.ndarray):
        return value.dtype
    return np.dtype(np.float32) if isinstance(value, Tensor | Deferred) else None
