"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from pylstm.arguments import choice, count, flag
from pylstm.layers.layer import MAX_DIMENSION, Layer
from pylstm.layers.quantisation import PRECISIONS, Precision
from pylstm.layers.settings import FLAG, SIZE, choice_of
from pylstm.layers.weights import Shape, Weights

if TYPE_CHECKING:
    from pylstm.bulk.bulk_layer import BulkLayer

__all__ = ["ACTIVATIONS", "Activation", "Dense"]

Activation = Literal["linear", "sigmoid", "tanh", "relu", "softmax"]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)


class Dense(Layer):
    r"""A fully connected layer with an activation: ``torch.nn.Linear`` and what follows it.

    .. math:: y = a(W x + b)

    Parameters
    ----------
    input_size : int
        Width of the rows that go in.
    output_size : int
        Width of the rows that come out.
    activation : {"linear", "sigmoid", "tanh", "relu", "softmax"}
        What the outputs go through; softmax runs over the outputs of one row.
    bias : bool
        Whether there is a bias.
    weights : mapping of str to ndarray, optional
        float32: ``weight`` (output_size, input_size) and ``bias`` (output_size,). They are copied.
        None: drawn from U(-1/sqrt(input_size), 1/sqrt(input_size)), as in PyTorch.
    precision : {"float32", "bf16", "int8"}
        What the weights are; `quantize` makes the others from float32.
    seed : int, optional
        For the draw; not allowed together with weights.

    Examples
    --------
    >>> Dense(128, 12, activation="softmax", seed=0)
    Dense(input_size=128, output_size=12, activation='softmax', bias=True)
    """

    kind = "dense"
    settings = MappingProxyType(
        {
            "input_size": SIZE,
            "output_size": SIZE,
            "activation": choice_of(ACTIVATIONS),
            "bias": FLAG,
        }
    )
    streams = True
    precisions = PRECISIONS

    def __init__(
        self,
        input_size: int,
        output_size: int,
        activation: Activation = "linear",
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        precision: Precision = "float32",
        seed: int | None = None,
    ) -> None:
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        self.output_size = count("output_size", output_size, 1, MAX_DIMENSION)
        self.activation = choice("activation", activation, ACTIVATIONS)
        self.bias = flag("bias", bias)
        self.precision = precision
        self._take(weights, self.input_size, seed)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: output_size."""
        return self.output_size

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        shapes: dict[str, Shape] = {"weight": (self.output_size, self.input_size)}
        if self.bias:
            shapes["bias"] = (self.output_size,)
        return shapes

    @property
    def gives_distribution(self) -> bool:
        """Whether a row that comes out is a distribution: with softmax."""
        return self.activation == "softmax"

    def in_bulk(self, weights: Weights, gradients: bool) -> BulkLayer:
        """The layer, ready for passes over whole batches: see `Layer.in_bulk`."""
        from pylstm.bulk.dense_rows import DenseRows

        return DenseRows(weights, self.activation)

    def giving_logits(self) -> Layer:
        """The layer without softmax or sigmoid: cross-entropy computes them itself."""
        if self.activation not in ("softmax", "sigmoid"):
            return self
        return Dense(self.input_size, self.output_size, "linear", self.bias, self.weights)
