"""What values come out of a layer: any numbers, probabilities, or others within bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType

__all__ = ["ANY_VALUE", "OutputValues", "ValueRange", "together"]

ValueRange = tuple[float, float]
"""The least and the largest value."""

ANY_VALUE: ValueRange = (-math.inf, math.inf)

_RANGES = MappingProxyType(
    {
        "sigmoid": (0.0, 1.0),
        "hard_sigmoid": (0.0, 1.0),
        "softmax": (0.0, 1.0),
        "log_softmax": (-math.inf, 0.0),
        "tanh": (-1.0, 1.0),
        "softsign": (-1.0, 1.0),
        "relu": (0.0, math.inf),
        "sqrt": (0.0, math.inf),
        "square": (0.0, math.inf),
        "gelu": (-0.171, math.inf),
        "gelu_tanh": (-0.171, math.inf),
        "silu": (-0.279, math.inf),
    }
)
"""Of functions without parameters that do not give every value."""


def together(ranges: Sequence[ValueRange]) -> ValueRange:
    """The range of values of which each lies in one of some ranges.

    Examples
    --------
    >>> together([(0.0, 1.0), (-1.0, 0.5)])
    (-1.0, 1.0)
    """
    return min(low for low, _ in ranges), max(high for _, high in ranges)


class OutputValues:
    """What a layer says of the values that come out of it."""

    @property
    def last_function(self) -> str:
        """The function that its values went through last, as `Activation` calls it."""
        return "linear"

    @property
    def gives_distribution(self) -> bool:
        """Whether a row that comes out is a distribution: posteriors that sum to 1."""
        return self.last_function == "softmax"

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie, whatever its weights are.

        Parameters
        ----------
        inputs : sequence of (float, float)
            The range of each input.
        """
        return _RANGES.get(self.last_function, ANY_VALUE)
