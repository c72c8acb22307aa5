"""How a file of a published network becomes a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pylstm.arguments import shown
from pylstm.convert.conversion import Conversion

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """What a file is, and how layers, features and a decision are made of it.

    Attributes
    ----------
    title : str
        The network's name.
    rates : tuple of int
        The sample rates, Hz, that it has a network for.
    make : callable
        A rate of these to a `Conversion`.
    """

    title: str
    rates: tuple[int, ...]
    make: Callable[[int], Conversion]

    @property
    def expected_rates(self) -> str:
        """The rates as a message has them."""
        return " or ".join(map(str, self.rates))

    def __call__(self, rate: int | None = None) -> Conversion:
        """Makes it for a sample rate, which needs no word where there is one alone.

        Raises
        ------
        ValueError
            There is no network for this rate, or several and none was chosen; or the file has
            something that its recipe does not know.
        """
        if rate is None and len(self.rates) == 1:
            (rate,) = self.rates
        if rate not in self.rates:
            raise ValueError(
                f"rate is {shown(rate)}; expected {self.expected_rates}, for which the file of"
                f" {self.title} has a network"
            )
        return self.make(rate)
