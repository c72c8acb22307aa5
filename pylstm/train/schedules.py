"""Schedules: the factor of the learning rate at each step or epoch.

`fit` calls `factor(step, epoch)` before every step, both counted from 0, and `observe(value)` after
every epoch with the loss that should fall. Only `Plateau` has a state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pylstm.arguments import count, described, listing, number, real, within
from pylstm.train.settings_repr import SettingsRepr

__all__ = ["Constant", "Cosine", "Plateau", "Schedule", "Step"]


class Schedule(SettingsRepr):
    """Base of all schedules."""

    def factor(self, step: int, epoch: int) -> float:
        """The factor of the learning rate.

        Parameters
        ----------
        step, epoch : int
            Finished steps and epochs.

        Returns
        -------
        float
            0 or more.
        """
        raise NotImplementedError

    def observe(self, value: float) -> None:
        """Takes the loss after an epoch; most schedules ignore it.

        Parameters
        ----------
        value : float
            Lower is better; NaN is not an improvement.
        """

    def state(self) -> dict[str, int | float]:
        """The state that `observe` has changed.

        Returns
        -------
        dict of str to int or float
            Empty for a schedule that only depends on step and epoch.
        """
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continues where `state` was taken, given the same settings.

        Parameters
        ----------
        state : mapping
            What `state` returned.

        Raises
        ------
        TypeError, ValueError
            The state is not one of this kind of schedule. Nothing has changed then.
        """
        _check_state(state, type(self).__name__, ())


class Constant(Schedule):
    """A constant learning rate.

    Examples
    --------
    >>> from pylstm.train.schedules import Constant
    >>> Constant().factor(step=1000, epoch=7)
    1.0
    """

    def factor(self, step: int, epoch: int) -> float:
        """1, always."""
        _check_position(step, epoch)
        return 1.0


class Cosine(Schedule):
    r"""A linear warm-up, then a cosine down to a floor [1]_.

    With N steps, W of them warm-up, floor f and step s:

    .. math::

        \frac{s + 1}{W} \quad (s < W), \qquad
        f + \frac{1 - f}{2} \Bigl(1 + \cos\frac{π (s - W)}{N - W}\Bigr) \quad (W ≤ s < N),
        \qquad f \quad (s ≥ N)

    The second part is ``torch.optim.lr_scheduler.CosineAnnealingLR`` (PyTorch 2.13), the first
    ``LinearLR`` with start_factor=1/W and total_iters=W-1.

    Parameters
    ----------
    total_steps : int
        N.
    warmup_steps : int, default 0
        W, below N.
    floor : float, default 0.0
        f, from 0 to 1.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR
       2017.

    Examples
    --------
    >>> from pylstm.train.schedules import Cosine
    >>> schedule = Cosine(total_steps=6, warmup_steps=2)
    >>> [round(schedule.factor(step, epoch=0), 3) for step in range(8)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def __init__(self, total_steps: int, warmup_steps: int = 0, floor: float = 0.0) -> None:
        self.total_steps = count("total_steps", total_steps, 1)
        self.warmup_steps = count("warmup_steps", warmup_steps, 0)
        if self.warmup_steps >= self.total_steps:
            raise ValueError(
                f"warmup_steps is {self.warmup_steps}; expected below total_steps, "
                f"{self.total_steps}"
            )
        self.floor = within("floor", floor, 0.0, 1.0)

    def factor(self, step: int, epoch: int) -> float:
        """See the class."""
        _check_position(step, epoch)
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        if step >= self.total_steps:
            return self.floor
        progress = (step - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2


class Step(Schedule):
    r"""The same decrease after every few epochs.

    .. math:: γ^{\lfloor e / n \rfloor}

    for the epoch e; ``torch.optim.lr_scheduler.StepLR`` (PyTorch 2.13).

    Parameters
    ----------
    every_epochs : int
        n, 1 or more.
    factor : float
        γ, above 0 and at most 1.

    Examples
    --------
    >>> from pylstm.train.schedules import Step
    >>> schedule = Step(every_epochs=2, factor=0.5)
    >>> [schedule.factor(step=0, epoch=epoch) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, every_epochs: int, factor: float) -> None:
        self.every_epochs = count("every_epochs", every_epochs, 1)
        self.decay = _positive(within("factor", factor, 0.0, 1.0))

    def __repr__(self) -> str:
        return f"Step(every_epochs={self.every_epochs}, factor={self.decay})"

    def factor(self, step: int, epoch: int) -> float:
        """See the class."""
        _check_position(step, epoch)
        return float(self.decay ** (epoch // self.every_epochs))


class Plateau(Schedule):
    """A decrease when the loss no longer falls.

    A loss is an improvement when it is below 0.9999 of the best so far. After more than `patience`
    epochs in a row without one, the factor is multiplied once and the count begins anew;
    ``torch.optim.lr_scheduler.ReduceLROnPlateau`` (PyTorch 2.13) with its other settings left
    alone.

    Parameters
    ----------
    factor : float, default 0.5
        Multiplies the learning rate; above 0 and below 1.
    patience : int, default 3
        Epochs without improvement that are tolerated.
    floor : float, default 0.0
        The lowest factor, from 0 to 1.

    Examples
    --------
    >>> from pylstm.train.schedules import Plateau
    >>> schedule = Plateau(factor=0.5, patience=1)
    >>> for loss in (1.0, 0.9, 0.95, 0.92):
    ...     schedule.observe(loss)
    >>> schedule.factor(step=0, epoch=4)
    0.5
    """

    def __init__(self, factor: float = 0.5, patience: int = 3, floor: float = 0.0) -> None:
        self.decay = _positive(number("factor", factor, below=1))
        self.patience = count("patience", patience, 0)
        self.floor = within("floor", floor, 0.0, 1.0)
        self._factor = 1.0
        self._best = math.inf
        self._without = 0

    def __repr__(self) -> str:
        return f"Plateau(factor={self.decay}, patience={self.patience}, floor={self.floor})"

    def factor(self, step: int, epoch: int) -> float:
        """See the class."""
        _check_position(step, epoch)
        return self._factor

    def observe(self, value: float) -> None:
        """See `Schedule.observe`."""
        value = real("value", value)
        if value < self._best * (1 - 1e-4):
            self._best = value
            self._without = 0
            return
        self._without += 1
        if self._without > self.patience:
            self._factor = max(self._factor * self.decay, self.floor)
            self._without = 0

    def state(self) -> dict[str, int | float]:
        """The ``factor`` reached, the ``best`` loss, and the epochs ``without`` improvement."""
        return {"factor": self._factor, "best": self._best, "without": self._without}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Schedule.restore`."""
        _check_state(state, "Plateau", ("factor", "best", "without"))
        factor = within("'factor' of the state", state["factor"], 0.0, 1.0)
        best = real("'best' of the state", state["best"])
        if math.isnan(best):
            raise ValueError("'best' of the state is NaN; expected a number")
        self._without = count("'without' of the state", state["without"], 0)
        self._factor, self._best = factor, best


def _check_position(step: object, epoch: object) -> None:
    count("step", step, 0)
    count("epoch", epoch, 0)


def _check_state(state: object, kind: str, expected: tuple[str, ...]) -> None:
    if not isinstance(state, Mapping):
        raise TypeError(f"state is {described(state)}; expected what state() returned")
    if set(state) != set(expected):
        came = listing(state) if state else "nothing"
        wanted = listing(expected) if expected else "nothing"
        raise ValueError(f"state has {came}; expected {wanted} for {kind}")


def _positive(factor: float) -> float:
    if not factor:
        raise ValueError(f"factor is {factor}; expected above 0")
    return factor
