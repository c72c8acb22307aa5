"""Layer norm."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, flag, within
from pylstm.layers.layer import MAX_DIMENSION
from pylstm.layers.positions import positions_of
from pylstm.layers.row_layer import RowLayer
from pylstm.layers.settings import FLAG, NUMBER, SIZE
from pylstm.layers.weights import Shape, Weights

__all__ = ["LayerNorm"]

Array = NDArray[np.float32]


class LayerNorm(RowLayer):
    r"""Layer norm (Ba, Kiros, Hinton 2016), as ``torch.nn.LayerNorm``.

    .. math::

        m = \frac{1}{C} \sum_c x_c, \qquad v = \frac{1}{C} \sum_c (x_c - m)^2, \qquad
        y_c = \frac{x_c - m}{\sqrt{v + ε}}\, w_c + b_c

    The instant layer norm of DTLN is the same with ``eps=1e-7``. Batch norm is another thing: once
    it is trained it is an `Affine`.

    Parameters
    ----------
    input_size : int
        Width of the rows.
    eps : float
        ε, 1e-30 to 1e30.
    affine : bool
        Whether there are w and b; else they are 1 and 0.
    positions : int
        Positions of the rows: the C channels of each are normalised by themselves, all with the
        same w and b. 1: the whole row.
    weights : mapping of str to ndarray, optional
        float32: ``weight`` and ``bias``, each (input_size / positions,). They are copied. None:
        ones and zeros, as in PyTorch.
    seed : int, optional
        Changes nothing, because nothing is drawn; all layers take it.

    Examples
    --------
    >>> import numpy as np
    >>> LayerNorm(2, eps=1e-12).forward(np.array([[1, 3]], np.float32))[0]
    array([[-1.,  1.]], dtype=float32)
    """

    kind = "norm"
    streams = True
    settings = MappingProxyType(
        {"input_size": SIZE, "eps": NUMBER, "affine": FLAG, "positions": SIZE}
    )

    def __init__(
        self,
        input_size: int,
        eps: float = 1e-5,
        affine: bool = True,
        positions: int = 1,
        weights: Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        self.eps = within("eps", eps, 1e-30, 1e30)
        self.affine = flag("affine", affine)
        self.positions = positions_of(positions, self.input_size)
        self._take_or_start(weights, seed, {"weight": 1.0, "bias": 0.0})

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: input_size."""
        return self.input_size

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        channels = (self.input_size // self.positions,)
        return {"weight": channels, "bias": channels} if self.affine else {}

    def _normalised(self, x: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(x - m) / sqrt(v + ε), and 1 / sqrt(v + ε), for each position of each row."""
        # In float64: a mean far from 0 would cost the deviations their digits, and in gradients of
        # few channels nearly everything cancels.
        by_position = x.reshape(len(x) * self.positions, self.input_size // self.positions)
        deviations = by_position - by_position.mean(axis=1, keepdims=True, dtype=np.float64)
        factors = 1 / np.sqrt(np.square(deviations).mean(axis=1, keepdims=True) + self.eps)
        return deviations * factors, factors

    def rows(self, weights: Weights, x: Array) -> Array:
        """The outputs for rows: see `RowLayer.rows`."""
        normal, _ = self._normalised(x)
        y = normal.astype(np.float32)
        if self.affine:
            y *= weights["weight"]
            y += weights["bias"]
        return y.reshape(x.shape)

    def rows_backward(
        self, weights: Weights, x: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        r"""Gradients: see `RowLayer.rows_backward`.

        .. math::

            \frac{\partial L}{\partial x} = \frac{1}{\sqrt{v + ε}}
            \left(d - \overline{d} - n\, \overline{d\, n}\right)

        with n the normalised values, d the gradient with respect to them, and a bar for the mean
        over the channels.
        """
        normal, factors = self._normalised(x)
        d = dy.reshape(normal.shape)
        if self.affine:
            gradients["weight"] += np.einsum("rc,rc->c", d, normal).astype(np.float32)
            gradients["bias"] += np.ones(len(d), np.float32) @ d
            d = d * weights["weight"]
        if not d_inputs:
            return None
        means = d.mean(axis=1, keepdims=True, dtype=np.float64)
        dx = factors * (d - means - normal * (d * normal).mean(axis=1, keepdims=True))
        return dx.reshape(x.shape).astype(np.float32)
