"""Recurrent layers over whole batches: stacks, directions, dropout, and what gradients need.

A pass keeps, for every frame and each layer and direction, the activated gates, h and c before the
step, and the layer's input: for an LSTM 4 H + H + H floats beside the input and the output. With
`recompute`, a layer keeps its input and output, and its state at the beginning of each segment of
that many frames; backward runs forward again, segment by segment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm import _bulk
from pylstm.bulk.bulk_layer import PassSettings
from pylstm.bulk.packed_sequences import Packed
from pylstm.bulk.recomputed_segments import Segment, segments_backward, segments_forward
from pylstm.bulk.states import State

__all__ = ["RecurrentStack", "Tape"]

Array = NDArray[np.float32]

PARTS = (
    *("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"),
    *("peephole_i", "peephole_f", "peephole_o", "gain_ih", "gain_hh", "gain_c", "bias_c"),
)


@dataclass
class Tape:
    """What a forward pass of a stack keeps for its gradients."""

    packed: Packed
    layers: list[tuple[list[list[Segment] | tuple[Any, ...] | None], Array, Array | None]]
    """What each direction of a layer kept, or the segments to compute it from; the layer's inputs;
    what dropout multiplied its outputs with (None: nothing was dropped)."""


class RecurrentStack:
    """Recurrent layers on top of each other with their weights: a
    `pylstm.bulk.bulk_layer.BulkLayer`.

    Parameters
    ----------
    cell : str
        ``lstm``, ``lstm_coupled``, ``gru``, ``rnn_tanh`` or ``rnn_relu``.
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
    clips : (float, float), optional
        The limits of sums and memory of an LSTM with options; None: it is ``torch.nn.LSTM``.
    gate_slope : float
        Of hard gates; 0: gates are sigmoids.
    """

    def __init__(
        self,
        cell: str,
        weights: dict[str, Array],
        num_layers: int,
        suffixes: tuple[str, ...],
        gradients: bool,
        dropout: float = 0.0,
        clips: tuple[float, float] | None = None,
        gate_slope: float = 0.0,
    ) -> None:
        self._names = [
            [tuple(f"{part}_l{k}{suffix}" for part in PARTS) for suffix in suffixes]
            for k in range(num_layers)
        ]
        self._directions = [
            [
                _bulk.Direction(cell, tuple(map(weights.get, names)), gradients, clips, gate_slope)
                for names in layer
            ]
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

    def out_packed(self, packed: Packed) -> Packed:
        """The same: see `BulkLayer.out_packed`."""
        return packed

    def forward(
        self, x: Array, packed: Packed, state: State | None, settings: PassSettings
    ) -> tuple[Array, State, Any]:
        """Runs over all rows: see `BulkLayer.forward`."""
        keep, rng, recompute = settings.keep, settings.rng, settings.recompute
        ends = self._zeros(packed.batch)
        tape = Tape(packed, []) if keep else None
        for k, layer in enumerate(self._directions):
            y = np.empty((packed.rows, self._n_outputs), np.float32)
            kept: list[Any] = []
            for d, direction in enumerate(layer):
                place = k * len(layer) + d
                running = self._padded(state, place, packed.batch)
                given = (d == 1, _first(running, packed), y, d * self._width)
                if not packed.rows:
                    kept.append([])  # no segments
                elif keep and recompute is not None:
                    kept.append(segments_forward(direction, x, packed, *given, recompute))
                else:
                    kept.append(direction.forward(x, packed.steps, *given, keep))
                self._store(running, ends, place)
            mask = None
            if rng is not None and self._dropout and k + 1 < len(self._directions):
                mask = (rng.random(y.shape, np.float32) >= self._dropout).astype(np.float32)
                mask *= np.float32(1 / (1 - self._dropout))
                y *= mask
            if tape is not None:
                tape.layers.append((kept, x, mask))
            x = y
        return x, ends, tape

    def backward(
        self, tape: Tape, dy: Array, d_state: State | None, gradients: dict[str, Array], d_x: bool
    ) -> tuple[Array | None, State]:
        """Runs back over a forward pass: see `BulkLayer.backward`."""
        packed = tape.packed
        begins = self._zeros(packed.batch)
        dx: Array | None = None
        for k in reversed(range(len(self._directions))):
            layer = self._directions[k]
            kept, x, mask = tape.layers.pop()
            if mask is not None:
                dy = dy * mask
            dx = np.empty_like(x) if k or d_x else None
            for d, direction in enumerate(layer):
                place = k * len(layer) + d
                running = self._padded(d_state, place, packed.batch)
                parts = tuple(map(gradients.get, self._names[k][d]))
                states = _first(running, packed)
                given = (d == 1, dy, d * self._width, states, dx, d > 0, parts)
                own = kept[d]
                assert own is not None
                if isinstance(own, list):
                    segments_backward(direction, own, x, *given)
                else:
                    direction.backward(own, packed.steps, *given)
                self._store(running, begins, place)
                own = kept[d] = None  # its memory is free for what follows
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


def _first(state: State, packed: Packed) -> State:
    """The state, in place, of the sequences that have frames: behind a window some have none."""
    return tuple(part[: packed.steps.batch] for part in state)
