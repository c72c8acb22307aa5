"""What does calling from Python add to the C call?"""

from __future__ import annotations

from functools import partial

import numpy as np

import pylstm
from benchmarks import core
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.feature_peers import mfcc
from benchmarks.result import Result, Table
from benchmarks.speech import HOP, audio, frames

QUESTION = "What does calling from Python add to the C call?"


def run(effort: Effort) -> Result:
    if reason := core.missing():
        return Result(QUESTION, [], [f"Not measured: {reason}."])
    table = Table("A call from Python beside the C call", "call", "µs", reference="C")
    # A model with as little arithmetic as possible, so that the call itself is measured.
    tiny = pylstm.Model(None, [pylstm.Dense(1, 1, seed=0)])
    x, out = frames(1, 1), np.empty((1, 1), np.float32)
    with core.Core(tiny, frames=x) as c:
        push = tiny.stream().push_frames
        contenders = [
            Contender("Python, out=", calls(partial(push, x, out)), lambda: push(x)),
            Contender("Python", calls(partial(push, x)), lambda: push(x)),
            Contender("C", c.lap("step"), c.outputs),
        ]
        times = contest(contenders, effort, tolerance=0)
    table.add("push_frames, one frame", times)
    over = {"push_frames, one frame": times}
    model = pylstm.Model(mfcc(center=False), [])
    y = audio(1)
    with core.Core(model, audio=y) as c:
        rows, chunk = np.empty((1, 13), np.float32), y[:HOP].copy()
        live, other = model.stream().push, model.stream().push
        contenders = [
            Contender("Python, out=", calls(partial(live, chunk, rows)), lambda: model.run(y)),
            Contender("Python", calls(partial(other, chunk)), lambda: model.run(y)),
            Contender("C", c.lap(f"hop {HOP}"), c.outputs),
        ]
        times = contest(contenders, effort, tolerance=0)
    table.add("push, 160 samples of MFCC", times)
    over["push, 160 samples of MFCC"] = times
    added = Table("Added by Python", "call", "µs")
    for label, times in over.items():
        for name in ("Python, out=", "Python"):
            added.put(label, name, (times[name].fastest - times["C"].fastest) * 1e6)
    return Result(QUESTION, [table, added])
