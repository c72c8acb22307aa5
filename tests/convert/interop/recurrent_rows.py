"""Rows of recurrent layers."""

from __future__ import annotations

from typing import Any

import pylstm
from tests.convert import rtneural_files
from tests.convert.interop.chains import integers
from tests.convert.interop.row import Row
from tests.convert.interop.sources import Source, of_keras, of_onnx, of_rtneural, of_torch

__all__ = ["ROWS"]

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def hidden(n: int) -> int:
    return n + 2


def torch_stack(kind: str, **options: Any) -> Any:
    def make(n: int) -> Source:
        from torch import nn

        return of_torch(getattr(nn, kind)(n, hidden(n), batch_first=True, **options), n)

    return make


def keras_layer(kind: str, *, both: bool = False, **options: Any) -> Any:
    def make(n: int) -> Source:
        from keras import layers

        layer = getattr(layers, kind)(hidden(n), return_sequences=True, **options)
        return of_keras((n,), layers.Bidirectional(layer) if both else layer)

    return make


def operator(kind: str, *, bias: bool = True, peepholes: bool = False, **options: Any) -> Any:
    """An operator of ONNX over (T, 1, n)."""

    def make(n: int) -> Source:
        from tests.convert.onnx_graphs import drawn

        rows, directions = GATES[kind] * hidden(n), 2 if "direction" in options else 1
        weights = {
            "W": drawn(directions, rows, n),
            # Small enough for a ReLU, whose rows grow without end else.
            "R": drawn(directions, rows, hidden(n), scale=0.2),
            "B": drawn(directions, 2 * rows),
            "P": drawn(directions, 3 * hidden(n)),
            "s": integers(0, 0, -1),
        }
        names = f"x W R {'B' if bias else '_'}" + (" _ _ _ P" if peepholes else "")
        weights = {name: array for name, array in weights.items() if name in [*names.split(), "s"]}
        step = (kind, names, "Y", {"hidden_size": hidden(n), **options})
        # (T, directions, 1, H) as (T, 1, directions * H)
        turn = [
            ("Transpose", "Y", "t", {"perm": [0, 2, 1, 3]}),
            ("Reshape", "t s", "y", {}),
        ]
        return of_onnx([step, *turn], (None, 1, n), weights)

    return make


def rtneural(make: Any) -> Any:
    return lambda n: of_rtneural(n, make(n, hidden(n)))


def ours(kind: Any, **options: Any) -> Any:
    return lambda n: [kind(n, hidden(n), seed=n, **options)]


ROWS = (
    Row(
        "`LSTM`",
        "",
        ours(pylstm.LSTM),
        torch_stack("LSTM"),
        keras_layer("LSTM"),
        operator("LSTM"),
        rtneural(rtneural_files.lstm),
    ),
    Row(
        "",
        "no bias",
        ours(pylstm.LSTM, bias=False),
        torch_stack("LSTM", bias=False),
        keras_layer("LSTM", use_bias=False),
        operator("LSTM", bias=False),
    ),
    Row("", "three layers", ours(pylstm.LSTM, num_layers=3), torch_stack("LSTM", num_layers=3)),
    Row("", "`proj_size`", ours(pylstm.LSTM, proj_size=2), torch_stack("LSTM", proj_size=2)),
    Row(
        "", "`peepholes`", ours(pylstm.LSTM, peepholes=True), onnx=operator("LSTM", peepholes=True)
    ),
    Row("", "`coupled`", ours(pylstm.LSTM, coupled=True), onnx=operator("LSTM", input_forget=1)),
    Row("", "`gate_clip`", ours(pylstm.LSTM, gate_clip=0.5), onnx=operator("LSTM", clip=0.5)),
    Row("", "`cell_clip`", ours(pylstm.LSTM, cell_clip=0.3)),
    Row(
        "",
        "`gate_slope`",
        ours(pylstm.LSTM, gate_slope=0.2),
        None,
        keras_layer("LSTM", recurrent_activation="hard_sigmoid"),
        operator("LSTM", activations=["HardSigmoid", "Tanh", "Tanh"], activation_alpha=[0.2]),
    ),
    Row("", "`layer_norm`", ours(pylstm.LSTM, layer_norm=True)),
    Row(
        "",
        "`bidirectional`",
        None,
        torch_stack("LSTM", bidirectional=True),
        keras_layer("LSTM", both=True),
        operator("LSTM", direction="bidirectional"),
    ),
    Row(
        "`GRU`",
        "`reset_after=True`",
        ours(pylstm.GRU),
        torch_stack("GRU"),
        keras_layer("GRU"),
        operator("GRU", linear_before_reset=1),
        rtneural(rtneural_files.gru),
    ),
    Row(
        "",
        "`reset_after=False`",
        ours(pylstm.GRU, reset_after=False),
        None,
        keras_layer("GRU", reset_after=False),
        operator("GRU"),
    ),
    Row(
        "",
        '`candidate="relu"`',
        ours(pylstm.GRU, candidate="relu"),
        None,
        keras_layer("GRU", activation="relu"),
        operator("GRU", activations=["Sigmoid", "Relu"], linear_before_reset=1),
    ),
    Row(
        "",
        "`gate_slope`",
        ours(pylstm.GRU, gate_slope=0.2),
        None,
        keras_layer("GRU", recurrent_activation="hard_sigmoid"),
        operator("GRU", activations=["HardSigmoid", "Tanh"], activation_alpha=[0.2]),
    ),
    Row("", "three layers", ours(pylstm.GRU, num_layers=3), torch_stack("GRU", num_layers=3)),
    Row(
        "",
        "`bidirectional`",
        None,
        torch_stack("GRU", bidirectional=True),
        keras_layer("GRU", both=True),
        operator("GRU", direction="bidirectional", linear_before_reset=1),
    ),
    Row(
        "`RNN`",
        "tanh",
        ours(pylstm.RNN),
        torch_stack("RNN"),
        keras_layer("SimpleRNN"),
        operator("RNN"),
    ),
    Row(
        "",
        "relu",
        ours(pylstm.RNN, nonlinearity="relu"),
        torch_stack("RNN", nonlinearity="relu"),
        keras_layer("SimpleRNN", activation="relu"),
        operator("RNN", activations=["Relu"]),
    ),
    Row(
        "",
        "`bidirectional`",
        None,
        torch_stack("RNN", bidirectional=True),
        keras_layer("SimpleRNN", both=True),
        operator("RNN", direction="bidirectional"),
    ),
)
