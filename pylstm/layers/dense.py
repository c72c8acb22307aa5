"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pylstm.arguments import listing
from pylstm.layers.layer import Layer, flag_of, size_of
from pylstm.layers.weights import Shape

__all__ = ["ACTIVATIONS", "Dense"]

ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "softmax")


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
    settings = ("input_size", "output_size", "activation", "bias")

    def __init__(
        self,
        input_size: int,
        output_size: int,
        activation: str = "linear",
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        precision: str = "float32",
        seed: int | None = None,
    ) -> None:
        self.input_size = size_of("input_size", input_size)
        self.output_size = size_of("output_size", output_size)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}; expected {listing(ACTIVATIONS)}")
        self.activation = activation
        self.bias = flag_of("bias", bias)
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
