"""What clients of the load generator have seen."""

from __future__ import annotations

from collections import Counter

from durations import Durations


class Outcome:
    """What a process of clients has seen."""

    def __init__(self) -> None:
        self.answers, self.delays = Durations(), Durations()
        self.chunks = self.answered = self.late = self.events = 0
        self.cores = 0.0  # used while playing, on average
        self.faults: Counter[str] = Counter()

    def include(self, other: Outcome) -> None:
        self.answers.include(other.answers)
        self.delays.include(other.delays)
        for name in ("chunks", "answered", "late", "events", "cores"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults.update(other.faults)

    def table(self) -> str:
        counts = (
            f"chunks {self.chunks}, not answered {self.chunks - self.answered}, answered later than"
            f" the next chunk {self.late}; events {self.events}; clients with a fault"
            f" {self.faults.total()}; {self.cores:.0%} of a core"
        )
        lines = [
            Durations.HEADING,
            self.answers.row("the answer to a chunk"),
            self.delays.row("sent after its time"),
            counts,
            *(f"  {n} x {fault}" for fault, n in self.faults.most_common()),
        ]
        return "\n".join(lines)
