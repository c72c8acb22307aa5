"""ONNX operators of arithmetic: scaling and shifting by constants, sums, products, matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx.affine import LARGEST, affine
from pylstm.convert.onnx.gelu import written_out_gelu
from pylstm.convert.onnx.layers import LayerGraph, with_columns
from pylstm.convert.onnx.norms import normalised
from pylstm.convert.onnx.operators import Call, Deferred, Tensor, Value, operator
from pylstm.convert.onnx.rows import Ids
from pylstm.convert.onnx.unrolled import gru_cell, lstm_cell
from pylstm.layers import Activation, Add, Affine, Conv, Dense, Mul

__all__ = ["product_with_matrix"]

Array = NDArray[Any]


def product_with_matrix(graph: LayerGraph, ids: Ids, matrix: Array, name: str) -> Ids:
    """The ids of x @ matrix, for rows x and a constant (inputs, outputs)."""
    if matrix.ndim != 2 or ids.shape[-1] != matrix.shape[0]:
        raise ValueError(f"its matrix has shape {matrix.shape} for a tensor {ids.shape}")
    if graph.pending.concerns(ids):
        return _product_with_state(graph, ids, matrix, name)
    view = graph.table.view(ids)
    if view.axis == ids.ndim - 1:
        raise ValueError("it adds up over time")
    if view.before or view.after:
        raise ValueError("it takes rows of zeros before or after those of the stream")
    inner, (n, outputs) = view.ids, matrix.shape
    positions = inner.size // n
    if positions == 1:
        rows, columns = graph.whole(view, inner.ravel(), name)
        weight = with_columns(np.ascontiguousarray(matrix.T), columns, rows.width)
        dense = Dense(rows.width, outputs, bias=False, weights={"weight": weight})
        new = graph.add(dense, [rows], name)
    else:
        rows = graph.gathered(inner.reshape(positions, n), name)
        conv = Conv(
            rows.width,
            outputs,
            bias=False,
            positions=positions,
            weights={"weight": np.ascontiguousarray(matrix.T)[:, :, None]},
        )
        new = graph.add(conv, [rows], name)
    columns = np.arange(new.width).reshape(*inner.shape[:-1], outputs)
    return graph.placed(view, new, columns, view.axis)


def _product_with_state(graph: LayerGraph, ids: Ids, matrix: Array, name: str) -> Ids:
    """The same where some of the values are those of a state."""
    shape = (*ids.shape[:-1], matrix.shape[1])
    if ids.size != ids.shape[-1]:
        raise ValueError("it takes several vectors of a state")
    own = np.array([graph.table.kinds(one) == {"rows"} for one in ids.reshape(-1, 1)])
    found = graph.pending.add("product", shape, ids.ravel()[~own], None, matrix[~own])
    if not own.any():
        return found
    rows = product_with_matrix(graph, ids[..., own], matrix[own], name)
    return graph.pending.add("add", shape, rows, found)


# --- matrices -------------------------------------------------------------------------------------


@operator("MatMul")
def _matmul(call: Call) -> Value:
    if isinstance(call.inputs[0], np.ndarray):  # A x is the transpose of x' A'
        matrix, ids = call.weights(0), call.ids(1)
        if ids.ndim < 2:
            call.refuse(f"{call.input_name(1)} has shape {ids.shape}", "two dimensions or more")
        turned = product_with_matrix(call.graph, ids.swapaxes(-1, -2), _plain(matrix).T, call.name)
        return Tensor(turned.swapaxes(-1, -2))
    return Tensor(product_with_matrix(call.graph, call.ids(), _plain(call.weights(1)), call.name))


def _plain(matrix: Array) -> Array:
    """A stack of one matrix is the matrix."""
    while matrix.ndim > 2 and matrix.shape[0] == 1:
        matrix = matrix[0]
    return matrix


@operator("Gemm", "alpha", "beta", "transA", "transB")
def _gemm(call: Call) -> Value:
    ids, matrix = call.ids(), call.weights(1).astype(np.float64)
    if ids.ndim != 2:
        call.refuse(f"{call.input_name(0)} has shape {ids.shape}", "two dimensions")
    if call.attribute("transA", 0, 1):
        ids = ids.T
    if call.attribute("transB", 0, 1):
        matrix = matrix.T
    alpha = call.attribute("alpha", 1.0)
    if not np.abs(matrix * alpha).max(initial=0) <= LARGEST:
        call.refuse(f"alpha is {alpha:g}", "one with which the weights are numbers of float32")
    matrix = (matrix * alpha).astype(np.float32)
    found = product_with_matrix(call.graph, ids, matrix, call.name)
    if call.has(2):
        bias = call.weights(2).astype(np.float64) * call.attribute("beta", 1.0)
        if np.broadcast_shapes(bias.shape, found.shape) != found.shape:
            call.refuse(
                f"{call.input_name(2)} has shape {bias.shape}", f"one that fits {found.shape}"
            )
        found = affine(call.graph, found, 1.0, bias, call.name)
    return Tensor(found)


# --- value by value -------------------------------------------------------------------------------


def _two(call: Call) -> tuple[Any, Any]:
    """Both inputs: an array of ids, or float64 constants."""
    return tuple(
        call.weights(k).astype(np.float64)
        if isinstance(call.inputs[k], np.ndarray)
        else call.ids(k)
        for k in (0, 1)
    )  # type: ignore[return-value]


def _is_rows(value: Any) -> bool:
    return value.dtype == np.int64


def _arithmetic(call: Call) -> Value:
    found = written_out_gelu(call)
    found = normalised(call) if found is None else found
    if found is not None:
        return found if isinstance(found, Deferred) else Tensor(found)
    a, b = _two(call)
    kind, graph, name = call.node.op_type, call.graph, call.name
    if not _is_rows(a):  # a constant first
        if kind == "Div":
            call.refuse(
                "it divides by rows", "a constant, or the root of a variance, as a norm has it"
            )
        if kind == "Sub":
            return Tensor(affine(graph, b, -1.0, a, name))
        a, b = b, a
    if not _is_rows(b):
        if kind == "Div":
            if (b == 0).any():
                call.refuse("it divides by 0", "another constant")
            return Tensor(affine(graph, a, 1 / b, 0.0, name))
        factors = {"Add": (1.0, b), "Sub": (1.0, -b), "Mul": (b, 0.0)}
        return Tensor(affine(graph, a, *factors[kind], name))
    if kind == "Div":
        if _is_softsign(graph, a, b):
            return Tensor(graph.activated(a, "softsign", name))
        call.refuse(
            "it divides rows by rows", "a constant, or the root of a variance, as a norm has it"
        )
    if kind == "Mul" and a.shape == b.shape and (a == b).all():
        return Tensor(graph.activated(a, "square", name))
    if kind == "Sub":
        b = affine(graph, b, -1.0, 0.0, name)
    joined = graph.joined(Mul if kind == "Mul" else Add, a, b, name)
    cell = None
    if graph.pending.concerns(joined):
        cell = (lstm_cell if kind == "Mul" else gru_cell)(graph, joined, name)
    return Tensor(joined if cell is None else cell)


def _is_softsign(graph: LayerGraph, x: Ids, below: Ids) -> bool:
    """Whether x is divided by 1 + |x|, as PyTorch writes it out."""
    owners = graph.table.owners(below)
    if len(owners) != 1 or x.shape != below.shape or graph.table.kinds(x) != {"rows"}:
        return False
    plus, *inputs = graph.layers.get(owners[0].name, (None,))
    if not isinstance(plus, Affine) or not plus.bias:
        return False
    absolute, *inputs = graph.layers.get(inputs[0], (None,))
    if not isinstance(absolute, Activation) or absolute.function != "leaky_relu":
        return False
    one = all((plus.weights[key] == 1).all() for key in ("weight", "bias"))
    same = below - owners[0].base + graph.rows_of(inputs[0]).base
    return one and absolute.alpha == -1 and np.array_equal(same, x)


@operator("Einsum", "equation")
def _einsum(call: Call) -> Value:
    """Rows times a matrix: what stands before the sum stays, in any order behind it."""
    equation = "".join(call.attribute("equation", "").split())
    terms, arrow, result = equation.partition("->")
    rows = [k for k, one in enumerate(call.inputs) if not isinstance(one, np.ndarray)]
    names = terms.split(",")
    if not arrow or len(names) != 2 or len(call.inputs) != 2 or len(rows) != 1:
        call.refuse(
            f"equation is {equation!r}", "rows and a constant matrix, such as 'btf,fo->bto'"
        )
    ids, matrix = call.ids(rows[0]), call.weights(1 - rows[0])
    own, weights = names[rows[0]], names[1 - rows[0]]
    summed, new = set(own) & set(weights), set(weights) - set(own)
    plain = all(len(set(one)) == len(one) and one.isalpha() for one in (own, weights, result))
    fits = (len(own), len(weights)) == (ids.ndim, matrix.ndim) and len(summed) == len(new) == 1
    if not plain or not fits or set(result) != (set(own) - summed) | new:
        call.refuse(f"equation is {equation!r}", "a sum over one letter, such as 'btf,fo->bto'")
    letter, other = summed.pop(), new.pop()
    if weights == other + letter:
        matrix = matrix.T
    moved = np.moveaxis(ids, own.index(letter), -1)
    found = product_with_matrix(call.graph, moved, matrix, call.name)
    order = own.replace(letter, "") + other
    return Tensor(found.transpose([order.index(one) for one in result]))


for _kind in ("Add", "Sub", "Mul", "Div"):
    operator(_kind)(_arithmetic)


@operator("Sum")
def _sum(call: Call) -> Value:
    found: Any = None
    for place in range(len(call.inputs)):
        if isinstance(call.inputs[place], np.ndarray):
            call.refuse(f"{call.input_name(place)} is a constant", "rows")
        ids = call.ids(place)
        found = ids if found is None else call.graph.joined(Add, found, ids, call.name)
    return Tensor(found)


@operator("Neg")
def _neg(call: Call) -> Value:
    return Tensor(affine(call.graph, call.ids(), -1.0, 0.0, call.name))


@operator("Pow")
def _pow(call: Call) -> Value:
    found = normalised(call)
    if found is not None:
        return found if isinstance(found, Deferred) else Tensor(found)
    exponents = np.unique(call.constant(1))
    if list(exponents) == [1]:
        return Tensor(call.ids())
    functions = {2.0: "square", 0.5: "sqrt"}
    if len(exponents) != 1 or float(exponents[0]) not in functions:
        call.refuse(f"the exponent is {exponents.tolist()}", "2, 1 or 0.5")
    return Tensor(call.graph.activated(call.ids(), functions[float(exponents[0])], call.name))
