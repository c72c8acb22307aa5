"""Targets in memory, and their weights: of one head of a network, or of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import listing
from pylstm.train.data.array_checks import check_as_many, fitting, per_of, target_of, weight_of
from pylstm.train.data.batch import (
    HeadTargets,
    Per,
    Targets,
    Weights,
    packed_targets,
    packed_weights,
)

__all__ = ["ArrayTargets"]


class _OneHead:
    """The targets of one head: one for each sequence, and perhaps weights."""

    def __init__(
        self, ys: Any, weights: Any, per: Per | None, lengths: NDArray[np.int64], head: str
    ) -> None:
        names = f"ys{head}", f"weights{head}"
        check_as_many(names[0], ys, len(lengths))
        targets = [target_of(f"{names[0]}[{place}]", y) for place, y in enumerate(ys)]
        self.per = per_of(names[0], per, targets, lengths)
        self.ys = fitting(names[0], targets, self.per, lengths)
        self.weights = None
        if weights is not None:
            check_as_many(names[1], weights, len(lengths))
            shapes = [(int(n),) if self.per == "frame" else () for n in lengths]
            self.weights = [
                weight_of(f"{names[1]}[{place}]", w, shape)
                for place, (w, shape) in enumerate(zip(weights, shapes, strict=True))
            ]


class ArrayTargets:
    """Targets of sequences in memory.

    Parameters
    ----------
    ys, weights, per
        As `Arrays` takes them: of one head, or mappings from names of heads.
    lengths : array, shape (N,), int64
        Frames of each sequence.

    Examples
    --------
    >>> lengths = np.array([2, 1])
    >>> targets = ArrayTargets({"a": [0, 1], "b": [[1, 0], [1]]}, None, None, lengths)
    >>> targets.per
    {'a': 'sequence', 'b': 'frame'}
    """

    def __init__(self, ys: Any, weights: Any, per: Any, lengths: NDArray[np.int64]) -> None:
        self._lengths = lengths
        self._single = not isinstance(ys, Mapping)
        if isinstance(ys, Mapping):
            if not ys:
                raise ValueError("ys has no head; expected targets of at least one")
            for what, values in (("weights", weights), ("per", per)):
                _check_names(what, values, ys)
            weights = weights or {}
            pers = per if isinstance(per, Mapping) else dict.fromkeys(ys, per)
            self._heads = {
                name: _OneHead(own, weights.get(name), pers.get(name), lengths, f"[{name!r}]")
                for name, own in ys.items()
            }
        else:
            self._heads = {"": _OneHead(ys, weights, per, lengths, "")}

    @property
    def per(self) -> Per | dict[str, Per]:
        """What a target belongs to; for several heads a dict from their names."""
        if self._single:
            return self._heads[""].per
        return {name: head.per for name, head in self._heads.items()}

    def of(self, rows: Sequence[int] | NDArray[np.int64]) -> tuple[Targets, Weights | None]:
        """The targets and the weights of a batch of some sequences."""
        lengths = self._lengths[rows]
        targets: dict[str, HeadTargets] = {}
        weights: dict[str, NDArray[np.float32]] = {}
        for name, head in self._heads.items():
            targets[name] = packed_targets([head.ys[row] for row in rows], head.per, lengths)
            if head.weights is not None:
                own = [head.weights[row] for row in rows]
                weights[name] = packed_weights(own, head.per, lengths)
        if self._single:
            return targets[""], weights.get("")
        return targets, weights or None


def _check_names(what: str, values: Any, ys: Mapping[str, Any]) -> None:
    if values is None or (what == "per" and isinstance(values, str)):
        return
    if not isinstance(values, Mapping):
        raise TypeError(
            f"{what} is {type(values).__name__}; expected a mapping from heads, as ys is one"
        )
    for name in values:
        if name not in ys:
            raise ValueError(f"{what} has the head {name!r}; expected those of ys: {listing(ys)}")
