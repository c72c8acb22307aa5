"""How much of a core's arithmetic do many streams in one pass reach, and how many fit?"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from functools import partial

import numpy as np

import pylstm
from benchmarks import core, stacks
from benchmarks.contest import Contender, Effort, Timing, calls, contest
from benchmarks.result import Result, Table
from benchmarks.speech import HOP, SAMPLE_RATE, audio, frames

QUESTION = "How much of a core's arithmetic do many streams in one pass reach, and how many fit?"
STREAMS = 64
SHAPES = ((40, 128), (40, 256))
HIDDEN_SIZES = (32, 64, 128, 256, 512)
PRECISIONS = ("float32", "bf16", "int8")
GEMM = 1024
SGEMM = f"sgemm of {GEMM} × {GEMM} × {GEMM}"
ALONE = "one stream, float32"


def in_precision(model: pylstm.Model, precision: str) -> pylstm.Model:
    return model if precision == "float32" else model.quantize(precision)


def one_blas_thread() -> AbstractContextManager[object]:
    """OpenBLAS reads the environment only when it is loaded, and it may be loaded by now."""
    try:
        import threadpoolctl  # type: ignore[import-untyped]
    except ImportError:
        return nullcontext()
    limits: AbstractContextManager[object] = threadpoolctl.threadpool_limits(1)
    return limits


def sgemm() -> Contender:
    """What the best matrix product of large matrices makes of this core."""
    a, b = frames(GEMM, GEMM), frames(GEMM, GEMM)
    return Contender(SGEMM, calls(partial(np.matmul, a, b, np.empty_like(a))))


def arithmetic(effort: Effort, input_size: int, hidden_size: int) -> Table:
    """One frame of every stream in one pass, beside sgemm."""
    lstm = pylstm.LSTM(input_size, hidden_size, seed=0)
    model = pylstm.Model(None, [lstm])
    x = frames(STREAMS * 3, input_size)
    with ExitStack() as stack:
        stack.enter_context(one_blas_thread())
        alone = stack.enter_context(core.Core(model, frames=x))
        found = [sgemm(), Contender(ALONE, alone.lap("step"))]
        for precision in PRECISIONS:
            c = stack.enter_context(core.Core(in_precision(model, precision), frames=x))
            c.ask(f"streams {STREAMS}")
            found.append(Contender(f"{STREAMS} streams, {precision}", c.lap("batch 0")))
        times = contest(found, effort, tolerance=0)
    # Products and sums of the four gates; what the cell does with them is not counted.
    operations = 2 * 4 * hidden_size * (input_size + hidden_size)
    table = Table(f"LSTM {input_size} → {hidden_size}, one frame of each stream", "", "")
    peak = 2 * GEMM**3 / times[SGEMM].fastest
    for name, timing in times.items():
        n_frames = 1 if name == ALONE else STREAMS
        work = 2 * GEMM**3 if name == SGEMM else n_frames * operations
        speed = work / timing.fastest
        if name != SGEMM:
            table.put(name, "µs a frame", timing.fastest / n_frames * 1e6)
        table.put(name, "GFLOP/s", speed / 1e9)
        table.put(name, "% of sgemm", 100 * speed / peak)
    return table


def capacity(effort: Effort, hidden_size: int) -> dict[str, float]:
    """How many streams keep up with their audio, taking turns and in one pool."""
    model = stacks.model(hidden_size, 1)
    found, many = [], {}
    with ExitStack() as stack:
        for name, precision, verb in (
            ("taking turns", "float32", "hop"),
            *((f"one pool, {precision}", precision, "batch") for precision in PRECISIONS),
        ):
            c = stack.enter_context(core.Core(in_precision(model, precision), audio=audio(2)))
            # As many as there will be about, so that caches hold what they can hold then.
            c.ask(f"streams {STREAMS}")
            count = 20 * STREAMS if verb == "hop" else 20
            each = c.ask(f"{verb} {HOP} {count}") / (20 * STREAMS)
            n_streams = max(1, int(HOP / SAMPLE_RATE / each))
            c.ask(f"streams {n_streams}")
            many[name] = 1 if verb == "hop" else n_streams
            found.append(Contender(name, c.lap(f"{verb} {HOP}")))
        times: dict[str, Timing] = contest(found, effort, tolerance=0)
    return {name: HOP / SAMPLE_RATE * many[name] / t.fastest for name, t in times.items()}


def run(effort: Effort) -> Result:
    if reason := core.missing():
        return Result(QUESTION, [], [f"Not measured: {reason}."])
    tables = [arithmetic(effort, *shape) for shape in SHAPES]
    streams = Table("Live streams on one core, C level", "LSTM", "streams")
    # A turn of 10 ms is long enough for every stream to have its hop.
    longer = replace(effort, turn=max(effort.turn, HOP / SAMPLE_RATE))
    for hidden_size in HIDDEN_SIZES:
        for name, count in capacity(longer, hidden_size).items():
            streams.put(str(hidden_size), name, count)
    notes = [
        f"`pylstm_batch_push` with one frame for each of {STREAMS} streams, a state each; counted "
        "are the products and sums of the gates, while the time holds the cell update, too. For "
        "bytes the sums are whole numbers, and a FLOP is as good as one of float32.",
        f"{SGEMM}: `numpy.matmul` on one thread, in the same rounds.",
        "Live streams: MFCC, one LSTM, dense 12, softmax; 10 ms of audio divided by the time of a "
        "hop, with about that many streams.",
    ]
    return Result(QUESTION, [*tables, streams], notes)
