"""Draws models and counts what they do, for as long as it is told.

    python -m tests.engine.cost MINUTES [SEED]

First the grid of lengths and each layer at its worst, then drawn models in rounds of 20, each with
the kernels without vectors and with AVX2 where the machine has it (valgrind knows no AVX-512).
Prints the spread of instructions for each operation that the rule of cost counts, and fails where
it leaves the bounds.
"""

from __future__ import annotations

import random
import sys
import time

import pylstm
from tests.engine.cost.counted import LEAST, MOST, counts
from tests.engine.cost.drawn_models import costliest, drawn, grid
from tests.instruction_sets import ISAS


def show(what: str, ratios: list[float]) -> None:
    ordered = sorted(ratios)
    print(
        f"{what:22} {len(ordered):6} models   instructions an operation: least {ordered[0]:.2f},"
        f" middle {ordered[len(ordered) // 2]:.2f}, most {ordered[-1]:.2f}",
        flush=True,
    )


def main(minutes: float, seed: int) -> int:
    end = time.monotonic() + 60 * minutes
    found: dict[str, list[float]] = {}
    failures = 0
    models, what = grid() + costliest(), "grid"
    while True:
        for isa in [name for name in ("scalar", "avx2", "neon") if name in ISAS]:
            for model, count in zip(models, counts(models, isa), strict=True):
                found.setdefault(f"{what}, {isa}", []).append(count.ratio)
                if count.ratio > MOST or (isa == "scalar" and count.ratio < LEAST):
                    failures += 1
                    print(f"{isa}, seed {seed}: {count.ratio:.2f} {count} {model}", flush=True)
        if time.monotonic() > end:
            break
        chance = random.Random(seed)
        models, what, seed = [drawn(chance) for _ in range(20)], "drawn", seed + 1
    print(f"pylstm {pylstm.__version__}; the next seed is {seed}")
    for name, ratios in found.items():
        show(name, ratios)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
