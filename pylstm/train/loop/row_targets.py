"""The targets of the rows that a network gives, which may be fewer than the frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from pylstm.train.data.batch import Batch
from pylstm.train.losses.head_losses import HeadLosses
from pylstm.train.losses.loss import Loss

__all__ = ["of_rows"]


def of_rows(batch: Batch, network: Any, loss: Loss | HeadLosses) -> Batch:
    """A batch as the loss of a network sees it: lengths, targets and weights of its rows.

    Parameters
    ----------
    batch : Batch
        Of frames.
    network : Network
        Whose `row_times` say which frame each of its rows stands for; without them all do.
    loss : loss
        With ``per="frame"``, targets and weights of the frames that rows stand for are taken. Of
        `HeadLosses` each as its own loss says.

    Raises
    ------
    ValueError
        A sequence is so short that there is no row of it, or there is not a target for each frame.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace as Network
    >>> from pylstm.train import CrossEntropy
    >>> frames = np.zeros((5, 1, 3), np.float32)
    >>> batch = Batch(frames, np.array([5]), np.arange(5)[:, None])
    >>> rows = of_rows(batch, Network(row_times=(1, 2)), CrossEntropy())
    >>> rows.lengths, rows.targets[:, 0]
    (array([2]), array([1, 3]))
    """
    first, period = getattr(network, "row_times", (0, 1))
    if (first, period) == (0, 1):
        return batch
    lengths = (batch.lengths - 1 - first) // period + 1
    short = np.flatnonzero(lengths < 1)
    if short.size:
        raise ValueError(
            f"lengths[{short[0]}] is {batch.lengths[short[0]]}; expected {first + 1} or more: the"
            f" network's first row stands for frame {first}"
        )
    batch = batch._replace(lengths=lengths)

    def of_head(name: str, loss: Loss, targets: Any, weights: Any) -> tuple[Any, Any]:
        if getattr(loss, "per", None) != "frame":
            return targets, weights
        taken = []
        for what, values in (("targets", targets), ("weights", weights)):
            _check_frames(f"{what}{name}", values, batch.x.shape[:2])
            taken.append(None if values is None else values[first::period])
        return taken[0], taken[1]

    if not isinstance(loss, HeadLosses):
        targets, weights = of_head("", loss, batch.targets, batch.weights)
        return batch._replace(targets=targets, weights=weights)
    found = {
        name: of_head(f"[{name!r}]", own, targets, weights)
        for name, own, targets, weights in loss.by_head(batch.targets, batch.weights)
    }
    return batch._replace(
        targets={name: targets for name, (targets, _) in found.items()},
        weights={name: weights for name, (_, weights) in found.items() if weights is not None},
    )


def _check_frames(name: str, values: Any, shape: tuple[int, ...]) -> None:
    """Refuses targets or weights that are not one for each frame, before some are taken."""
    if values is None:
        return
    came = getattr(values, "shape", None)
    if came is None:
        raise TypeError(f"{name} is {type(values).__name__}; expected an array, per is 'frame'")
    if came[:2] != shape:
        cure = "; for one target a sequence: per='sequence'" if came[:1] == shape[1:] else ""
        raise ValueError(
            f"{name} has shape {came}; expected {shape}, one for each frame, because per is"
            f" 'frame'{cure}"
        )
