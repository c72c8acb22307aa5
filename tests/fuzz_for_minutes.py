"""Runs a fuzzer with seed after seed for as long as it is told."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.core_builds import run


def fuzz(program: Path, minutes: float, seed: int, rounds: int, files: list[Path]) -> None:
    """Prints the sums of the counts that the program prints; stops at its first complaint."""
    end = time.monotonic() + 60 * minutes
    sums: dict[str, int] = {}
    first = seed
    while True:
        told = run(program, rounds, seed, *files)
        for count, what in re.findall(r"(\d+) ([a-z ]+)", told):
            sums[what] = sums.get(what, 0) + int(count)
        seed += 1
        if time.monotonic() > end:
            break
    counts = ", ".join(f"{count:,} {what}" for what, count in sums.items())
    print(f"{program.name}: seeds {first} to {seed - 1}: {counts}")
