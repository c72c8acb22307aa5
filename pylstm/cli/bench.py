"""``pylstm bench``: the speed of this machine beside that of a known one, in half a minute.

It finds a debug build, the wrong kernels and a busy processor. ``python -m benchmarks`` compares
the engine with others.
"""

from __future__ import annotations

import json as json_module
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from time import perf_counter, perf_counter_ns
from typing import Annotated, Any

import numpy as np
import typer

import pylstm
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.output import JsonOption

__all__ = ["bench"]

REFERENCE_MACHINE = "2-core x86-64 server, AMD EPYC (Zen 4), AVX-512, 2.6 GHz"

# Rows of the table, in microseconds: what is measured, and the name in JSON.
ROWS = {
    "step": "LSTM step 40 to 128",
    "step_bf16": "LSTM step 40 to 128, bf16",
    "step_int8": "LSTM step 40 to 128, int8",
    "hop_p50": "10 ms of audio, median",
    "hop_p99": "10 ms of audio, 99 % are faster",
    "mfcc": "MFCC of a recording, per frame",
    "pool": "10 ms of audio, 60 streams together, each",
}

# What REFERENCE_MACHINE took, in the order of ROWS.
REFERENCE: dict[str, tuple[float, ...]] = {
    "avx512bf16": (4.39, 2.95, 2.25, 10.4, 11.4, 0.648, 5.41),
    "avx512vnni": (4.38, 3.25, 2.36, 10.5, 11.4, 0.649, 5.41),
    "avx512": (4.35, 3.24, 4.0, 10.1, 10.8, 0.649, 5.41),
    "avx2": (4.52, 3.74, 3.5, 11.0, 13.6, 0.711, 6.34),
    "scalar": (15.9, 9.82, 18.2, 37.7, 57.3, 1.28, 30.0),
}

# An older processor is not this much slower than the reference; code without optimisation (-O0)
# takes ten to a hundred times as long.
SLOW = 3.0
ROUNDS = 8
STREAMS = 60
HOP = 160

Turn = Callable[[float], tuple[float, ...]]
"""Repeats a call for some seconds and returns one or more of its times, microseconds."""


def bench(
    seconds: Annotated[
        float, typer.Option("--seconds", help="Seconds to measure in all.", metavar="S")
    ] = 30.0,
    json: JsonOption = False,
) -> None:
    """Compare the speed of this machine with a known one.

    A slow build shows, and so does a busy machine.
    """
    if not (math.isfinite(seconds) and 0 < seconds <= 3600):
        raise CliError(f"--seconds is {seconds:g}; expected more than 0 and at most 3600", USAGE)
    try:
        isa = pylstm.show_config()["isa"]
    except ValueError as error:  # PYLSTM_ISA names none of this machine's
        raise CliError(str(error)) from None
    if sys.stderr is not None and sys.stderr.isatty():
        print(f"measuring for {seconds:g} s ...", file=sys.stderr, flush=True)
    facts = _judged(isa, _measured(isa["supported"], seconds))
    if json:
        print(json_module.dumps(facts))
        return
    for line in _lines(facts):
        print(line)


# --- what is measured -----------------------------------------------------------------------------


def _measured(isas: list[str], seconds: float) -> dict[str, tuple[float, ...]]:
    """Microseconds of the best round, in the order of ROWS, for every instruction set.

    All take turns in every round, so that a busy moment hits a round and not a row.
    """
    turns = {}
    for name in isas:
        with _forced(name):
            turns[name] = _turns()
    share = seconds / (ROUNDS * sum(map(len, turns.values())))
    best: dict[str, tuple[float, ...]] = {}
    for _ in range(ROUNDS):
        for name, some in turns.items():
            figures = tuple(figure for turn in some for figure in turn(share))
            best[name] = tuple(map(min, figures, best.get(name, figures)))
    return best


@contextmanager
def _forced(isa: str) -> Iterator[None]:
    """A context in which new models run on this instruction set."""
    before = os.environ.get("PYLSTM_ISA")
    os.environ["PYLSTM_ISA"] = isa
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYLSTM_ISA"]
        else:
            os.environ["PYLSTM_ISA"] = before


