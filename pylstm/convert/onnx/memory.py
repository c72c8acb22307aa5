"""How much memory the tensors of an ONNX graph take at a time, while it is walked."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of

__all__ = ["MOST_BYTES", "Memory", "digest"]

MOST_BYTES = 1 << 29
"""Of all tensors that a node has given and a later one still needs."""


class Memory:
    """The arrays that are kept, each counted once, however many tensors are views of it."""

    def __init__(self) -> None:
        self._views: dict[int, int] = {}
        self.n_bytes = 0

    def keep(self, array: NDArray[Any]) -> None:
        """Counts an array, before it is one of those that are kept.

        Raises
        ------
        ValueError
            All of them together take more than `MOST_BYTES`.
        """
        owner = _owner(array)
        self._views[id(owner)] = self._views.get(id(owner), 0) + 1
        if self._views[id(owner)] == 1:
            self.n_bytes += owner.nbytes
        if self.n_bytes > MOST_BYTES:
            raise ValueError(
                "the tensors that the graph still needs here take"
                f" {number_of(self.n_bytes, 'byte')}; expected {MOST_BYTES} at most"
            )

    def drop(self, array: NDArray[Any]) -> None:
        """The opposite, for an array that was kept and is no longer needed."""
        owner = _owner(array)
        self._views[id(owner)] -= 1
        if not self._views[id(owner)]:
            del self._views[id(owner)]
            self.n_bytes -= owner.nbytes


def _owner(array: NDArray[Any]) -> NDArray[Any]:
    """The array whose memory it is a view of, or itself."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def digest(*arrays: NDArray[Any]) -> bytes:
    """What stands for numbers in a key that is kept: they may be many."""
    found = hashlib.sha256()
    for one in arrays:
        found.update(np.ascontiguousarray(one).tobytes())
    return found.digest()
