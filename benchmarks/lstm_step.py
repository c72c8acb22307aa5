"""How long does one LSTM step take, one frame at a time?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

import pylstm
from benchmarks import core, lstm_peers
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.lstm_peers import Array
from benchmarks.result import Result, Table
from benchmarks.speech import frames

QUESTION = "How long does one LSTM step take, one frame at a time?"
CHECKED_FRAMES = 100

PEERS = {
    "torch nn.LSTM": lstm_peers.torch_lstm,
    "torch LSTMCell": lstm_peers.torch_cell,
    "ONNX Runtime run()": lambda lstm: lstm_peers.onnxruntime_run([lstm]),
}


def step_through(step: Callable[[Array], Array], x: Array) -> Array:
    """Frame by frame, from wherever the state is."""
    return np.concatenate([step(frame[None]) for frame in x])


def contenders(lstm: pylstm.LSTM) -> list[Contender]:
    """The contenders that run in this process."""
    checked = frames(CHECKED_FRAMES, lstm.input_size)
    one = checked[:1]
    found = []
    for name, make in PEERS.items():
        call, fresh = make(lstm), make(lstm)
        if call is None or fresh is None:
            continue
        found.append(
            Contender(
                name,
                calls(partial(call, one)),
                partial(step_through, fresh, checked),
            )
        )
    model = pylstm.Model(None, [lstm])
    out = np.empty((1, lstm.hidden_size), np.float32)
    mine = Contender(
        "pylstm, Python",
        calls(partial(model.stream().push_frames, one, out)),
        lambda: step_through(model.stream().push_frames, checked),
    )
    return [*found, mine]


def run(effort: Effort) -> Result:
    table = Table("One LSTM step", "input → hidden", "µs", reference="pylstm, Python")
    notes = [
        "Ratios are to `pylstm, Python`: `push_frames` of one frame with `out=`.",
        "Every contender carries its state from step to step, as a stream has to.",
    ]
    reason = core.missing()
    if reason:
        notes.append(f"No C level: {reason}.")
    for input_size, hidden_size in lstm_peers.SHAPES:
        lstm = pylstm.LSTM(input_size, hidden_size, seed=0)
        label = f"{input_size} → {hidden_size}"
        found = contenders(lstm)
        if reason:
            table.add(label, contest(found, effort, tolerance=1e-4))
            continue
        checked = frames(CHECKED_FRAMES, input_size)
        with core.Core(pylstm.Model(None, [lstm]), frames=checked) as c:
            found.append(Contender("pylstm, C", c.lap("step"), c.outputs))
            size = min(lstm_peers.weight_bytes(lstm), c.memory)
            found.append(Contender("reading the weights once", c.lap(f"read {size}")))
            table.add(label, contest(found, effort, tolerance=1e-4))
    return Result(QUESTION, [table], notes)
