"""The cases that the onnx package has for LSTM, GRU and RNN: each gives what it should, or is
refused with its reason."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.convert import from_onnx

onnx = pytest.importorskip("onnx", reason="ONNX's own cases: pip install onnx")

END = "the graph has no output of rows; expected one beside"

# None: it is expressed.
CASES: dict[str, str | None] = {
    "test_gru_batchwise": None,
    "test_gru_bidirectional": None,
    "test_gru_defaults": None,
    "test_gru_reverse": None,
    "test_gru_seq_length": None,
    "test_gru_with_initial_bias": None,
    "test_lstm_batchwise": None,
    "test_lstm_bidirectional": END,
    "test_lstm_defaults": None,
    "test_lstm_reverse": END,
    "test_lstm_with_initial_bias": None,
    "test_lstm_with_peepholes": None,
    "test_rnn_seq_length": None,
    "test_simple_rnn_batchwise": None,
    "test_simple_rnn_bidirectional": END,
    "test_simple_rnn_defaults": None,
    "test_simple_rnn_reverse": END,
    "test_simple_rnn_with_initial_bias": None,
}


@cache
def cases() -> dict[str, Any]:
    """Those of three modules; the loader of the package makes all 2,000 of all operators."""
    from onnx.backend.test.case import node
    from onnx.backend.test.case.node import gru, lstm, rnn  # noqa: F401

    return {case.name: case for case in node._NodeTestCases if is_recurrent(case.model)}


def is_recurrent(model: Any) -> bool:
    return bool({"LSTM", "GRU", "RNN"} & {node.op_type for node in model.graph.node})


def for_one_sequence(model: Any, arrays: dict[str, Any]) -> bytes:
    """The case as a file: weights inside, states of one sequence, its length from outside."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.input[:]
    for info in model.graph.input:
        if info.name in ("X", "sequence_lens"):
            made.graph.input.append(info)
        else:
            array = arrays[info.name][:, :1] if "initial" in info.name else arrays[info.name]
            made.graph.initializer.append(onnx.numpy_helper.from_array(array, info.name))
    data: bytes = made.SerializeToString()
    return data


def test_all_cases_are_listed() -> None:
    assert sorted(cases()) == sorted(CASES)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", CASES)
def test_a_case_passes_or_is_refused(name: str) -> None:
    case, reason = cases()[name], CASES[name]
    names = [info.name for info in case.model.graph.input]
    (inputs, outputs) = case.data_sets[0]
    data = for_one_sequence(case.model, dict(zip(names, inputs, strict=True)))
    batch_first = "batchwise" in name
    x = inputs[0] if batch_first else inputs[0].swapaxes(0, 1)  # (batch, time, values)
    shape = (1, None, x.shape[2]) if batch_first else (None, 1, x.shape[2])
    if reason is not None:
        with pytest.raises(ValueError, match=reason):
            from_onnx(data, shapes={"X": shape})
        data = with_rows(data)  # what the message says
    layers: Any = from_onnx(data, shapes={"X": shape}).layers
    direction = name.rpartition("_")[2]
    expected = dict(zip((info.name for info in case.model.graph.output), outputs, strict=True))
    for number, sequence in enumerate(x):
        frames = np.ascontiguousarray(sequence)
        y = rows_of(layers, frames)
        if "Y" in expected:
            rows = expected["Y"][number] if batch_first else expected["Y"][:, :, number]
            np.testing.assert_allclose(y, rows.reshape(len(y), -1), rtol=0, atol=1e-6)
        states = expected["Y_h"][number] if batch_first else expected["Y_h"][:, number]
        forward, backward = y[-1, : states.shape[1]], y[0, -states.shape[1] :]
        ends = {"reverse": [backward], "bidirectional": [forward, backward]}
        np.testing.assert_allclose(ends.get(direction, [forward]), states, rtol=0, atol=1e-6)


def with_rows(data: bytes) -> bytes:
    """The file with the rows, Y, as another output."""
    model = onnx.ModelProto.FromString(data)
    model.graph.node[0].output[0] = "Y"
    model.graph.output.append(onnx.helper.make_tensor_value_info("Y", 1, None))
    made: bytes = model.SerializeToString()
    return made


def rows_of(layers: Any, x: Any) -> Any:
    """Of a stream, or over the whole sequence where no stream runs a layer."""
    if all(layer.obstacle is None for layer, *_ in layers.values()):
        return pylstm.Model(None, layers).stream().push_frames(x)
    for layer, *_ in layers.values():
        x, _ = layer.forward(x)
    return x
