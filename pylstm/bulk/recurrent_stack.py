"""Recurrent layers over whole batches: stacks, directions, dropout, and what gradients need.

A pass keeps, for every frame and each layer and direction, the activated gates, h and c before the
step, and the layer's input: for an LSTM 4 H + H + H floats beside the input and the output. With
`recompute`, a layer keeps its input and output, and its state at the beginning of every so many
frames; backward runs forward again, segment by segment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm import _bulk, _engine
from pylstm.bulk.packed_sequences import Packed, check_lengths
from pylstm.layers.recurrent import Recurrent
from pylstm.layers.weights import Weights

__all__ = ["Stack", "Tape", "check_finite", "check_frames", "check_state", "forward"]

Array = NDArray[np.float32]
State = tuple[Array, ...]
"""h, or h and c: each (num_layers * directions, batch, width), sequences as the rows have them."""

PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


@dataclass
class Segment:
    """Some steps that follow each other: their rows, and where the state stood before them."""

    rows: slice
    steps: _bulk.Steps
    state: State


@dataclass
class Tape:
    """What a forward pass of a stack keeps for its gradients."""

    packed: Packed
    kept: list[list[Any]]
    """For each layer and direction, what the pass kept, or the segments to compute it from."""
    inputs: list[Array]
    masks: list[Array | None]


def padded(state: Array, width: int) -> Array:
    """A state with 0 after its last unit, up to a multiple of 16."""
    found = np.zeros((state.shape[0], (width + 15) // 16 * 16), np.float32)
    found[:, :width] = state
    return found


class Stack:
    """A recurrent layer with its weights, packed for passes over many rows.

    Parameters
    ----------
    layer : Recurrent
        Its sizes.
    weights : dict of str to ndarray
        Its weights, or others of the same shapes.
    gradients : bool
        Whether there will be backward passes.
    """

    def __init__(self, layer: Recurrent, weights: Weights, gradients: bool) -> None:
        self.layer = layer
        self.directions = [
            [
                _bulk.Direction(
                    layer.cell_kind,
                    tuple(weights.get(f"{part}_l{k}{suffix}") for part in PARTS),
                    gradients,
                )
                for suffix in layer.suffixes
            ]
            for k in range(layer.num_layers)
        ]

    def forward(
        self,
        x: Array,
        packed: Packed,
        state: State | None,
        *,
        keep: bool = False,
        rng: np.random.Generator | None = None,
        recompute: int | None = None,
    ) -> tuple[Array, State, Tape | None]:
        """Runs over all rows.

        Parameters
        ----------
        x : array, shape (rows, input_size), float32
        packed : Packed
        state : tuple of arrays, or None
            Where to begin; None: zeros.
        keep : bool
            Whether `backward` will follow.
        rng : Generator or None
            Draws what is dropped between layers; None: nothing is.
        recompute : int or None
            Frames of a segment that backward computes again; None: everything is kept.
        """
        layer = self.layer
        widths = (layer.width, layer.hidden_size)[: len(layer.state_names)]
        ends = tuple(
            np.zeros((layer.num_layers * len(layer.suffixes), packed.batch, width), np.float32)
            for width in widths
        )
        tape = Tape(packed, [], [], []) if keep else None
        for k, directions in enumerate(self.directions):
            y = np.empty((packed.rows, layer.n_outputs), np.float32)
            kept: list[Any] = []
            for d, direction in enumerate(directions):
                place = k * len(directions) + d
                begin = tuple(
                    np.zeros((packed.batch, (width + 15) // 16 * 16), np.float32)
                    if state is None
                    else padded(state[part][place], width)
                    for part, width in enumerate(widths)
                )
                column = d * layer.width
                if keep and recompute is not None:
                    kept.append(
                        _segments(direction, x, packed, d == 1, begin, y, column, recompute)
                    )
                else:
                    kept.append(
                        direction.forward(x, packed.steps, d == 1, *_both(begin), y, column, keep)
                    )
                for part, width in enumerate(widths):
                    ends[part][place] = begin[part][:, :width]
            mask = None
            if tape is not None:
                tape.kept.append(kept)
                tape.inputs.append(x)
            if rng is not None and layer.dropout and k + 1 < layer.num_layers:
                mask = (rng.random(y.shape, np.float32) >= layer.dropout).astype(np.float32)
                mask *= np.float32(1 / (1 - layer.dropout))
                y *= mask
            if tape is not None:
                tape.masks.append(mask)
            x = y
        return x, ends, tape

    def backward(
        self,
        tape: Tape,
        dy: Array,
        d_state: State | None,
        gradients: Weights,
        d_inputs: bool,
    ) -> tuple[Array | None, State]:
        """Runs back over a forward pass.

        Parameters
        ----------
        tape : Tape
            Used up.
        dy : array, shape (rows, n_outputs), float32
            Gradient of the loss with respect to the outputs.
        d_state : tuple of arrays, or None
            With respect to the states at the end; None: zeros.
        gradients : dict of str to ndarray
            With respect to the weights, under their names: added to.
        d_inputs : bool
            Whether the gradient with respect to the inputs is wanted.

        Returns
        -------
        dx : array, shape (rows, input_size), or None
        d_state : tuple of arrays
            With respect to the states at the beginning.
        """
        layer, packed = self.layer, tape.packed
        widths = (layer.width, layer.hidden_size)[: len(layer.state_names)]
        begins = tuple(
            np.zeros((layer.num_layers * len(layer.suffixes), packed.batch, width), np.float32)
            for width in widths
        )
        dx: Array | None = None
        for k in reversed(range(layer.num_layers)):
            mask = tape.masks[k]
            if mask is not None:
                dy = dy * mask
            dx = np.empty_like(tape.inputs[k]) if k or d_inputs else None
            for d, direction in enumerate(self.directions[k]):
                place = k * len(self.directions[k]) + d
                ends = tuple(
                    np.zeros((packed.batch, (width + 15) // 16 * 16), np.float32)
                    if d_state is None
                    else padded(d_state[part][place], width)
                    for part, width in enumerate(widths)
                )
                end = f"_l{k}{layer.suffixes[d]}"
                parts = tuple(gradients.get(part + end) for part in PARTS)
                kept = tape.kept[k][d]
                if isinstance(kept, list):
                    _segments_back(
                        direction, kept, tape.inputs[k], d == 1, dy, d * layer.width, ends, dx,
                        d > 0, parts,
                    )  # fmt: skip
                else:
                    direction.backward(
                        kept, packed.steps, d == 1, dy, d * layer.width, *_both(ends), dx, d > 0,
                        parts,
                    )  # fmt: skip
                for part, width in enumerate(widths):
                    begins[part][place] = ends[part][:, :width]
                tape.kept[k][d] = None  # its memory is free for the layers below
            dy = dx if dx is not None else dy
        return dx, begins


def _both(state: State) -> tuple[Array, Array | None]:
    """h and c; c is None where there is none."""
    return (state[0], state[1]) if len(state) == 2 else (state[0], None)


def _segments(
    direction: _bulk.Direction,
    x: Array,
    packed: Packed,
    reverse: bool,
    state: State,
    y: Array,
    column: int,
    length: int,
) -> list[Segment]:
    """A forward pass that keeps nothing but the states between segments."""
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
        direction.forward(x[rows], segment.steps, reverse, *_both(running), y[rows], column, False)
        segments.append(segment)
    return segments


def _segments_back(
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
    """A backward pass that computes each segment again before it runs back over it."""
    for segment in reversed(segments):
        rows, steps = segment.rows, segment.steps
        again = np.empty((steps.rows, dy.shape[1]), np.float32)
        kept = direction.forward(
            x[rows], steps, reverse, *_both(segment.state), again, column, True
        )
        assert kept is not None
        running = tuple(part[: steps.batch] for part in d_state)
        direction.backward(
            kept, steps, reverse, dy[rows], column, *_both(running),
            None if dx is None else dx[rows], dx_begun, gradients,
        )  # fmt: skip


def check_frames(x: Any, width: int, batched: bool) -> Array:
    """Frames as float32 in C order, or an error that says what came.

    Parameters
    ----------
    x : array, shape (T, B, width), or without `batched` also (T, width), float32
    width : int
    batched : bool
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float32:
        came = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"x is {came}; expected a NumPy array of float32")
    _engine.refuse_masked("x", x)
    if x.shape[-1:] != (width,) or x.ndim not in ((3,) if batched else (2, 3)) or not x.size:
        expected = f"(T, B, {width})" if batched else f"(T, {width}) or (T, B, {width})"
        raise ValueError(f"x has shape {x.shape}; expected {expected}, T and B at least 1")
    return np.require(x, requirements=["C", "A", "E"])