def _turns() -> list[Turn]:
    """The measurements of ROWS, on the instruction set that is forced now."""
    random = np.random.default_rng(0)
    turns = []
    plain = pylstm.Model(None, [pylstm.LSTM(40, 128, seed=0)])
    frame = random.standard_normal((1, 40)).astype(np.float32)
    for model in (plain, plain.quantize("bf16"), plain.quantize("int8")):
        out = np.empty((1, 128), np.float32)
        turns.append(_fastest(partial(model.stream().push_frames, frame, out), 100))

    # Scaled as training would: unscaled features would drive every gate into saturation.
    std = np.array([100.0] + [20.0] * 12, np.float32)
    features = pylstm.MFCC(n_mfcc=13, mean=np.zeros(13, np.float32), std=std)
    layers = [pylstm.LSTM(13, 128, 2, seed=0), pylstm.Dense(128, 12, "softmax", seed=0)]
    whole = pylstm.Model(features, layers)
    recording = (0.1 * random.standard_normal(10 * features.sr)).astype(np.float32)
    chunk = recording[:HOP]
    rows = np.empty((1, whole.n_outputs), np.float32)
    turns.append(_percentiles(partial(whole.stream().push, chunk, rows)))

    front = pylstm.Model(features, [])
    turns.append(_fastest(partial(front.run, recording), 1, len(front.run(recording))))

    pool = whole.streams(STREAMS)
    chunks = {slot: chunk for slot in range(STREAMS)}
    room = {slot: np.empty_like(rows) for slot in range(STREAMS)}
    turns.append(_fastest(partial(pool.push, chunks, room), 1, STREAMS))
    return turns


def _fastest(call: Callable[[], object], together: int, parts: int = 1) -> Turn:
    """The time of one part of a call, in the fastest group of calls that are timed together."""

    def turn(seconds: float) -> tuple[float, ...]:
        best, end = math.inf, perf_counter() + seconds
        call()  # fills the caches that the turn before has used
        while best == math.inf or perf_counter() < end:
            begin = perf_counter()
            for _ in repeat(None, together):
                call()
            best = min(best, perf_counter() - begin)
        return (1e6 * best / (together * parts),)

    return turn


def _percentiles(call: Callable[[], object]) -> Turn:
    """Median and 99th percentile of calls timed one by one."""

    def turn(seconds: float) -> tuple[float, ...]:
        times: list[int] = []
        end = perf_counter() + seconds
        call()
        while not times or perf_counter() < end:
            begin = perf_counter_ns()
            call()
            times.append(perf_counter_ns() - begin)
        times.sort()
        return times[len(times) // 2] / 1000, times[len(times) * 99 // 100] / 1000

    return turn


# --- what it means --------------------------------------------------------------------------------


def _judged(isa: Mapping[str, Any], measured: dict[str, tuple[float, ...]]) -> dict[str, Any]:
    """The figures beside the reference, and a verdict."""
    figures: list[dict[str, Any]] = []
    for name, values in measured.items():
        known = REFERENCE.get(name)
        for place, (row, microseconds) in enumerate(zip(ROWS, values, strict=True)):
            reference = None if known is None else known[place]
            figures.append(
                {
                    "isa": name,
                    "name": row,
                    "microseconds": round(microseconds, 4),
                    "reference": reference,
                    "ratio": None if reference is None else round(microseconds / reference, 3),
                }
            )
    # A 99th percentile depends on the other programs: it is shown, not judged.
    judged = [f for f in figures if f["ratio"] is not None and f["name"] != "hop_p99"]
    worst = max(judged, key=lambda figure: figure["ratio"], default=None)
    if worst is None:
        verdict = "no reference values for the instruction sets of this machine"
    elif worst["ratio"] <= SLOW:
        verdict = "as expected"
    else:
        verdict = (
            f"slow: {worst['ratio']:.1f} times the reference ({ROWS[worst['name']]}, "
            f"{worst['isa']}): is this a debug build, or is another program busy?"
        )
    return {
        "pylstm": pylstm.__version__,
        "isa": isa,
        "reference_machine": REFERENCE_MACHINE,
        "figures": figures,
        "warnings": _warnings(isa),
        "verdict": verdict,
    }


def _warnings(isa: Mapping[str, Any]) -> list[str]:
    """Reasons why models run slower here than they could."""
    used, best = isa["used"], isa["supported"][0]
    warnings = []
    if used != best:
        warnings.append(
            f"models run on {used} kernels, this machine supports {best}: "
            f"PYLSTM_ISA is {os.environ.get('PYLSTM_ISA', '')!r}"
        )
    if used == "scalar":
        warnings.append("models run on scalar kernels: plain C, several times slower than vectors")
    return warnings


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    """The facts for people."""
    isa = facts["isa"]
    yield f"pylstm {facts['pylstm']}, runs on {isa['used']}"
    yield f"reference: {facts['reference_machine']}"
    width = max(map(len, ROWS.values())) + 2
    name = ""
    for figure in facts["figures"]:
        if figure["isa"] != name:
            name = figure["isa"]
            yield ""
            yield f"{name:<{width}}{'yours':>10}{'reference':>12}  yours / reference"
        line = f"  {ROWS[figure['name']]:<{width - 2}}{_time(figure['microseconds']):>10}"
        if figure["ratio"] is not None:
            line += f"{_time(figure['reference']):>12}{figure['ratio']:>19.2f}"
        yield line
    yield ""
    for warning in facts["warnings"]:
        yield f"warning: {warning}"
    yield facts["verdict"]


def _time(microseconds: float) -> str:
    return f"{microseconds:.2f} µs" if microseconds < 100 else f"{microseconds:.0f} µs"
