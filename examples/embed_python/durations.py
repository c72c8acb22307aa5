"""How long something takes, counted again and again."""

from __future__ import annotations

from itertools import accumulate

STEP = 1e-4  # seconds
N_STEPS = 100_000  # longer ones count as ten seconds; `longest` is exact


class Durations:
    """Counts of durations: they take the same memory however many there are."""

    HEADING = f"{'':28}{'p50':>9}{'p95':>9}{'p99':>9}{'most':>9}   ms"

    def __init__(self) -> None:
        self._counts = [0] * N_STEPS
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        self._counts[min(int(max(seconds, 0.0) / STEP), N_STEPS - 1)] += 1
        self.longest = max(self.longest, seconds)

    def include(self, others: Durations) -> None:
        """Adds what was counted elsewhere."""
        self._counts = [a + b for a, b in zip(self._counts, others._counts, strict=True)]
        self.longest = max(self.longest, others.longest)

    def __len__(self) -> int:
        return sum(self._counts)

    def percentile(self, percent: float) -> float:
        """The duration, in seconds, that so many percent do not exceed; 0 if there are none."""
        wanted = percent / 100 * len(self)
        for step, count in enumerate(accumulate(self._counts)):
            if count and count >= wanted:
                return min((step + 1) * STEP, self.longest)
        return 0.0

    def row(self, name: str) -> str:
        """A line of a table under `HEADING`."""
        values = [*map(self.percentile, (50, 95, 99)), self.longest]
        return f"{name:28}" + "".join(f"{1000 * value:9.1f}" for value in values)
