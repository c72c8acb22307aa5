"""How long from 10 ms of audio to posteriors, beside the stacks that are put together today?"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks import core, stacks
from benchmarks.contest import Contender, Effort, agree
from benchmarks.distribution import Microseconds, laps, percentiles, survival
from benchmarks.feature_peers import N_FFT, Hops
from benchmarks.result import Curves, Result, Table
from benchmarks.speech import HOP, audio

QUESTION = "How long from 10 ms of audio to posteriors, beside the stacks put together today?"
MINE, CORE = "pylstm, Python", "pylstm, C"
HOPS_A_ROUND = {MINE: 1000, CORE: 1000}
PEER_HOPS_A_ROUND = 25
UNTIMED = 3


def check(c: core.Core | None) -> None:
    """Checks that all stacks give the same posteriors, unless their features are defined
    differently."""
    model, y = stacks.model(), audio(2)
    n_rows = 1 + (y.size - N_FFT) // HOP
    contenders = [
        Contender(MINE, float, lambda: stacks.answer(stacks.this_engine(model), y)[:n_rows])
    ]
    for name, make in stacks.PEERS.items():
        hop = make(model)
        if hop is not None and name not in stacks.OTHER_VALUES:
            contenders.append(Contender(name, float, partial(stacks.answer, hop, y)))
    if c is not None:
        contenders.append(Contender(CORE, float, lambda: c.outputs()[:n_rows]))
    agree(contenders, 1e-4)


def measure(c: core.Core | None, effort: Effort) -> dict[str, Microseconds]:
    """Every hop of every stack, in rounds that alternate."""
    model, y = stacks.model(), audio(2)
    live: dict[str, Callable[[int], Microseconds]] = {}
    for name, make in {**stacks.PEERS, MINE: stacks.this_engine}.items():
        hop, hops = make(model), Hops(y)
        if hop is None:
            continue

        def timed(count: int, hop: stacks.Hop = hop, hops: Hops = hops) -> Microseconds:
            for _ in range(UNTIMED):
                hop(hops())
            chunks = iter([hops() for _ in range(count)])
            return laps(lambda: hop(next(chunks)), count)

        for _ in range(2):
            timed(10)  # the first calls compile and fill caches: cold_start.py is about those
        live[name] = timed
    if c is not None:
        live[CORE] = lambda count: c.latency(HOP, count)[:, 0] / 1000.0
    times: dict[str, list[Microseconds]] = {name: [] for name in live}
    names = list(live)
    gc.disable()
    try:
        for number in range(effort.rounds):
            start = number % len(names)
            for name in (*names[start:], *names[:start]):
                times[name].append(live[name](HOPS_A_ROUND.get(name, PEER_HOPS_A_ROUND)))
    finally:
        gc.enable()
    return {name: np.concatenate(parts) for name, parts in times.items()}


def run(effort: Effort) -> Result:
    table = Table("A whole hop", "", "µs", reference=MINE, by_row=True)
    curves = Curves(
        "latency.png",
        "From 10 ms of audio to posteriors (2 × LSTM 128)",
        "µs",
        "share of hops that take longer",
    )
    notes = [
        "MFCC, 2 × LSTM 128, dense 12, softmax; batch 1, 160 samples a call. Ratios are to "
        f"`{MINE}`, percentile by percentile.",
        "The stack with kaldi-native-fbank has other features by definition: its posteriors are "
        "not compared with the others'.",
    ]
    if reason := core.missing():
        notes.append(f"No C level: {reason}.")
        check(None)
        times = measure(None, effort)
    else:
        with core.Core(stacks.model(), audio=audio(2)) as c:
            check(c)
            times = measure(c, effort)
    mine = percentiles(times[MINE])
    # Those with the most hops first: they have every percentile, so columns stand in order.
    for name, values in sorted(times.items(), key=lambda item: -item[1].size):
        table.put(name, "hops", values.size)
        for label, value in percentiles(values).items():
            ratio = {} if name == MINE else {"ratio": value / mine[label]}
            table.put(name, label, value, **ratio)
        curves.lines[name] = survival(values)
    return Result(QUESTION, [table], notes, [curves])
