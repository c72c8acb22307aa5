"""One layer over whole sequences: what `forward` of every kind of layer does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.bulk.bulk_layer import BulkLayer, PassSettings
from pylstm.bulk.frames import check_finite, check_frames, check_lengths
from pylstm.bulk.packed_sequences import Packed
from pylstm.bulk.states import check_state, state_from_parts

__all__ = ["run"]


def run(
    layer: BulkLayer,
    input_size: int,
    state_shapes: Mapping[str, tuple[int, int]],
    x: Any,
    state: Any,
    lengths: Any,
) -> tuple[NDArray[np.float32], Any]:
    """Outputs, and the state after the last frame of each sequence.

    Parameters
    ----------
    layer : BulkLayer
    input_size : int
        Width of a frame.
    state_shapes : mapping of str to (int, int)
        As `pylstm.bulk.states.check_state` takes it.
    x : array, shape (T, input_size) or (T, B, input_size), float32
    state : array, tuple of arrays or None
        Where to begin; None: zeros.
    lengths : array of int, shape (B,), or None
    """
    x = check_frames(x, input_size, batched=False)
    single = x.ndim == 2
    if single:
        x = x[:, None]
    count, batch = x.shape[:2]
    packed = Packed(count, batch, check_lengths(lengths, count, batch))
    begin = None
    if state is not None:
        parts = check_state("state", state_shapes, state, batch, single=single)
        begin = tuple(map(packed.sort, parts))
    rows = packed.pack(x)
    check_finite("x", rows)
    y_rows, end, _ = layer.forward(rows, packed, begin, PassSettings())
    y, ends = packed.unpack(y_rows), map(packed.unsort, end)
    if single:
        return y[:, 0], state_from_parts(part[:, 0] for part in ends)
    return y, state_from_parts(ends)
