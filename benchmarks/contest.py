"""Contenders take turns, in short rounds, and their answers must agree before any is timed.

The speed of a machine varies: its clock rises and falls, and other processes come and go. Times
that two contenders take in the same seconds can be compared; times from two runs cannot. So every
round times every contender, in an order that rotates. Reported are the fastest round of each (its
cost when nothing disturbs it), the median of all rounds, and ratios between contenders of one run.
"""

from __future__ import annotations

import gc
import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Effort:
    """How long a question may take: rounds of a contest, seconds of a contender's turn, and minutes
    of audio for a distribution of latencies."""

    rounds: int
    turn: float
    minutes: float


QUICK = Effort(rounds=40, turn=0.002, minutes=1)
FULL = Effort(rounds=300, turn=0.004, minutes=10)


@dataclass(frozen=True)
class Contender:
    """Something that can do the task: `lap(n)` does it n times and returns the seconds that took.

    `answer` gives what it computes from a beginning, for the check against the others; None where
    its definition of the task differs, which the table that shows it has to say.
    """

    name: str
    lap: Callable[[int], float]
    answer: Callable[[], NDArray[np.float32]] | None = None


class WrongAnswerError(AssertionError):
    """Two contenders computed different things: timing them would compare nothing."""


def calls(function: Callable[[], object]) -> Callable[[int], float]:
    """The lap of a Python function, after an eighth of the calls untimed: caches hold what the
    contender before it needed."""

    def lap(count: int) -> float:
        for _ in itertools.repeat(None, count // 8 + 1):
            function()
        turns = itertools.repeat(None, count)
        begin = perf_counter()
        for _ in turns:
            function()
        return perf_counter() - begin

    return lap


def agree(contenders: Sequence[Contender], tolerance: float) -> None:
    """Raises WrongAnswerError unless all answers have one shape and lie as near to the first as the
    tolerance says."""
    first: tuple[str, NDArray[np.float32]] | None = None
    for contender in contenders:
        if contender.answer is None:
            continue
        answer = np.asarray(contender.answer())
        if not np.isfinite(answer).all():
            raise WrongAnswerError(f"{contender.name} gives NaN or infinity")
        if first is None:
            first = (contender.name, answer)
            continue
        if answer.shape != first[1].shape:
            raise WrongAnswerError(
                f"{contender.name} gives shape {answer.shape}, {first[0]} {first[1].shape}"
            )
        distance = float(np.abs(answer - first[1]).max())
        if not distance <= tolerance:
            raise WrongAnswerError(
                f"{contender.name} and {first[0]} differ by {distance:.3g}; "
                f"expected {tolerance:g} at most"
            )


@dataclass(frozen=True)
class Timing:
    """Seconds a call: of the fastest round and of all of them, in the order of the rounds."""

    rounds: tuple[float, ...]

    @property
    def fastest(self) -> float:
        return min(self.rounds)

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


def contest(
    contenders: Sequence[Contender], effort: Effort, *, tolerance: float
) -> dict[str, Timing]:
    """Times every contender in every round.

    Parameters
    ----------
    contenders : sequence of Contender
        Their names differ.
    effort : Effort
    tolerance : float
        How far answers may lie apart.

    Returns
    -------
    dict of str to Timing
    """
    agree(contenders, tolerance)
    counts = {contender.name: _count(contender, effort.turn) for contender in contenders}
    if len(counts) != len(contenders):
        raise ValueError("two contenders have the same name")
    rounds: dict[str, list[float]] = {name: [] for name in counts}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number in range(effort.rounds):
            start = number % len(contenders)
            for contender in (*contenders[start:], *contenders[:start]):
                count = counts[contender.name]
                rounds[contender.name].append(contender.lap(count) / count)
    finally:
        if collecting:
            gc.enable()
    return {name: Timing(tuple(times)) for name, times in rounds.items()}


def _count(contender: Contender, turn: float) -> int:
    """How many calls fill a turn, at least one."""
    count = 1
    while (seconds := contender.lap(count)) < turn / 2 and count < 1 << 24:
        count = min(count * 8, max(count + 1, int(count * turn / max(seconds, 1e-7))))
    return max(1, int(count * turn / seconds)) if seconds > 0 else count