def check_finite(name: str, rows: Array) -> None:
    """ValueError unless all are numbers: a pass would hide a NaN in its gates."""
    if not np.isfinite(rows).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite values")


def forward(layer: Recurrent, x: Any, state: Any, lengths: Any) -> tuple[Array, Any]:
    """What `Recurrent.forward` does."""
    if layer.precision != "float32":
        raise ValueError(f"{layer!r} is {layer.precision}: bulk passes run float32 layers")
    x = check_frames(x, layer.input_size, batched=False)
    single = x.ndim == 2
    if single:
        x = x[:, None]
    count, batch = x.shape[:2]
    packed = Packed(count, batch, check_lengths(lengths, count, batch))
    begin = None
    if state is not None:
        begin = tuple(map(packed.sort, check_state("state", layer, state, batch, single)))
    rows = packed.pack(x)
    check_finite("x", rows)
    y_rows, end, _ = Stack(layer, layer.weights, gradients=False).forward(rows, packed, begin)
    y = packed.unpack(y_rows)
    found = tuple(packed.unsort(part)[:, 0] if single else packed.unsort(part) for part in end)
    return y[:, 0] if single else y, found if len(found) == 2 else found[0]


def check_state(
    name: str,
    layer: Recurrent,
    state: Any,
    batch: int,
    single: bool = False,
    finite: bool = True,
) -> State:
    """The parts of a state, each (num_layers * directions, batch, width), or an error.

    Parameters
    ----------
    name : str
        What the messages call it.
    layer : Recurrent
    state : array, or tuple of arrays
        h, or h and c; with `single`, without the axis of the batch.
    batch : int
    single : bool
    finite : bool
        Whether NaN and infinity are refused.
    """
    names = layer.state_names
    parts = (state,) if len(names) == 1 else state
    if not isinstance(parts, tuple | list) or len(parts) != len(names):
        came = type(state).__name__
        came += f" of {len(state)}" if isinstance(state, tuple | list) else ""
        raise TypeError(f"{name} is {came}; expected ({', '.join(names)})")
    found = []
    for letter, part, width in zip(names, parts, (layer.width, layer.hidden_size), strict=False):
        middle = () if single else (batch,)
        shape = (layer.num_layers * len(layer.suffixes), *middle, width)
        if not isinstance(part, np.ndarray) or part.dtype != np.float32:
            came = str(part.dtype) if isinstance(part, np.ndarray) else type(part).__name__
            raise TypeError(f"{letter} of {name} is {came}; expected a NumPy array of float32")
        _engine.refuse_masked(f"{letter} of {name}", part)
        if part.shape != shape:
            raise ValueError(f"{letter} of {name} has shape {part.shape}; expected {shape}")
        if finite:
            check_finite(f"{letter} of {name}", part)
        found.append(part.reshape(shape[0], batch, width))
    return tuple(found)
