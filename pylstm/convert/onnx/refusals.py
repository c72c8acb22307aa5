"""How an operator of an ONNX graph that cannot be expressed is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["OtherAxisError", "refuse", "shown_operator"]


class OtherAxisError(ValueError):
    """What perhaps could be expressed with time along another axis."""


def shown_operator(node: NodeProto) -> str:
    """The name of a node, or that of what it gives, and its operator."""
    name = node.name or next((output for output in node.output if output), "")
    return f"node {name!r} ({node.op_type})"


def refuse(node: NodeProto, found: str, wanted: str) -> NoReturn:
    """Raises an error that names node, operator, what is found and what could be instead."""
    raise ValueError(f"{shown_operator(node)}: {found}; expected {wanted}")
