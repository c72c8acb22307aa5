"""What is computed from a state before it is known which recurrent layer that belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.onnx.rows import MOST_VALUES, ZERO, Ids, RowTable

__all__ = ["Pending", "PendingValues"]

KINDS = {"state", "pending"}


@dataclass(frozen=True)
class Pending:
    """How values come about, one by one.

    Attributes
    ----------
    kind : str
        "add", "mul", "affine", "product", or the name of a function.
    a, b : array of int64
        The ids of the operands, one for each value; of a product, a has the factors of all values.
    weight, bias : array, optional
        Of "affine", one for each value; the matrix (factors, values) of a product.
    """

    kind: str
    a: Ids
    b: Ids | None = None
    weight: NDArray[Any] | None = None
    bias: NDArray[Any] | None = None

    def part(self, which: NDArray[np.int64]) -> Pending:
        """Some of the values, in an order of their own."""
        if self.kind == "product":
            assert self.weight is not None
            return Pending(self.kind, self.a, None, self.weight[:, which])
        b, weight, bias = (
            None if one is None else one[which] for one in (self.b, self.weight, self.bias)
        )
        return Pending(self.kind, self.a[which], b, weight, bias)


class PendingValues:
    """All of them, by the ids of what they give."""

    def __init__(self, table: RowTable, n_frames: int) -> None:
        self._table, self._n_frames = table, n_frames
        self._known: dict[int, Pending] = {}
        self._count = 0

    def concerns(self, *tensors: Ids) -> bool:
        """Whether a state, or what is made of one, is among the ids; in single steps only."""
        return self._n_frames == 1 and any(self._table.kinds(ids) & KINDS for ids in tensors)

    def add(
        self,
        kind: str,
        shape: tuple[int, ...],
        a: Ids,
        b: Ids | None = None,
        weight: Any = None,
        bias: Any = None,
    ) -> Ids:
        """The ids of values of a shape."""
        size = int(np.prod(shape))
        self._count += size
        if self._count > MOST_VALUES:
            raise ValueError(
                f"{self._count} values are made of states; expected {MOST_VALUES} at most"
            )
        rows = self._table.add(f"{kind} of a state", "pending", 1, size)
        one = [None if part is None else _flat(part, shape) for part in (b, bias)]
        if kind != "product":
            a, weight = _flat(a, shape), None if weight is None else _flat(weight, shape)
        self._known[rows.base] = Pending(kind, a, one[0], weight, one[1])
        return rows.ids().reshape(shape)

    def of(self, ids: Ids) -> Pending | None:
        """How values came about, if all of them did so in one step."""
        table = self._table
        if (ids == ZERO).any() or table.kinds(ids) != {"pending"} or len(table.owners(ids)) != 1:
            return None
        return self._known[table.owners(ids)[0].base].part(table.columns(ids)[2].ravel())


def _flat(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """One value for each of a shape."""
    return np.array(np.broadcast_to(values, shape)).ravel()
