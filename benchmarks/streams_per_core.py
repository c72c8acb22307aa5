"""How many live streams does one core carry?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks import core, stacks
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.feature_peers import Hops
from benchmarks.result import Curves, Result, Table
from benchmarks.speech import HOP, SAMPLE_RATE, audio

QUESTION = "How many live streams does one core carry?"
HIDDEN_SIZES = (32, 64, 128, 256, 512)
PEERS = ("librosa + torch", "kaldi-native-fbank + ONNX Runtime")
CORE = "pylstm, C"


def one_hop(hop: stacks.Hop, hops: Hops) -> None:
    hop(hops())


def run(effort: Effort) -> Result:
    table = Table("Live streams on one core", "LSTM", "streams")
    curves = Curves("streams.png", "Live streams on one core", "hidden size", "streams")
    notes = [
        "MFCC, one LSTM, dense 12, softmax: 10 ms of audio divided by the time of a hop. "
        f"`{CORE}`: that many streams with a state each take turns, so caches hold what they can. "
        "The others: one stream, at its best."
    ]
    # A turn of 10 ms is long enough for every stream to have its hop.
    effort = replace(effort, turn=max(effort.turn, HOP / SAMPLE_RATE))
    y = audio(2)
    reason = core.missing()
    if reason:
        notes.append(f"No C level: {reason}.")
    for hidden_size in HIDDEN_SIZES:
        model = stacks.model(hidden_size, 1)
        found = []
        for name in PEERS:
            hop, hops = stacks.PEERS[name](model), Hops(y)
            if hop is not None:
                found.append(Contender(name, calls(partial(one_hop, hop, hops))))
        mine, chunks = stacks.this_engine(model), Hops(y)
        found.append(Contender("pylstm, Python", calls(partial(one_hop, mine, chunks))))
        if reason:
            times = contest(found, effort, tolerance=0)
        else:
            with core.Core(model, audio=y) as c:
                alone = c.ask(f"hop {HOP} 2000") / 2000
                c.ask(f"streams {max(1, int(HOP / SAMPLE_RATE / alone))}")
                found.append(Contender(CORE, c.lap(f"hop {HOP}")))
                times = contest(found, effort, tolerance=0)
        for name, timing in times.items():
            streams = HOP / SAMPLE_RATE / timing.fastest
            table.put(str(hidden_size), name, streams)
            x, count = curves.lines.setdefault(name, ([], []))
            x.append(hidden_size)
            count.append(streams)
    return Result(QUESTION, [table], notes, [curves])
