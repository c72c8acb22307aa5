"""Scale and shift of every value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import choice, count, flag
from pylstm.layers.column_range import ColumnRange
from pylstm.layers.layer import MAX_DIMENSION
from pylstm.layers.positions import positions_of
from pylstm.layers.row_layer import RowLayer
from pylstm.layers.settings import FLAG, SIZE, choice_of
from pylstm.layers.weights import Shape, Weights

__all__ = ["Affine", "Per"]

Array = NDArray[np.float32]

Per = Literal["element", "channel", "position"]


class Affine(RowLayer):
    r"""Each value times a weight, plus a bias: what batch norm is once it is trained.

    .. math:: y = w\, x + b

    A batch norm with mean m, variance v, scale g and shift s is :math:`w = g / \sqrt{v + ε}`,
    :math:`b = s - w\, m`.

    Parameters
    ----------
    input_size : int
        Width of the rows.
    per : {"element", "channel", "position"}
        For what there is a w and a b of its own.
    positions : int
        Positions of the rows; each has input_size / positions channels.
    bias : bool
        Whether there is a b.
    weights : mapping of str to ndarray, optional
        float32: ``weight`` and ``bias``, each (input_size,), (channels,) or (positions,), as `per`
        says. They are copied. None: ones and zeros.
    seed : int, optional
        Changes nothing, because nothing is drawn; all layers take it.

    Examples
    --------
    >>> import numpy as np
    >>> weights = {"weight": np.array([10, 100], np.float32)}
    >>> layer = Affine(4, per="position", positions=2, bias=False, weights=weights)
    >>> layer.forward(np.array([[1, 2, 3, 4]], np.float32))[0]
    array([[ 10.,  20., 300., 400.]], dtype=float32)
    """

    kind = "affine"
    streams = True
    settings = MappingProxyType(
        {"input_size": SIZE, "per": choice_of(get_args(Per)), "positions": SIZE, "bias": FLAG}
    )

    def __init__(
        self,
        input_size: int,
        per: Per = "element",
        positions: int = 1,
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        self.per: Per = choice("per", per, get_args(Per))
        self.positions = positions_of(positions, self.input_size)
        self.bias = flag("bias", bias)
        self._take_or_start(weights, seed, {"weight": 1.0, "bias": 0.0})

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: input_size."""
        return self.input_size

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        channels = self.input_size // self.positions
        n = {"element": self.input_size, "channel": channels, "position": self.positions}[self.per]
        return {"weight": (n,), "bias": (n,)} if self.bias else {"weight": (n,)}

    def _spread(self, values: Array) -> Array:
        """A weight for each channel of each position, of shape (positions or 1, channels or 1)."""
        channels = self.input_size // self.positions
        shapes = {
            "element": (self.positions, channels),
            "channel": (1, channels),
            "position": (self.positions, 1),
        }
        return values.reshape(shapes[self.per])

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the values stay: see `Layer.column_range`."""
        given = np.stack(inputs[0])
        scale = np.broadcast_to(
            self._spread(self.weights["weight"]),
            (self.positions, self.input_size // self.positions),
        ).ravel()
        with np.errstate(invalid="ignore"):  # a weight of 0 times an infinite bound
            ends = np.where(scale == 0, 0.0, given * scale)
        if self.bias:
            ends = self._by_position(ends) + self._spread(self.weights["bias"])
            ends = ends.reshape(given.shape)
        return ColumnRange(ends.min(axis=0), ends.max(axis=0))

    def _by_position(self, x: NDArray[Any]) -> NDArray[Any]:
        return x.reshape(len(x), self.positions, self.input_size // self.positions)

    def rows(self, weights: Weights, x: Array) -> Array:
        """The outputs for rows: see `RowLayer.rows`."""
        y: Array = self._by_position(x) * self._spread(weights["weight"])
        if self.bias:
            y += self._spread(weights["bias"])
        return y.reshape(x.shape)

    def rows_backward(
        self, weights: Weights, x: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        r"""Gradients: see `RowLayer.rows_backward`.

        .. math::

            \frac{\partial L}{\partial w} = \sum d\, x, \quad
            \frac{\partial L}{\partial b} = \sum d, \quad
            \frac{\partial L}{\partial x} = d\, w

        with d the gradient with respect to y, and sums over the rows, and over the channels or
        positions that share a weight.
        """
        d = self._by_position(dy)
        kept = {"element": "rpc->pc", "channel": "rpc->c", "position": "rpc->p"}[self.per]
        products = np.einsum(f"rpc,{kept}", d, self._by_position(x))
        gradients["weight"] += products.reshape(gradients["weight"].shape)
        if self.bias:
            gradients["bias"] += np.einsum(kept, d).reshape(gradients["bias"].shape)
        return (d * self._spread(weights["weight"])).reshape(x.shape) if d_inputs else None
