"""Recurrent layers as ONNX's recurrent operators, with the states that they remember."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx_export.onnx_graph import OnnxGraph
from pylstm.convert.onnx_export.row_tensor import RowTensor
from pylstm.convert.onnx_export.written_out_lstm import written_out_lstm
from pylstm.layers import GRU, LSTM, RNN
from pylstm.layers.recurrent import Recurrent

__all__ = ["gru", "lstm", "rnn"]


def lstm(graph: OnnxGraph, layer: LSTM, inputs: list[RowTensor]) -> str:
    """ONNX's LSTM, or the formula written out where ONNX has no attribute for it."""
    if layer.proj_size or layer.layer_norm or layer.cell_clip:
        return written_out_lstm(graph, layer, inputs[0])
    order = (0, 2, None, 1) if layer.coupled else (0, 3, 1, 2)
    attributes: dict[str, Any] = {"input_forget": 1} if layer.coupled else {}
    if layer.gate_clip:  # onnxruntime (1.32) limits the sums of gates alone, not what shows c
        attributes["clip"] = layer.gate_clip
    if layer.gate_slope:
        attributes |= _hard_gates(layer, "Tanh", "Tanh")
    return _operators(graph, "LSTM", layer, inputs[0], order, attributes)


def gru(graph: OnnxGraph, layer: GRU, inputs: list[RowTensor]) -> str:
    """ONNX's GRU, with the reset gate where the layer has it."""
    attributes: dict[str, Any] = {"linear_before_reset": int(layer.reset_after)}
    candidate = layer.candidate.capitalize()
    if layer.gate_slope:
        attributes |= _hard_gates(layer, candidate)
    elif candidate != "Tanh":
        attributes["activations"] = ["Sigmoid", candidate]
    return _operators(graph, "GRU", layer, inputs[0], (1, 0, 2), attributes)


def _hard_gates(layer: Recurrent, *others: str) -> dict[str, Any]:
    """The attributes of gates that are hard sigmoids, and the other activations."""
    return {
        "activations": ["HardSigmoid", *others],
        "activation_alpha": [layer.gate_slope],
        "activation_beta": [0.5],
    }


def rnn(graph: OnnxGraph, layer: RNN, inputs: list[RowTensor]) -> str:
    """ONNX's RNN."""
    attributes = {"activations": [layer.nonlinearity.capitalize()]}
    return _operators(graph, "RNN", layer, inputs[0], (0,), attributes)


def _operators(
    graph: OnnxGraph,
    operator: str,
    layer: Recurrent,
    x: RowTensor,
    order: tuple[int | None, ...],
    attributes: dict[str, Any],
) -> str:
    """One operator for each layer of the stack.

    `order` says which of the layer's gates stands where in ONNX; None: one that takes no part.
    """

    def gates(name: str) -> NDArray[np.float32]:
        given = layer.weights[name].reshape(-1, layer.hidden_size, *layer.weights[name].shape[1:])
        nothing = np.zeros_like(given[0])
        return np.concatenate([nothing if k is None else given[k] for k in order])[None]

    states = {
        part: graph.state(part, (layer.num_layers, 1, layer.hidden_size))
        for part in layer.state_shapes
    }
    # Over no row onnxruntime (1.32) forgets the state of an LSTM, and a GRU ends the process. So
    # there is one row more, which is not counted.
    count = graph.n_rows(x.name)
    some = graph.add("Greater", count, np.array([0]))
    lengths = graph.add("Cast", count, to=6)
    rows = graph.behind(x.name, np.zeros((1, x.width), np.float32))
    y = graph.add("Unsqueeze", rows, np.array([1]))  # one sequence: (n, 1, width)
    ends: dict[str, list[str]] = {part: [] for part in states}
    for k in range(layer.num_layers):
        begin = [
            graph.part(name, k, np.array([k + 1])) if layer.num_layers > 1 else name
            for name in states.values()
        ]
        bias: Any = ""
        if layer.bias:
            bias = np.concatenate([gates(f"bias_ih_l{k}"), gates(f"bias_hh_l{k}")], axis=1)
        given = [y, gates(f"weight_ih_l{k}"), gates(f"weight_hh_l{k}"), bias, lengths, *begin]
        peepholes = [layer.weights.get(f"peephole_{gate}_l{k}") for gate in "iof"]
        if peepholes[0] is not None:
            nothing = np.zeros(layer.hidden_size, np.float32)
            parts = [nothing if one is None else one for one in peepholes]
            given.append(np.concatenate(parts)[None])
        y, *end = graph.several(
            operator, *given, count=1 + len(begin), hidden_size=layer.hidden_size, **attributes
        )
        y = graph.add("Squeeze", y, np.array([1]))
        for part, before, after in zip(states, begin, end, strict=True):
            # Behind no row the operator gives zeros.
            ends[part].append(graph.add("Where", some, after, before))
    for part, name in states.items():
        graph.next_state(name, graph.behind(*ends[part]) if len(ends[part]) > 1 else ends[part][0])
    return graph.part(graph.add("Squeeze", y, np.array([1])), 0, count)
