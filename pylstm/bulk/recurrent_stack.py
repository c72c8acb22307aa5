"""Recurrent layers over whole batches: stacks, directions, dropout, and what gradients need.

A pass keeps, for every frame and each layer and direction, the activated gates, h and c before the
step, and the layer's input: for an LSTM 4 H + H + H floats beside the input and the output. With
`recompute`, a layer keeps its input and output, and its state at the beginning of each segment of
that many frames; backward runs forward again, segment by segment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm import _bulk
from pylstm.bulk.packed_sequences import Packed
from pylstm.bulk.recomputed_segments import Segment, segments_backward, segments_forward
from pylstm.bulk.states import State

__all__ = ["RecurrentStack", "Tape"]

Array = NDArray[np.float32]

PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


@dataclass
class Tape:
    """What a forward pass of a stack keeps for its gradients."""

    packed: Packed
    kept: list[list[list[Segment] | tuple[Any, ...] | None]] = field(default_factory=list)
    """For each layer and direction, what the pass kept, or the segments to compute it from."""
    inputs: list[Array] = field(default_factory=list)
    masks: list[Array | None] = field(default_factory=list)
    """What dropout multiplied the outputs of each layer with; None: nothing was dropped."""


class RecurrentStack:
    """Recurrent layers on top of each other with their weights: a
    `pylstm.bulk.bulk_layer.BulkLayer`.

    Parameters
    ----------
    cell : str
        ``lstm``, ``gru``, ``rnn_tanh`` or ``rnn_relu``.
    weights : dict of str to ndarray
        Under PyTorch's names.
    num_layers : int
        Layers on top of each other.
    suffixes : tuple of str
        What the names of each direction's weights end in: forward, backward.
    gradients : bool
        Whether there will be backward passes.
    dropout : float
        The share of outputs between two layers that is set to 0 where `forward` gets a generator.
    """

    def __init__(
        self,
        cell: str,
        weights: dict[str, Array],
        num_layers: int,
        suffixes: tuple[str, ...],
        gradients: bool,
        dropout: float = 0.0,
    ) -> None:
        self._names = [
            [tuple(f"{part}_l{k}{suffix}" for part in PARTS) for suffix in suffixes]
            for k in range(num_layers)
        ]
        self._directions = [
            [_bulk.Direction(cell, tuple(map(weights.get, names)), gradients) for names in layer]
            for layer in self._names
        ]
        self._dropout = dropout
        first = self._directions[0][0]
        self._state_widths = first.state_widths
        self._width = first.width
        self._n_outputs = first.width * len(suffixes)

    @property
    def kept_per_row(self) -> int:
        """Floats of a tape for each row, input and output rows not counted."""
        inside = len(self._directions) - 1
        return (
            sum(direction.kept_per_row for layer in self._directions for direction in layer)
            # The rows between the layers of the stack, and their dropout masks.
            + inside * self._n_outputs * (1 + bool(self._dropout))
        )

    def forward(
        self,
        x: Array,
        packed: Packed,
        state: State | None,
        *,
        keep: bool = False,
        rng: np.random.Generator | None = None,
        recompute: int | None = None,
    ) -> tuple[Array, State, Any]:
        """Runs over all rows: see `BulkLayer.forward`."""
        ends = self._zeros(packed.batch)
        tape = Tape(packed) if keep else None
        for k, layer in enumerate(self._directions):
            y = np.empty((packed.rows, self._n_outputs), np.float32)
            kept: list[Any] = []
            for d, direction in enumerate(layer):
                place = k * len(layer) + d
                running = self._padded(state, place, packed.batch)
                column = d * self._width
                if keep and recompute is not None:
                    kept.append(
                        segments_forward(
                            direction, x, packed, d == 1, running, y, column, recompute
                        )
                    )
                else:
                    kept.append(
                        direction.forward(x, packed.steps, d == 1, running, y, column, keep)
                    )
                self._store(running, ends, place)
            mask = None
            if rng is not None and self._dropout and k + 1 < len(self._directions):
                mask = (rng.random(y.shape, np.float32) >= self._dropout).astype(np.float32)
                mask *= np.float32(1 / (1 - self._dropout))
                y *= mask
            if tape is not None:
                tape.kept.append(kept)
                tape.inputs.append(x)
                tape.masks.append(mask)
            x = y
        return x, ends, tape

    def backward(
        self,
        tape: Tape,
        dy: Array,
        d_state: State | None,
        gradients: dict[str, Array],
        d_inputs: bool,
    ) -> tuple[Array | None, State]:
        """Runs back over a forward pass: see `BulkLayer.backward`."""
        packed = tape.packed
        begins = self._zeros(packed.batch)
        dx: Array | None = None
        for k in reversed(range(len(self._directions))):
            layer = self._directions[k]
            mask = tape.masks[k]
            if mask is not None:
                dy = dy * mask
            dx = np.empty_like(tape.inputs[k]) if k or d_inputs else None
            for d, direction in enumerate(layer):
                place = k * len(layer) + d
                running = self._padded(d_state, place, packed.batch)
                parts = tuple(map(gradients.get, self._names[k][d]))
                column = d * self._width
                kept = tape.kept[k][d]
                if isinstance(kept, list):
                    segments_backward(
                        direction, kept, tape.inputs[k], d == 1, dy, column, running, dx, d > 0,
                        parts,
                    )  # fmt: skip
                else:
                    assert kept is not None
                    direction.backward(
                        kept, packed.steps, d == 1, dy, column, running, dx, d > 0, parts
                    )
                self._store(running, begins, place)
                tape.kept[k][d] = None  # its memory is free for the layers below
            dy = dx if dx is not None else dy
        return dx, begins

    def _zeros(self, batch: int) -> State:
        places = len(self._directions) * len(self._directions[0])
        return tuple(np.zeros((places, batch, width), np.float32) for width in self._state_widths)

    def _padded(self, state: State | None, place: int, batch: int) -> State:
        """The state of one layer in one direction, with zeros after its last unit."""
        found = tuple(
            np.zeros((batch, _bulk.padded(width)), np.float32) for width in self._state_widths
        )
        for part, given in zip(found, state or (), strict=False):
            part[:, : given.shape[2]] = given[place]
        return found

    @staticmethod
    def _store(padded: State, state: State, place: int) -> None:
        """The inverse of `_padded`."""
        for part, target in zip(padded, state, strict=True):
            target[place] = part[:, : target.shape[2]]
