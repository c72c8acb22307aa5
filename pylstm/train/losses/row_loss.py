"""Losses that are a mean over rows: a row is a frame, or a sequence pooled into one."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import choice
from pylstm.train.losses.loss import LossResult, check_lengths, check_outputs, check_weights
from pylstm.train.losses.pooling import POOLINGS, Pooling, counted, pool, spread
from pylstm.train.settings_repr import SettingsRepr

__all__ = ["Per", "RowLoss"]

Per = Literal["frame", "sequence"]

Array = NDArray[Any]


class RowLoss(SettingsRepr):
    """A loss that is a mean over rows: a row is a frame, or a sequence pooled to one."""

    # Dimensions of a row's target: 0 for classes, 1 for values.
    target_dimensions: ClassVar[int]
    activation: ClassVar[Literal["softmax", "sigmoid"] | None]
    """The function that the loss computes itself, from logits; None: it takes outputs as they
    are."""

    def __init__(self, per: Per, pooling: Pooling) -> None:
        self.per = choice("per", per, get_args(Per))
        self.pooling = choice("pooling", pooling, POOLINGS)
        if per == "frame" and pooling != "last":
            raise ValueError(f"pooling is {pooling!r}, per is 'frame'; expected per='sequence'")

    def __call__(
        self, outputs: Array, targets: Array, lengths: Array | None = None, weights: Any = None
    ) -> LossResult:
        """The loss of a batch, and its gradient.

        Parameters
        ----------
        outputs : (T, B, O) float32
            Logits. With float64 everything is computed in float64.
        targets : ndarray
            With per="frame" one for each frame, with per="sequence" one for each sequence: whole
            numbers (T, B) or (B,) for classes, values (T, B, O) or (B, O) otherwise.
        lengths : (B,) of whole numbers, optional
            Frames of each sequence, 1 to T, in any order. None: all of them.
        weights : (T, B) or (B,) of numbers, optional
            How much each frame or each sequence counts; 0 or more.

        Returns
        -------
        LossResult

        Raises
        ------
        TypeError, ValueError
            An argument has another type, shape or range.
        """
        outputs = check_outputs(outputs)
        n_frames, n_sequences, n_outputs = outputs.shape
        lengths = check_lengths(lengths, n_frames, n_sequences)
        shape = (n_sequences,) if self.per == "sequence" else (n_frames, n_sequences)
        weights = check_weights("weights", weights, shape, outputs.dtype)
        target_shape = shape + (n_outputs,) * self.target_dimensions
        self._check_targets(targets, outputs)
        if targets.shape != target_shape:
            raise ValueError(
                f"targets has shape {targets.shape}; expected {target_shape}, "
                f"because per is {self.per!r} and outputs has shape {outputs.shape}"
                f"{self._cure(targets.shape, n_frames, n_sequences)}"
            )
        keep = self._kept(targets)
        if self.per == "sequence":
            rows = pool(outputs, lengths, self.pooling)
        else:
            rows = outputs.reshape(-1, n_outputs)
            if lengths is not None:
                inside = counted(lengths, n_frames)
                keep = inside if keep is None else keep & inside
        targets = targets.reshape(-1, *targets.shape[len(shape) :])
        weights = None if weights is None else weights.reshape(-1)
        # Overflow and NaN in the outputs show in the value; no warning is needed.
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            if keep is None:
                value, gradient, correct, n = self._mean(rows, targets, weights)
            else:
                index = np.flatnonzero(keep)
                gradient = np.zeros(rows.shape, rows.dtype)
                value, correct, n = math.nan, 0, 0
                if index.size:
                    weights = None if weights is None else weights[index]
                    value, part, correct, n = self._mean(rows[index], targets[index], weights)
                    gradient[index] = part
        if self.per == "sequence":
            gradient = spread(gradient, lengths, self.pooling, n_frames)
        return LossResult(value, gradient.reshape(outputs.shape), correct, n)

    def _cure(self, found: tuple[int, ...], n_frames: int, n_sequences: int) -> str:
        """What to do about targets of another shape, where that can be told."""
        if self.per == "frame" and found[:1] == (n_sequences,):
            if len(found) == 1 + self.target_dimensions:
                return "; for one target a sequence: per='sequence'"
        elif self.per == "sequence" and found[:2] == (n_frames, n_sequences):
            return "; for a target a frame: per='frame'"
        if self.per == "frame" and found[1:2] == (n_sequences,) and found[0] > n_frames:
            return (
                "; where layers give fewer rows than frames: targets[first::step] with"
                " first, step = Network.row_times"
            )
        return ""

    def _check_targets(self, targets: object, outputs: Array) -> None:
        """Refuses targets of the wrong type."""
        raise NotImplementedError

    def _kept(self, targets: Array) -> Array | None:
        """Which targets count; None: all of them."""
        return None

    def _mean(self, x: Array, y: Array, u: Array | None) -> tuple[float, Array, int, int]:
        """Value, gradient, correct, counted of the rows x (N, O) with weights u (N,) or None."""
        raise NotImplementedError
