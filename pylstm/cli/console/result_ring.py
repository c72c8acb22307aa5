"""A ring of fixed size between a thread that must not wait and one that may: no lock, no queue."""

from __future__ import annotations

from typing import Generic, TypeVar

__all__ = ["ResultRing"]

T = TypeVar("T")


class ResultRing(Generic[T]):
    """Carries results from one thread, the producer, to another one, the consumer.

    The slots are made at the beginning. Of the two counters the producer writes one and the
    consumer the other; each reads the other's, which may be old but is never too large. So a slot
    that the producer fills is one that the consumer has emptied, and the other way round, and
    neither waits.

    Parameters
    ----------
    capacity : int
        How many results can wait in it.

    Attributes
    ----------
    refused : int
        How many results found no room; the producer's.
    """

    __slots__ = ("_put", "_slots", "_taken", "refused")

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}; expected 1 or more")
        self._slots: list[T | None] = [None] * capacity
        self._put = 0
        self._taken = 0
        self.refused = 0

    def put(self, result: T) -> bool:
        """Adds a result; for the producer alone.

        Returns
        -------
        bool
            False: there was no room, and the result is not in it.
        """
        put, slots = self._put, self._slots
        if put - self._taken == len(slots):
            self.refused += 1
            return False
        slots[put % len(slots)] = result
        self._put = put + 1  # behind the result: from here on the slot is the consumer's
        return True

    def take(self) -> T | None:
        """The oldest result, which is then no longer in it; for the consumer alone.

        Returns
        -------
        result or None
            None: it is empty.
        """
        taken, slots = self._taken, self._slots
        if taken == self._put:
            return None
        place = taken % len(slots)
        result = slots[place]
        slots[place] = None  # so that what it held is freed here, not by the producer
        self._taken = taken + 1
        return result
