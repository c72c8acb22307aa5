"""Why a loss is infinite, where the targets are to blame and not the training."""

from __future__ import annotations

from typing import Any

from pylstm.arguments import number_of
from pylstm.train.data.batch import Batch
from pylstm.train.losses.ctc import CTC
from pylstm.train.losses.head_losses import HeadLosses

__all__ = ["why_infinite"]


def why_infinite(loss: Any, rows: Batch, network: Any) -> str | None:
    """The target of a `CTC` loss that needs more rows than there are, and what to do.

    Parameters
    ----------
    loss : loss or HeadLosses
    rows : Batch
        As the loss took it.
    network : Network

    Returns
    -------
    str, or None
        If it has another reason.
    """
    heads = [("", loss, rows.targets)]
    if isinstance(loss, HeadLosses):
        heads = [
            (f"[{name!r}]", own, targets)
            for name, own, targets, _ in loss.by_head(rows.targets, rows.weights)
        ]
    for name, own, targets in heads:
        if not isinstance(own, CTC) or own.zero_infinity:
            continue
        for b, (target, n) in enumerate(zip(targets, rows.lengths, strict=True)):
            needed = own.needed_rows(target)
            if needed <= n:
                continue
            first, period = getattr(network, "row_times", (0, 1))
            has = number_of(int(n), "row")
            if (first, period) != (0, 1):
                has += (
                    f" (Network.row_times is {(first, period)}: a row every"
                    f" {number_of(period, 'frame')}, from frame {first} on)"
                )
            return (
                f"targets{name}[{b}] has {number_of(len(target), 'label')} in {has}; expected"
                f" {number_of(needed, 'row')} or more, one for each label and one between two that"
                " are equal: take longer sequences, less stride, or CTC(zero_infinity=True), which"
                " leaves such sequences out"
            )
    return None
