"""A pipe whose writer sends pieces."""

from __future__ import annotations

import io
import itertools


class Pieces(io.RawIOBase):
    """Gives at most a piece at a time, as a pipe does; buffered readers then wait for the rest.

    Parameters
    ----------
    data : bytes
    places : list of int
        Where a piece ends, in order.
    """

    def __init__(self, data: bytes, places: list[int]) -> None:
        super().__init__()
        ends = [*(min(place, len(data)) for place in places), len(data)]
        self._pieces = [data[a:b] for a, b in itertools.pairwise([0, *ends]) if a < b]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self._pieces:
            return 0
        piece = self._pieces.pop(0)
        taken, rest = piece[: len(buffer)], piece[len(buffer) :]
        if rest:
            self._pieces.insert(0, rest)
        buffer[: len(taken)] = taken
        return len(taken)
