"""Positions of rows: value ``p * channels + c`` of a row is channel c of position p."""

from __future__ import annotations

from pylstm.arguments import count
from pylstm.layers.layer import MAX_DIMENSION

__all__ = ["positions_of"]


def positions_of(positions: object, width: int) -> int:
    """Positions that rows of a width can have.

    Examples
    --------
    >>> positions_of(4, 12)
    4
    >>> positions_of(5, 12)
    Traceback (most recent call last):
    ValueError: positions is 5; expected a divisor of the width of the rows, which is 12
    """
    found = count("positions", positions, 1, MAX_DIMENSION)
    if width % found:
        raise ValueError(
            f"positions is {found}; expected a divisor of the width of the rows, which is {width}"
        )
    return found
