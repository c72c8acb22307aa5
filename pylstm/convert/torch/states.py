"""States in a PyTorch forward pass: what goes in as an argument and comes back as a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pylstm.arguments import number_of
from pylstm.convert.torch.rows import TIME, Rows

__all__ = [
    "GivenState",
    "LastState",
    "States",
    "Zeros",
    "is_state",
    "is_zero",
]

Path = tuple[Any, ...]


class Zeros:
    """A tensor of zeros, as a recurrent module may take one for its initial state."""


@dataclass(frozen=True)
class LastState:
    """What a recurrent module gives beside its outputs: the state after the last frame.

    Attributes
    ----------
    owner : str
        The step of the forward pass that gives it.
    part : str
        "h" or "c".
    rows : Rows, optional
        The outputs of the module, of which the last are h of its last layer.
    layers : int
        How many layers h is of.
    """

    owner: str
    part: str
    rows: Rows | None = None
    layers: int = 1

    def of_layer(self, index: Any, where: str) -> Rows:
        """h of one layer, which is the last row of the outputs if it is the last layer."""
        whole = isinstance(index, int) and -self.layers <= index < self.layers
        if self.rows is None or not whole or index % self.layers != self.layers - 1:
            raise ValueError(
                f"{where} takes {index!r} of the {self.part} after the last frame; expected"
                " h[-1], that of the last layer in one direction, which the last row is, or the"
                " outputs: out, _ = lstm(x)"
            )
        if TIME in self.rows.axes:
            return self.rows.last_frame()
        return self.rows.squeeze(self.rows.row_axes[0])  # a call has one frame, along this axis


@dataclass(frozen=True)
class GivenState:
    """An argument of the forward pass beside the frames, or a part of one.

    Attributes
    ----------
    argument : str
        Its name.
    path : tuple of int
        Which part: the index of each ``[]``.
    """

    argument: str
    path: Path = ()

    def part(self, index: Any, where: str) -> GivenState:
        """One of its parts."""
        if not isinstance(index, int) or index < 0:
            raise ValueError(
                f"{where} takes {index!r} of the state {self.argument!r}; expected one of its"
                " parts, such as state[0]"
            )
        return GivenState(self.argument, (*self.path, index))


@dataclass(frozen=True)
class _Use:
    """A part of an argument that a recurrent module begins from."""

    given: GivenState
    owner: str
    part: str
    shape: tuple[int, ...]


class States:
    """What the recurrent modules of a forward pass begin from, and whether it comes back.

    Parameters
    ----------
    asked : str
        What the arguments of the forward pass are, in messages.
    """

    def __init__(self, asked: str = "") -> None:
        self._asked = asked
        self._uses: list[_Use] = []
        self._zeroed: dict[tuple[str, str], str] = {}
        self._returned: list[Any] = []
        self._hidden: list[tuple[Rows, str]] = []

    def begin(
        self, owner: str, where: str, parts: Sequence[str], given: Any, shapes: Any, in_time: bool
    ) -> None:
        """Notes what a module begins from.

        `given`: one argument for each part, or the argument for all. `in_time`: whether it sees
        more than one frame in a call, so that it can begin from zeros.
        """
        each = [given] if len(parts) == 1 else given
        if isinstance(given, GivenState) and len(parts) > 1:
            each = [given.part(k, where) for k in range(len(parts))]
        elif is_zero(given):
            each = [given] * len(parts)
        if not isinstance(each, tuple | list) or len(each) != len(parts):
            raise ValueError(
                f"{where} takes {number_of(1, 'state')} for {' and '.join(parts)}; expected"
                f" {number_of(len(parts), 'state')}"
            )
        for part, one, shape in zip(parts, each, shapes, strict=True):
            if isinstance(one, GivenState):
                if any(use.given == one for use in self._uses):
                    raise ValueError(
                        f"{where} begins from a state that something else begins from, too, of the"
                        f" argument {one.argument!r}; expected a state for each"
                    )
                self._uses.append(_Use(one, owner, part, shape))
            elif not is_zero(one):
                raise ValueError(
                    f"{where} takes an initial state; expected none: it begins with zeros, as a"
                    " stream does, or with an argument of forward that comes back as a result"
                )
            elif not in_time:
                self._zeroed[owner, part] = where

    def end(self, results: Any, optional: Sequence[str]) -> None:
        """Checks that each state comes back, by what a forward pass gives.

        `optional`: its arguments that None is the default of, which may take states.

        Raises
        ------
        ValueError
            One does not, or no argument takes it.
        """
        self._returned = list(results) if isinstance(results, tuple | list) else [results]
        back = {(one.owner, one.part) for one in self.parts_of(self._returned)}
        for use in self._uses:
            if (use.owner, use.part) not in back:
                raise ValueError(
                    f"the argument {use.given.argument!r} is a state that does not come back;"
                    f" expected {use.part} of {use.owner!r} after the call among the results, as"
                    " in return out, (h, c)"
                )
        for (owner, part), where in self._zeroed.items():
            if (owner, part) not in back or not optional:
                raise ValueError(
                    f"{where} begins with zeros in each call, which has one frame; expected its"
                    f" state ({part}) as an argument of forward and among its results, as in"
                    " h, c = cell(x, (h, c)), or the cell by itself: from_torch(cell)"
                )
        self.by_default(optional)

    def parts_of(self, value: Any) -> list[LastState]:
        """All states in a result."""
        if isinstance(value, tuple | list):
            return [part for one in value for part in self.parts_of(one)]
        if isinstance(value, LastState):
            return [value]
        return [LastState(owner, "h") for rows, owner in self._hidden if rows is value]

    def is_hidden(self, value: Any) -> bool:
        """Whether these rows are h of a cell."""
        return isinstance(value, Rows) and bool(self.parts_of(value))

    def all_states(self, values: Any) -> bool:
        """Whether these are states, as a forward pass joins them to give them back."""
        whole = isinstance(values, tuple | list) and all(map(self.parts_of, values))
        return whole and any(isinstance(one, LastState) for one in values)

    def hidden(self, rows: Rows, owner: str) -> Rows:
        """The rows of a cell, which are its h as well."""
        self._hidden.append((rows, owner))
        return rows

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments that are states."""
        return tuple(dict.fromkeys(use.given.argument for use in self._uses))

    def by_default(self, optional: Sequence[str]) -> dict[str, int]:
        """Which result each argument takes next that is None at first: states in their order.

        Raises
        ------
        ValueError
            There are more or fewer of them than states.
        """
        if not self._zeroed:
            return {}
        places = [k for k, one in enumerate(self._returned) if self._is_given_back(one)]
        if len(places) != len(optional):
            raise ValueError(
                f"forward has {number_of(len(optional), 'argument')} that None is the default of,"
                f" and gives {number_of(len(places), 'state')} back; expected as many, in the same"
                " order"
            )
        return dict(zip(optional, places, strict=True))

    def _is_given_back(self, value: Any) -> bool:
        parts = self.parts_of(value)
        return bool(parts) and all((one.owner, one.part) in self._zeroed for one in parts)

    def zeros(self, argument: str, make: Any) -> Any:
        """The argument at the beginning; `make` gives a tensor of zeros of a shape."""
        own = {use.given.path: use.shape for use in self._uses if use.given.argument == argument}
        return _nested(own, make)

    def next(self, argument: str, results: Any) -> Any:
        """The argument of the next call, from what this one has given."""
        values = list(results) if isinstance(results, tuple | list) else [results]
        own = [use for use in self._uses if use.given.argument == argument]
        own.sort(key=lambda use: use.given.path)
        wanted = [(use.owner, use.part) for use in own]
        given = list(zip(self._returned, values, strict=True))
        for traced, value in _every(given):
            parts = [(one.owner, one.part) for one in self.parts_of(traced)]
            if parts == wanted:
                return value
        single = {
            (self.parts_of(traced)[0].owner, self.parts_of(traced)[0].part): value
            for traced, value in _every(given)
            if len(self.parts_of(traced)) == 1
        }
        return _nested({use.given.path: (use.owner, use.part) for use in own}, single.__getitem__)


def _every(pairs: Any) -> Iterator[tuple[Any, Any]]:
    """Each result, and each that is inside of one."""
    for traced, value in pairs:
        yield traced, value
        if isinstance(traced, tuple | list) and isinstance(value, tuple | list):
            yield from _every(zip(traced, value, strict=True))


def _nested(leaves: Any, make: Any) -> Any:
    """Tuples inside of tuples with a value at each path."""
    if set(leaves) == {()}:
        return make(leaves[()])
    found = []
    for k in range(1 + max(path[0] for path in leaves)):
        inner = {path[1:]: leaf for path, leaf in leaves.items() if path[:1] == (k,)}
        found.append(_nested(inner, make) if inner else None)
    return tuple(found)


def is_zero(value: Any) -> bool:
    """Whether an initial state is the one without one."""
    if isinstance(value, tuple | list):
        return all(map(is_zero, value))
    if isinstance(value, np.ndarray):
        return not value.any()
    return value is None or isinstance(value, Zeros)


def is_state(value: Any) -> bool:
    """Whether a result is made of states alone."""
    if isinstance(value, tuple | list):
        return all(map(is_state, value))
    return value is None or isinstance(value, LastState)
