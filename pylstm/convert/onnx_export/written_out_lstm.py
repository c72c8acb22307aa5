"""The LSTM with options that ONNX's operator has not: its formula, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx_export.onnx_graph import OnnxGraph
from pylstm.convert.onnx_export.row_layers import normalised
from pylstm.convert.onnx_export.row_tensor import RowTensor
from pylstm.layers import LSTM

__all__ = ["written_out_lstm"]

EPSILON = 1e-5
"""What layer normalisation adds to a variance."""


def written_out_lstm(graph: OnnxGraph, layer: LSTM, x: RowTensor) -> str:
    """The formula of `pylstm.LSTM` in a Scan for each layer of the stack."""
    states = {
        part: graph.state(part, (layer.num_layers, 1, width))
        for part, (_, width) in layer.state_shapes.items()
    }
    y, count = x.name, graph.n_rows(x.name)
    ends: dict[str, list[str]] = {part: [] for part in states}
    for k in range(layer.num_layers):
        cell = _Cell(layer, k)
        sums = cell.sums_of_inputs(graph, y)
        # onnxruntime scans no empty sequence: there is one row more, which is cut off again.
        sums = graph.behind(sums, np.zeros((1, layer.rows), np.float32))
        begin = {name: graph.part(name, k, np.array([k + 1])) for name in states.values()}
        scanned = graph.several(
            "Scan",
            *(graph.add("Squeeze", one, np.array([0])) for one in begin.values()),
            graph.add("Unsqueeze", sums, np.array([1])),
            count=4,
            body=cell.step(graph),
            num_scan_inputs=1,
        )
        for part, steps in zip(states, scanned[2:], strict=True):
            every = graph.behind(begin[states[part]], steps)
            last = graph.add("Add", count, np.array([1]))
            ends[part].append(graph.part(every, count, last))
        y = graph.part(graph.add("Squeeze", scanned[2], np.array([1])), 0, count)
    for part, name in states.items():
        graph.next_state(name, graph.behind(*ends[part]))
    return y


class _Cell:
    """One layer of the stack."""

    def __init__(self, layer: LSTM, k: int) -> None:
        self._layer = layer
        self._end = f"_l{k}"

    def _weight(self, name: str) -> NDArray[Any] | None:
        return self._layer.weights.get(name + self._end)

    def _product(self, graph: OnnxGraph, x: str, part: str) -> str:
        """W x, normalised where the layer does so."""
        weight = self._layer.weights[f"weight_{part}{self._end}"]
        product = graph.add("MatMul", x, weight.T)
        gain = self._weight(f"gain_{part}")
        if gain is None:
            return product
        return graph.add("Mul", normalised(graph, product, EPSILON), gain)

    def sums_of_inputs(self, graph: OnnxGraph, x: str) -> str:
        """What does not depend on the state, for all rows at once: (n, rows of the weights)."""
        sums = self._product(graph, x, "ih")
        for name in ("bias_ih", "bias_hh"):
            bias = self._weight(name)
            if bias is not None:
                sums = graph.add("Add", sums, bias)
        return sums

    def step(self, graph: OnnxGraph) -> Any:
        """The body of the Scan: h, c and the sums of a row to h and c, twice."""
        layer, body = self._layer, graph.inner()
        h, c, given = (f"{body.layer_name}{self._end}/{name}" for name in ("h", "c", "sums"))
        body.layer_name += self._end
        sums = body.add("Add", given, self._product(body, h, "hh"))
        names = "igo" if layer.coupled else "ifgo"
        parts = body.several("Split", sums, count=len(names), axis=1)
        gates = dict(zip(names, parts, strict=True))
        i = self._gate(body, gates["i"], "i", c)
        if layer.coupled:
            f = body.add("Sub", np.array(1, np.float32), i)
        else:
            f = self._gate(body, gates["f"], "f", c)
        g = body.add("Tanh", self._seen(body, gates["g"], "g", c))
        c_next = body.add("Add", body.add("Mul", f, c), body.add("Mul", i, g))
        c_next = _limited(body, c_next, layer.cell_clip)
        o = self._gate(body, gates["o"], "o", c_next)
        shown, gain, bias = c_next, self._weight("gain_c"), self._weight("bias_c")
        if gain is not None:
            shown = body.add("Mul", normalised(body, shown, EPSILON), gain)
        if bias is not None:
            shown = body.add("Add", shown, bias)
        h_next = body.add("Mul", o, body.add("Tanh", shown))
        projection = self._weight("weight_hr")
        if projection is not None:
            h_next = body.add("MatMul", h_next, projection.T)
        outputs = []
        for place, (tensor, width) in enumerate(
            [(h_next, layer.width), (c_next, layer.hidden_size)] * 2
        ):
            outputs.append((f"{body.layer_name}/out_{place}", width))
            body.copy(tensor, outputs[-1][0])
        inputs = [(h, layer.width), (c, layer.hidden_size), (given, layer.rows)]
        return body.body(inputs, outputs)

    def _gate(self, body: OnnxGraph, sums: str, gate: str, c: str) -> str:
        """A sigmoid, or a hard one."""
        seen, slope = self._seen(body, sums, gate, c), self._layer.gate_slope
        return body.add("HardSigmoid", seen, alpha=slope) if slope else body.add("Sigmoid", seen)

    def _seen(self, body: OnnxGraph, sums: str, gate: str, c: str) -> str:
        """The sum that a gate takes."""
        peephole = self._weight(f"peephole_{gate}")
        if peephole is not None:
            sums = body.add("Add", sums, body.add("Mul", c, peephole))
        return _limited(body, sums, self._layer.gate_clip)


def _limited(graph: OnnxGraph, x: str, limit: float) -> str:
    """Values between -limit and limit; 0: no limit."""
    if not limit:
        return x
    return graph.add("Clip", x, np.array(-limit, np.float32), np.array(limit, np.float32))
