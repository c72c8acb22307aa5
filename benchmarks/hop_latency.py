"""How steady is a hop at the C level: is the slowest near the middle one?"""

from __future__ import annotations

import numpy as np

from benchmarks import core, stacks
from benchmarks.contest import Effort
from benchmarks.distribution import percentiles, survival
from benchmarks.result import Curves, Result, Table
from benchmarks.speech import HOP, SAMPLE_RATE, audio

QUESTION = "How steady is a hop at the C level: is the slowest one near the middle one?"
UNDISTURBED = "hop, where the scheduler kept away"


def run(effort: Effort) -> Result:
    if reason := core.missing():
        return Result(QUESTION, [], [f"Not measured: {reason}."])
    count = int(effort.minutes * 60 * SAMPLE_RATE / HOP)
    with core.Core(stacks.model(), audio=audio(20)) as c:
        record = c.latency(HOP, count)
    hops, control, interrupted = record[:, 0] / 1000, record[:, 1] / 1000, record[:, 2]
    groups = {
        "hop": hops,
        UNDISTURBED: hops[interrupted & 1 == 0],
        "control": control,
        "control, where the scheduler kept away": control[interrupted & 2 == 0],
    }
    table = Table(f"Every hop of {effort.minutes:g} min of audio, C level", "", "µs")
    curves = Curves(
        "latency-core.png", "A hop at the C level", "µs", "share of hops that take longer"
    )
    for name, values in groups.items():
        figures = percentiles(values)
        table.put(name, "hops", values.size)
        for label, value in figures.items():
            table.put(name, label, value)
        table.put(name, "p99.9 / p50", figures["p99.9"] / figures["p50"])
        curves.lines[name] = survival(values)
    share = float(np.mean(interrupted & 1 != 0))
    notes = [
        "MFCC, 2 × LSTM 128, dense 12, softmax; `pylstm_stream_push` of 160 samples, one after the "
        "other.",
        "The control reads 16 KB of memory over and over for as long as a hop, between the hops: "
        "what the machine does to anybody shows there, too.",
        f"The scheduler took the processor away during {share:.3%} of the hops.",
    ]
    return Result(QUESTION, [table], notes, [curves])
