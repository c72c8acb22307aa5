"""What does a row of a published network cost, alone and with 64 streams in a pass?"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks import core
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.result import Result, Table
from benchmarks.silero_peers import PEERS, Chunks
from tests.networks.network_table import NETWORKS

QUESTION = "What does a row of a published network cost, alone and with 64 streams in a pass?"
STREAMS = 64
SILERO = "silero_vad_16khz"
MINE = "pylstm, C"

Array = NDArray[np.float32]


def answers(call: Chunks, x: Array, n_streams: int) -> Array:
    """The rows for some chunks, of which every stream gets the same."""
    rows = [call(np.repeat(chunk[None], n_streams, axis=0))[:1].copy() for chunk in x]
    return np.concatenate(rows)


def peers(model: pylstm.Model, x: Array, n_streams: int) -> list[Contender]:
    """The other libraries, as far as they are installed."""
    found = []
    chunks = np.resize(x, (n_streams, x.shape[1]))
    for name, made in PEERS.items():
        call, asked = made(model, n_streams), made(model, n_streams)
        if call is not None and asked is not None:
            answer = partial(answers, asked, x, n_streams)
            found.append(Contender(name, calls(partial(call, chunks)), answer))
    return found


def silero(effort: Effort) -> Table:
    """A chunk of Silero VAD's network, beside the other libraries."""
    network = NETWORKS[SILERO]
    model, x = network.model(), network.some_frames(3 * STREAMS)
    table = Table("Silero VAD's network, 16 kHz, a chunk of 32 ms", "", "µs", reference=MINE)
    for title, n_streams in (("one stream", 1), (f"{STREAMS} streams in a pass, a chunk", STREAMS)):
        with core.Core(model, frames=x) as c:
            c.ask(f"streams {n_streams}")
            lap = c.lap("step" if n_streams == 1 else "batch 0")
            mine = Contender(MINE, lap, c.outputs)
            times = contest([mine, *peers(model, x, n_streams)], effort, tolerance=1e-5)
        table.add(title, times, 1e6 / n_streams)
    return table


def all_networks(effort: Effort) -> Table:
    """A row of what goes into every network, at the C level."""
    alone, together = "one stream", f"{STREAMS} streams in a pass, each"
    table = Table("A row of what goes in, C level", "network", "µs")
    for name, network in NETWORKS.items():
        model, x = network.model(), network.some_frames(3 * STREAMS)
        with core.Core(model, frames=x) as one, core.Core(model, frames=x) as many:
            many.ask(f"streams {STREAMS}")
            laps = [Contender(alone, one.lap("step")), Contender(together, many.lap("batch 0"))]
            times = contest(laps, effort, tolerance=0)
        for contender, n_streams in ((alone, 1), (together, STREAMS)):
            table.put(name, contender, times[contender].fastest / n_streams * 1e6)
    return table


def run(effort: Effort) -> Result:
    if reason := core.missing():
        return Result(QUESTION, [], [f"Not measured: {reason}."])
    notes = [
        "Weights are drawn in the published shapes (DeepSpeech: 64 wide instead of 2048). Silero "
        "VAD's network begins with the 640 samples of a mirrored chunk and computes the spectrum "
        "as a convolution, as its own graph does; for the others, the same call takes the chunks "
        f"of all streams at once. `{STREAMS} streams in a pass` is `pylstm_batch_push`.",
        "Where a network has a stride, only some rows that go in reach its later layers.",
    ]
    return Result(QUESTION, [silero(effort), all_networks(effort)], notes)
