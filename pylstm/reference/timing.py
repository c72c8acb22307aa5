"""When rows are: what a layer sees in time, and which rows of several layers belong together."""

from typing import NamedTuple


class Timing(NamedTuple):
    """Which rows an output row of a layer sees: row j sees those from ``j * stride - left`` on,
    `window` of them, where `left` rows of zeros stand before the first and `right` after the last.
    """

    window: int = 1
    left: int = 0
    right: int = 0
    stride: int = 1


class Rate(NamedTuple):
    """Row j of a layer stands for row ``first + j * period`` of the features."""

    first: int = 0
    period: int = 1

    def through(self, timing: Timing) -> "Rate":
        """The rate of what comes out of a layer.

        Its row 0 stands for the last row that it sees, or, with rows of zeros after the last, for
        the one before these.

        Examples
        --------
        >>> Rate().through(Timing(window=5, stride=2)).through(Timing(window=3, left=2))
        Rate(first=4, period=2)
        """
        seen = timing.window - 1 - timing.left - timing.right
        return Rate(self.first + self.period * seen, self.period * timing.stride)


def joined(rates: list[Rate]) -> tuple[Rate, list[int]]:
    """The rate of rows that belong together, and how many first rows of each input belong to none.

    Examples
    --------
    >>> joined([Rate(4, 2), Rate(0, 2)])
    (Rate(first=4, period=2), [0, 2])
    """
    last = max(rates)
    for rate in rates:
        if rate.period != last.period or (last.first - rate.first) % last.period:
            raise ValueError(f"inputs have rows at {rate} and {last}; expected the same rows")
    return last, [(last.first - rate.first) // last.period for rate in rates]
