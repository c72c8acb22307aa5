"""How close does a step come to reading its weights once and doing nothing else?"""

from __future__ import annotations

import pylstm
from benchmarks import core, lstm_peers
from benchmarks.contest import Contender, Effort, contest
from benchmarks.result import Result, Table
from benchmarks.speech import frames

QUESTION = "How close does a step come to reading its weights once and doing nothing else?"


def run(effort: Effort) -> Result:
    table = Table(
        "A step beside reading its weights, at the C level",
        "input → hidden",
        "µs",
        reference="reading the weights once",
    )
    speed = Table("What reading reaches", "input → hidden", "")
    if reason := core.missing():
        return Result(QUESTION, [], [f"Not measured: {reason}."])
    isa = ""
    for input_size, hidden_size in lstm_peers.SHAPES:
        lstm = pylstm.LSTM(input_size, hidden_size, seed=0)
        label = f"{input_size} → {hidden_size}"
        model = pylstm.Model(None, [lstm])
        with core.Core(model, frames=frames(100, input_size)) as c:
            isa = c.isa
            size = min(lstm_peers.weight_bytes(lstm), c.memory)
            step = Contender("one step", c.lap("step"))
            reading = Contender("reading the weights once", c.lap(f"read {size}"))
            times = contest([step, reading], effort, tolerance=0)
        table.add(label, times)
        speed.put(label, "weights, KB", lstm_peers.weight_bytes(lstm) / 1024)
        speed.put(label, "GB/s", size / times[reading.name].fastest / 1e9)
    notes = [
        "`one step` is `pylstm_stream_push_frames` with one frame: checks, counters and all.",
        f"Reading is as wide as the kernels' registers ({isa}) and reads the memory that the model "
        "lies in.",
    ]
    return Result(QUESTION, [table, speed], notes)
