"""A loss for each head of a graph, and their weighted sum."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import listing, number_of, real, shown
from pylstm.brief_repr import named_values
from pylstm.train.losses.loss import Loss, LossResult, check_outputs, nothing_counted
from pylstm.train.settings_repr import SettingsRepr

__all__ = ["HeadLosses", "HeadLossesResult"]

Array = NDArray[Any]


class HeadLossesResult(NamedTuple):
    """The result of a loss for each head.

    Attributes
    ----------
    value : float
        The weighted sum of the mean losses. NaN if nothing counts in any head.
    gradient : (T, B, O)
        Of `value` with respect to the outputs of all heads, side by side; 0 in a head without a
        loss, and where nothing counts.
    correct, counted : int
        The sums of those of the heads.
    heads : dict of str to LossResult
        What the loss of each head gave, not weighted.
    """

    value: float
    gradient: Array
    correct: int
    counted: int
    heads: dict[str, LossResult]

    def __repr__(self) -> str:
        return named_values(self, self._asdict())


class HeadLosses(SettingsRepr):
    r"""A loss for each head of a graph.

    A graph whose last layer is a `Concat` has several heads, named as in `Model.outputs` and
    `Network.outputs`. With the outputs x, the columns C_h of the head h, its targets y_h, its loss
    L_h and its weight w_h:

    .. math::

        L = \sum_h w_h L_h(x_{C_h}, y_h), \qquad
        \frac{∂L}{∂x_{C_h}} = w_h \frac{∂L_h}{∂x_{C_h}}

    Each L_h is a mean over what counts in its head, so that a head with few targets is as heavy as
    one with many. A head in which nothing counts adds nothing to a batch.

    Parameters
    ----------
    losses : mapping of str to loss or None
        For every head a `CrossEntropy`, `BCEWithLogits`, `CTC`, `MSE` or a loss of your own, per
        frame or per sequence; None: it is not trained.
    weights : mapping of str to float, optional
        w, 0 or more, 1 where nothing is said.

    Attributes
    ----------
    logits : tuple of str
        The heads whose losses take logits: what ``Network.forward(logits=...)`` takes.

    Raises
    ------
    TypeError, ValueError
        No loss is given, something else is among them, or a weight belongs to none.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> from pylstm import train
    >>> layers = {"gru": pylstm.GRU(13, 8, seed=0)}
    >>> layers["speech"] = (pylstm.Dense(8, 1, "sigmoid", seed=1), "gru")
    >>> layers["words"] = (pylstm.Dense(8, 3, "softmax", seed=2), "gru")
    >>> layers["both"] = (pylstm.Concat(), "speech", "words")
    >>> network = train.Network(layers)
    >>> loss = train.HeadLosses(
    ...     {"speech": train.BCEWithLogits(), "words": train.CrossEntropy(per="sequence")},
    ...     weights={"words": 0.5},
    ... )
    >>> x = np.random.default_rng(0).standard_normal((20, 2, 13), np.float32)
    >>> targets = {"speech": np.ones((20, 2, 1), np.float32), "words": np.array([0, 2])}
    >>> outputs, state, tape = network.forward(x, training=True, logits=loss.logits)
    >>> result = loss(outputs, targets, columns=network.outputs)
    >>> _ = network.backward(tape, result.gradient)
    >>> result.heads["speech"].counted, result.heads["words"].counted
    (40, 2)
    """

    def __init__(
        self, losses: Mapping[str, Loss | None], weights: Mapping[str, float] | None = None
    ) -> None:
        if not isinstance(losses, Mapping):
            raise TypeError(
                f"losses is {type(losses).__name__}; expected a mapping from heads to losses"
            )
        for name, loss in losses.items():
            if not isinstance(name, str):
                raise TypeError(f"a name in losses is {shown(name)}; expected a string")
            if isinstance(loss, type):
                raise TypeError(
                    f"losses[{name!r}] is the class {loss.__name__}; expected {loss.__name__}()"
                )
            if isinstance(loss, HeadLosses) or (loss is not None and not callable(loss)):
                raise TypeError(
                    f"losses[{name!r}] is {type(loss).__name__}; expected a loss or None"
                )
        self.losses = dict(losses)
        if not self.trained:
            raise ValueError("losses has no loss; expected at least one")
        if not isinstance(weights, Mapping | None):
            raise TypeError(
                f"weights is {type(weights).__name__}; expected a mapping from heads to numbers"
            )
        self.weights: dict[str, float] = {}
        for name, weight in (weights or {}).items():
            if name not in self.trained:
                raise ValueError(
                    f"weights has {shown(name)}; expected heads with a loss:"
                    f" {listing(self.trained)}"
                )
            found = real(f"weights[{name!r}]", weight)
            if not 0 <= found < math.inf:
                raise ValueError(f"weights[{name!r}] is {shown(weight)}; expected 0 or more")
            self.weights[name] = found
        if not any(map(self.weight, self.trained)):
            raise ValueError("weights is 0 for every head with a loss; expected one above 0")

    @property
    def trained(self) -> dict[str, Loss]:
        """The heads that have a loss, and it."""
        return {name: loss for name, loss in self.losses.items() if loss is not None}

    @property
    def logits(self) -> tuple[str, ...]:
        """The heads whose losses take logits."""
        return tuple(
            name
            for name, loss in self.trained.items()
            if getattr(loss, "activation", "unknown") is not None
        )

    def weight(self, name: str) -> float:
        """The weight of a head."""
        return self.weights.get(name, 1.0)

    def check_heads(self, columns: Mapping[str, Any]) -> None:
        """Refuses losses for other heads than a graph has.

        Parameters
        ----------
        columns : mapping of str to slice
            As `Network.outputs` and `Model.outputs` are.
        """
        if set(self.losses) != set(columns):
            raise ValueError(
                f"losses has the heads {listing(self.losses)}; expected those of the graph:"
                f" {listing(columns)} (None for one that is not trained)"
            )

    def __call__(
        self,
        outputs: Array,
        targets: Mapping[str, Any],
        lengths: Array | None = None,
        weights: Mapping[str, Any] | None = None,
        *,
        columns: Mapping[str, Any],
    ) -> HeadLossesResult:
        """The loss of a batch, and its gradient.

        Parameters
        ----------
        outputs : (T, B, O) float32
            Of all heads, side by side: logits of the heads in `logits`.
        targets : mapping of str to targets
            For every head with a loss what that loss takes.
        lengths : (B,) of whole numbers, optional
            Rows of each sequence, 1 to T. None: all of them.
        weights : mapping of str to ndarray, optional
            For some heads how much each frame or each sequence counts.
        columns : mapping of str to slice
            Which of the outputs are those of each head: ``network.outputs``.

        Returns
        -------
        HeadLossesResult

        Raises
        ------
        TypeError, ValueError
            An argument has another type, shape or range; the message names the head.
        """
        outputs = check_outputs(outputs)
        self.check_heads(columns)
        width = max(part.stop for part in columns.values())
        if outputs.shape[2] != width:
            raise ValueError(
                f"outputs has {number_of(outputs.shape[2], 'column')}; expected {width}, as columns"
            )
        values, gradient = [], np.zeros(outputs.shape, outputs.dtype)
        results: dict[str, LossResult] = {}
        for name, loss, head_targets, head_weights in self.by_head(targets, weights):
            part = columns[name]
            own = np.ascontiguousarray(outputs[:, :, part])
            try:
                result = loss(own, head_targets, lengths, head_weights)
            except (TypeError, ValueError) as error:
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(f"head {name!r}: {error}") from error
            results[name] = result
            if nothing_counted(result):
                continue
            weight = self.weight(name)
            if weight:  # else infinity, too, counts as nothing
                values.append(weight * result.value)
                gradient[:, :, part] = result.gradient * outputs.dtype.type(weight)
        correct = sum(result.correct for result in results.values())
        counted = sum(result.counted for result in results.values())
        value = sum(values) if values else math.nan
        return HeadLossesResult(value, gradient, correct, counted, results)

    def by_head(
        self, targets: object, weights: object
    ) -> Iterator[tuple[str, Loss, NDArray[Any] | list[NDArray[Any]], NDArray[Any] | None]]:
        """Of every head with a loss: name, loss, targets, and weights or None.

        Raises
        ------
        TypeError, ValueError
            They are no mappings, or of other heads.
        """
        names = list(self.trained)
        if not isinstance(targets, Mapping):
            raise TypeError(
                f"targets is {type(targets).__name__}; expected a mapping from heads to their"
                f" targets: {listing(names)}"
            )
        if set(targets) != set(names):
            raise ValueError(
                f"targets has the heads {listing(map(str, targets))}; expected those with a loss:"
                f" {listing(names)}"
            )
        if not isinstance(weights, Mapping | None) or set(weights or ()) - set(names):
            came = (
                f"the heads {listing(map(str, weights))}"
                if isinstance(weights, Mapping)
                else type(weights).__name__
            )
            raise (ValueError if isinstance(weights, Mapping) else TypeError)(
                f"weights is for {came}; expected a mapping from some of {listing(names)}"
            )
        for name, loss in self.trained.items():
            yield name, loss, targets[name], None if weights is None else weights.get(name)
