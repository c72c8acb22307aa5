"""Passes that keep only the states between segments, from which backward runs forward again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pylstm import _bulk
from pylstm.bulk.packed_sequences import Packed
from pylstm.bulk.states import State

__all__ = ["Segment", "segments_backward", "segments_forward"]

Array = NDArray[np.float32]


@dataclass
class Segment:
    """A run of consecutive steps: their rows, and the state before them."""

    rows: slice
    steps: _bulk.Steps
    state: State


def segments_forward(
    direction: _bulk.Direction,
    x: Array,
    packed: Packed,
    reverse: bool,
    state: State,
    y: Array,
    column: int,
    length: int,
) -> list[Segment]:
    """`_bulk.Direction.forward` that keeps nothing but the states between segments.

    Parameters
    ----------
    direction, x, reverse, state, y, column
        As there.
    packed : Packed
        Which sequence and frame each row is.
    length : int
        Frames of a segment.
    """
    starts = np.concatenate([[0], np.cumsum(packed.sizes)])
    segments = []
    firsts = list(range(0, len(packed.sizes), length))
    for first in reversed(firsts) if reverse else firsts:
        sizes = packed.sizes[first : first + length]
        rows = slice(int(starts[first]), int(starts[first + len(sizes)]))
        segment = Segment(
            rows, _bulk.Steps(sizes), tuple(part[: sizes[0]].copy() for part in state)
        )
        running = tuple(part[: sizes[0]] for part in state)
        direction.forward(x[rows], segment.steps, reverse, running, y[rows], column, False)
        segments.append(segment)
    return segments


def segments_backward(
    direction: _bulk.Direction,
    segments: list[Segment],
    x: Array,
    reverse: bool,
    dy: Array,
    column: int,
    d_state: State,
    dx: Array | None,
    dx_begun: bool,
    gradients: tuple[Array | None, ...],
) -> None:
    """`_bulk.Direction.backward` that computes each segment again before it runs back over it."""
    for segment in reversed(segments):
        rows, steps = segment.rows, segment.steps
        again = np.empty((steps.rows, dy.shape[1]), np.float32)
        kept = direction.forward(x[rows], steps, reverse, segment.state, again, column, True)
        assert kept is not None
        running = tuple(part[: steps.batch] for part in d_state)
        direction.backward(
            kept, steps, reverse, dy[rows], column, running,
            None if dx is None else dx[rows], dx_begun, gradients,
        )  # fmt: skip
