"""The base class of layers in passes over a whole batch: forward with a tape, and backward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pylstm.bulk.packed_sequences import Packed
from pylstm.bulk.states import State

__all__ = ["BulkLayer", "PassSettings"]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class PassSettings:
    """How a forward pass is made."""

    keep: bool = False
    """Whether `BulkLayer.backward` will follow."""
    rng: np.random.Generator | None = None
    """Draws what dropout drops; None: nothing is dropped."""
    recompute: int | None = None
    """Frames of a segment that backward may compute again; None: everything is kept."""


class BulkLayer(Protocol):
    """A layer with weights, ready for passes over the rows of a batch.

    Any number of threads may use it at once, each with rows of its own.
    """

    @property
    def kept_per_row(self) -> int:
        """Floats of a tape for each row, input and output rows not counted."""

    def out_packed(self, packed: Packed) -> Packed:
        """Which sequence and frame each row is that comes out: `packed`, unless the layer changes
        how many rows a sequence has."""

    def forward(
        self, x: Array, packed: Packed, state: State | None, settings: PassSettings
    ) -> tuple[Array, State, Any]:
        """Runs over all rows.

        Parameters
        ----------
        x : array, shape (rows, input_size), float32
        packed : Packed
            Which sequence and frame each row is.
        state : tuple of arrays (places, batch, width), or None
            Where to begin, sequences in the order of the rows; None: zeros.
        settings : PassSettings

        Returns
        -------
        y : array, shape (rows of `out_packed`, n_outputs), float32
        state : tuple of arrays
            At the end of each sequence; empty where a layer remembers nothing.
        tape : object
            For `backward`; None where it will not follow.
        """

    def backward(
        self, tape: Any, dy: Array, d_state: State | None, gradients: dict[str, Array], d_x: bool
    ) -> tuple[Array | None, State]:
        """Runs back over a forward pass.

        Parameters
        ----------
        tape : object
            From `forward`; used up.
        dy : array, shape (rows of `out_packed`, n_outputs), float32
            Gradient of the loss with respect to the outputs.
        d_state : tuple of arrays, or None
            With respect to the state at the end; None: zeros.
        gradients : dict of str to ndarray
            With respect to the weights, under their names: added to.
        d_x : bool
            Whether the gradient with respect to the inputs is wanted.

        Returns
        -------
        dx : array, shape (rows, input_size), or None
        d_state : tuple of arrays
            With respect to the state at the beginning.
        """
