"""ONNX files: read, and refused where they hold more than a graph with its weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from pylstm.arguments import number_of, shown
from pylstm.convert.onnx.refusals import refuse
from pylstm.convert.onnx.tensors import values_of
from pylstm.convert.source_file import check_regular

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

__all__ = ["OPSETS", "graphs_of", "kernel_reach", "largest_count", "opset_of", "read_onnx"]

OPSETS = range(7, 28)
"""The versions of the operators of ONNX whose meaning is known here."""

MOST_BYTES = (1 << 31) - 1
"""How long a message of protobuf may be, which a file is."""


def read_onnx(source: str | os.PathLike[str] | bytes) -> ModelProto:
    """The model of a file, or of its bytes, whole and valid.

    Nothing but the file is opened, and nothing of it is run.

    Raises
    ------
    ValueError
        It is no regular file, or has more than 2 GiB; it is no ONNX file, breaks a rule of the
        format, or has tensors in other files, functions, or operators of others than ONNX.
    TypeError
        `source` is something else.
    ImportError
        The package ``onnx`` is not installed.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise ImportError('from_onnx needs onnx: pip install "pylstm[onnx]"') from error
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), "source"
    elif isinstance(source, str) or hasattr(source, "__fspath__"):
        name = repr(os.fspath(source))
        check_regular(source, most=MOST_BYTES)
        with open(source, "rb") as file:
            data = file.read()
    else:
        raise TypeError(f"source is {shown(source)}; expected a path or bytes")
    if len(data) > MOST_BYTES:
        size = number_of(len(data), "byte")
        raise ValueError(f"{name} has {size}; expected at most {MOST_BYTES}")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise ValueError(
            f"{name} is no ONNX file; expected one, as torch.onnx.export writes it"
        ) from None
    if not model.graph.output:
        raise ValueError(f"{name} is no ONNX file, or has no outputs; expected a graph with them")
    _refuse_names_that_are_no_text(model)
    _refuse_more_than_a_graph(model)
    # The checker wants shapes of outputs, which exporters leave out and nobody needs.
    bare = [one for one in model.graph.output if not one.type.tensor_type.HasField("shape")]
    for one in bare:
        one.type.tensor_type.shape.SetInParent()
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{name} is not valid: {first}; expected what onnx.checker takes"
        ) from None
    for one in bare:
        one.type.tensor_type.ClearField("shape")
    return model


def opset_of(model: ModelProto) -> int:
    """The version of ONNX's operators that the file is written in."""
    return next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))


def kernel_reach(model: ModelProto) -> int:
    """How many rows all windows of the graph see behind each other, at most."""
    from onnx import helper

    reach = 0
    for graph in graphs_of(model.graph):
        dims = {one.name: list(one.dims)[2:] for one in graph.initializer}
        for node in graph.node:
            settings = {
                one.name: helper.get_attribute_value(one)
                for one in node.attribute
                if one.name in ("kernel_shape", "dilations")
            }
            kernel = dims.get(node.input[1], []) if node.op_type == "Conv" else []
            kernel = settings.get("kernel_shape", kernel)
            dilations = settings.get("dilations", [1])
            reach += max([0, *kernel]) * max([1, *dilations])
    return reach


def largest_count(model: ModelProto, most: int) -> int:
    """The largest whole number up to `most` among the constants of the graph, signs left out."""
    found = 0
    for graph in graphs_of(model.graph):
        for tensor in _tensors(graph):
            if tensor.data_type in (6, 7):
                numbers = np.abs(values_of(tensor).astype(np.float64))
                found = max(found, int(numbers[numbers <= most].max(initial=0)))
        for node in graph.node:
            for attribute in node.attribute:
                found = max(
                    [found, *(abs(n) for n in (*attribute.ints, attribute.i) if abs(n) <= most)]
                )
    return found


def _refuse_more_than_a_graph(model: ModelProto) -> None:
    versions = [one.version for one in model.opset_import if one.domain in ("", "ai.onnx")]
    if len(versions) != 1 or versions[0] not in OPSETS:
        raise ValueError(
            f"opset_import is {versions} for ONNX's own operators; expected one of {OPSETS[0]} to"
            f" {OPSETS[-1]}: export the model with opset_version=17"
        )
    if model.functions:
        raise ValueError(
            f"the file has the function {model.functions[0].name!r}; expected none: inline them"
            " with onnx.inliner.inline_local_functions"
        )
    for graph in graphs_of(model.graph):
        if graph.sparse_initializer:
            sparse = graph.sparse_initializer[0].values.name
            raise ValueError(f"initializer {sparse!r} is sparse; expected dense tensors")
        for tensor in _tensors(graph):
            if tensor.data_location == 1 or tensor.external_data:
                raise ValueError(
                    f"tensor {tensor.name!r} is in another file; expected all data in this one:"
                    " load the model with onnx.load and write it with onnx.save"
                )
        for node in graph.node:
            if node.domain not in ("", "ai.onnx"):
                refuse(node, f"domain is {node.domain!r}", "an operator of ONNX itself")


def _refuse_names_that_are_no_text(model: ModelProto) -> None:
    """Names are UTF-8; the reader of the format does not look."""
    for graph in graphs_of(model.graph):
        try:
            names: list[object] = [one.name for one in (*graph.input, *graph.output)]
            names += [one.name for one in graph.initializer]
            for node in graph.node:
                names += [node.name, node.op_type, node.domain, *node.input, *node.output]
                names += [one.name for one in node.attribute]
            wrong = [name for name in names if not isinstance(name, str)]
        except UnicodeDecodeError as error:
            wrong = [error.object]
        if wrong:
            raise ValueError(f"a name in the file is {shown(wrong[0])}; expected text in UTF-8")


def graphs_of(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph, and those inside of its nodes."""
    waiting = [graph]
    while waiting:
        one = waiting.pop()
        yield one
        for node in one.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """The tensors that stand in a graph, those of its inner graphs left out."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("sparse_tensor"):
                yield attribute.sparse_tensor.values
                yield attribute.sparse_tensor.indices
            for sparse in attribute.sparse_tensors:
                yield sparse.values
                yield sparse.indices
