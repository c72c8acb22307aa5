"""How long does a frame take when a thousand of them are there at once?"""

from __future__ import annotations

from functools import partial

import numpy as np

import pylstm
from benchmarks import lstm_peers
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.result import Result, Table
from benchmarks.speech import frames

QUESTION = "How long does a frame take when a thousand of them are there at once?"
SHAPES = tuple(shape for shape in lstm_peers.SHAPES if shape != (40, 64))
LENGTH = 1000

PEERS = {
    "torch nn.LSTM": lstm_peers.torch_lstm,
    "ONNX Runtime run()": lambda lstm: lstm_peers.onnxruntime_run([lstm]),
}


def contenders(lstm: pylstm.LSTM) -> list[Contender]:
    """One call for the whole sequence each."""
    x = frames(LENGTH, lstm.input_size)
    found = []
    for name, make in PEERS.items():
        call, fresh = make(lstm), make(lstm)
        if call is not None and fresh is not None:
            found.append(Contender(name, calls(partial(call, x)), partial(fresh, x)))
    model = pylstm.Model(None, [lstm])
    out = np.empty((LENGTH, lstm.hidden_size), np.float32)
    push = model.stream().push_frames
    mine = Contender(
        "pylstm, Python", calls(partial(push, x, out)), lambda: model.stream().push_frames(x)
    )
    return [*found, mine]


def run(effort: Effort) -> Result:
    table = Table(
        f"A sequence of {LENGTH:,} frames", "input → hidden", "µs per frame", "pylstm, Python"
    )
    for input_size, hidden_size in SHAPES:
        lstm = pylstm.LSTM(input_size, hidden_size, seed=0)
        times = contest(contenders(lstm), effort, tolerance=1e-4)
        table.add(f"{input_size} → {hidden_size}", times, 1e6 / LENGTH)
    notes = ["One call of the whole sequence; pylstm: `push_frames`, what a stream runs on."]
    return Result(QUESTION, [table], notes)
