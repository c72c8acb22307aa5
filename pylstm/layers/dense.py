"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, flag
from pylstm.bulk.activations import FROM_INPUTS, activate, through
from pylstm.layers.activation import activation_of_sums
from pylstm.layers.column_range import ColumnRange, activated
from pylstm.layers.layer import MAX_DIMENSION, Layer
from pylstm.layers.quantisation import PRECISIONS, Precision
from pylstm.layers.row_layer import RowLayer
from pylstm.layers.settings import FLAG, SIZE, choice_of
from pylstm.layers.weights import Shape, Weights

__all__ = ["ACTIVATIONS", "Dense", "SumActivation"]

Array = NDArray[np.float32]

SumActivation = Literal[
    "linear",
    "sigmoid",
    "tanh",
    "relu",
    "softmax",
    "log_softmax",
    "gelu",
    "gelu_tanh",
    "silu",
    "softsign",
]
ACTIVATIONS: tuple[SumActivation, ...] = get_args(SumActivation)

# Those of format 1 of model files.
FIRST_ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "softmax")


class Dense(RowLayer):
    r"""A fully connected layer with an activation: ``torch.nn.Linear`` and what follows it.

    .. math:: y = a(W x + b)

    Parameters
    ----------
    input_size : int
        Width of the rows that go in.
    output_size : int
        Width of the rows that come out.
    activation
        What the outputs go through: one of ``pylstm.layers.ACTIVATIONS``, with the formulas
        of `pylstm.Activation`. Softmax and log_softmax run over the outputs of one row.
    bias : bool
        Whether there is a bias.
    weights : mapping of str to ndarray, optional
        float32: ``weight`` (output_size, input_size) and ``bias`` (output_size,). They are copied.
        None: drawn from U(-1/sqrt(input_size), 1/sqrt(input_size)), as in PyTorch.
    precision, seed
        As for `LSTM`.

    Examples
    --------
    >>> Dense(128, 12, activation="softmax", seed=0)
    Dense(input_size=128, output_size=12, activation='softmax', bias=True)
    """

    kind = "dense"
    streams = True
    first_format = 1
    settings = MappingProxyType(
        {
            "input_size": SIZE,
            "output_size": SIZE,
            "activation": choice_of(ACTIVATIONS),
            "bias": FLAG,
        }
    )
    precisions = PRECISIONS

    def __init__(
        self,
        input_size: int,
        output_size: int,
        activation: SumActivation = "linear",
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        precision: Precision = "float32",
        seed: int | None = None,
    ) -> None:
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        self.output_size = count("output_size", output_size, 1, MAX_DIMENSION)
        self.activation = activation_of_sums(activation, ACTIVATIONS, self.output_size)
        self.bias = flag("bias", bias)
        self.precision = precision
        self._take(weights, self.input_size, seed)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: output_size."""
        return self.output_size

    @property
    def needs_format(self) -> int:
        """The first format of model files that can hold it."""
        return 1 if self.activation in FIRST_ACTIVATIONS else 2

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        shapes: dict[str, Shape] = {"weight": (self.output_size, self.input_size)}
        if self.bias:
            shapes["bias"] = (self.output_size,)
        return shapes

    @property
    def last_function(self) -> str:
        """The function that its values went through last: the activation."""
        return self.activation

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the outputs stay: see `Layer.column_range`. Sums have none."""
        return activated(self.activation, ColumnRange.of(self.output_size))

    def rows(self, weights: Weights, x: Array) -> Array:
        """The outputs for rows: see `RowLayer.rows`."""
        return activate(self.activation, self._sums(weights, x))

    def _sums(self, weights: Weights, x: Array) -> Array:
        """What goes into the activation."""
        y: Array = x @ weights["weight"].T
        if self.bias:
            y += weights["bias"]
        return y

    def rows_backward(
        self, weights: Weights, x: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        r"""Gradients: see `RowLayer.rows_backward`.

        .. math::

            \frac{\partial L}{\partial W} = d^T x, \quad
            \frac{\partial L}{\partial b} = \sum_r d_r, \quad
            \frac{\partial L}{\partial x} = d\, W

        with d the gradient of the loss with respect to :math:`x W^T + b`.
        """
        # Computed again, because few activations need them and a tape keeps only x and y.
        sums = self._sums(weights, x) if self.activation in FROM_INPUTS else None
        d = through(self.activation, y, dy, sums)
        gradients["weight"] += d.T @ x
        if self.bias:
            # By BLAS, which is several times as fast as a sum over the first axis.
            gradients["bias"] += np.ones(len(d), np.float32) @ d
        return d @ weights["weight"] if d_inputs else None

    def giving_logits(self) -> Layer:
        """The layer without softmax or sigmoid: cross-entropy computes them itself."""
        if self.activation not in ("softmax", "sigmoid"):
            return self
        return Dense(self.input_size, self.output_size, "linear", self.bias, self.weights)
