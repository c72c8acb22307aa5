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

REVERSE = "direction is 'reverse'; expected 'forward': a stream cannot hear the future"
BOTH = "direction is 'bidirectional'; expected 'forward': a stream cannot hear the future"

# None: it is expressed.
CASES: dict[str, str | None] = {
    "test_gru_batchwise": None,
    "test_gru_bidirectional": BOTH,
    "test_gru_defaults": None,
    "test_gru_reverse": REVERSE,
    "test_gru_seq_length": None,
    "test_gru_with_initial_bias": None,
    "test_lstm_batchwise": None,
    "test_lstm_bidirectional": BOTH,
    "test_lstm_defaults": None,
    "test_lstm_reverse": REVERSE,
    "test_lstm_with_initial_bias": None,
    "test_lstm_with_peepholes": None,
    "test_rnn_seq_length": None,
    "test_simple_rnn_batchwise": None,
    "test_simple_rnn_bidirectional": BOTH,
    "test_simple_rnn_defaults": None,
    "test_simple_rnn_reverse": REVERSE,
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
        return
    model = pylstm.Model(None, from_onnx(data, shapes={"X": shape}).layers)
    expected = dict(zip((info.name for info in case.model.graph.output), outputs, strict=True))
    for number, sequence in enumerate(x):
        y = model.stream().push_frames(np.ascontiguousarray(sequence))
        if "Y" in expected:
            rows = expected["Y"][number, :, 0] if batch_first else expected["Y"][:, 0, number]
            np.testing.assert_allclose(y, rows, rtol=0, atol=1e-6)
        last = expected["Y_h"][number, 0] if batch_first else expected["Y_h"][0, number]
        np.testing.assert_allclose(y[-1], last, rtol=0, atol=1e-6)
