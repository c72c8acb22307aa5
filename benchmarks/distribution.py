"""Latencies one by one: percentiles for tables, survival curves for plots."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

Microseconds = NDArray[np.float64]
PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}


def laps(call: Callable[[], object], count: int) -> Microseconds:
    """Every one of so many calls, timed on its own."""
    times = np.empty(count)
    for k in range(count):
        begin = perf_counter_ns()
        call()
        times[k] = perf_counter_ns() - begin
    return times / 1000


def percentiles(times: Microseconds) -> dict[str, float]:
    """The figures under their names: observed values, not interpolated ones, and no percentile that
    fewer than five values lie beyond."""
    return {
        name: float(np.percentile(times, share, method="higher"))
        for name, share in PERCENTILES.items()
        if share == 100 or times.size * (100 - share) / 100 >= 5
    }


def survival(times: Microseconds, points: int = 120) -> tuple[list[float], list[float]]:
    """The share of calls that took longer than x, at points that are even on a logarithmic axis."""
    ordered = np.sort(times)
    share = np.geomspace(1, 1 / ordered.size, points)
    place = np.minimum((ordered.size * (1 - share)).astype(int), ordered.size - 1)
    x = [round(float(value), 3) for value in ordered[place]]
    return x, [float(f"{value:.3g}") for value in share]
