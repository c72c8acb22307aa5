"""The convolution over time and positions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, flag, number_of
from pylstm.bulk.activations import activate, through
from pylstm.layers.activation import activation_of_sums
from pylstm.layers.column_range import ColumnRange, activated
from pylstm.layers.layer import MAX_DIMENSION, Layer
from pylstm.layers.position_layer import PositionLayer
from pylstm.layers.quantisation import PRECISIONS, Precision
from pylstm.layers.settings import FLAG, PAIR, SIZE, choice_of
from pylstm.layers.weights import Shape, Weights
from pylstm.layers.window_layer import Padding

__all__ = ["CONV_ACTIVATIONS", "Conv", "ConvActivation"]

Array = NDArray[np.float32]

ConvActivation = Literal["linear", "sigmoid", "tanh", "relu"]
CONV_ACTIVATIONS: tuple[ConvActivation, ...] = get_args(ConvActivation)


class Conv(PositionLayer):
    r"""A convolution over time and positions: ``torch.nn.Conv1d`` and ``torch.nn.Conv2d``.

    .. math::

        y_{j, q, o} = a\Big(b_o + \sum_{i=0}^{k-1} \sum_{m=0}^{n-1} \sum_{c=0}^{C/G-1}
        W_{o, c, i, m}\; x_{j s - l + i d,\; q s' - l' + m d',\; g C / G + c}\Big)

    with k kernel_size, n kernel_positions, s, d and l stride, dilation and rows of zeros in front
    in time, s', d' and l' the same over positions, G groups, and g = ⌊o G / O⌋ the group of output
    o. As in PyTorch, whose formula this is (2.13), the kernel is not reversed.

    A row is positions × channels, position by position: value ``p * channels + c`` is channel c of
    position p. A row of 40 mel bands is one position with 40 channels, as Conv1d has it, or
    ``positions=40`` with one channel each, as Conv2d has it.

    Parameters
    ----------
    input_size : int
        Width of the rows that go in: positions × channels.
    output_channels : int
        Channels of each position that comes out.
    kernel_size : int
        Rows that one output row sees.
    stride : int
        Rows that go in for each that comes out.
    padding : {"valid", "causal"} or (int, int)
        Rows of zeros before the first row and after the last. valid: none, so that the first row
        comes out once a window is full. causal: as many before the first row as a window has beside
        one, so that each row comes out at once. Two numbers: so many before and after; those after
        are rows that a stream waits for (look-ahead), and count as latency.
    dilation : int
        Rows from one that is seen to the next.
    groups : int
        Each group of outputs sees its own group of channels; as many as channels: depthwise.
    bias : bool
        Whether there is a bias.
    activation : {"linear", "sigmoid", "tanh", "relu"}
        What the outputs go through.
    positions : int
        Positions of the rows that go in.
    kernel_positions, stride_positions, dilation_positions : int
        Kernel, stride and dilation over positions.
    padding_positions : (int, int)
        Zeros below the first position and above the last.
    weights : mapping of str to ndarray, optional
        float32: ``weight`` (output_channels, channels / groups, kernel_size), with a fourth
        dimension kernel_positions where that is above 1, and ``bias`` (output_channels,). They are
        copied. None: drawn from U(-1/sqrt(f), 1/sqrt(f)) with f the weights of an output, as in
        PyTorch.
    precision, seed
        As for `LSTM`. With int8, each row that goes in becomes bytes by its largest magnitude.

    Raises
    ------
    TypeError, ValueError
        An argument is not what it should be, or a window does not fit.

    Examples
    --------
    >>> layer = Conv(40, 64, kernel_size=3, padding="causal", seed=0)
    >>> layer.n_outputs, layer.n_rows_out(100), layer.weights["weight"].shape
    (64, 100, (64, 40, 3))

    Over time and 40 bands, every second of both:

    >>> layer = Conv(40, 8, 3, 2, positions=40, kernel_positions=3, stride_positions=2, seed=0)
    >>> layer.output_positions, layer.n_outputs, layer.n_rows_out(100)
    (19, 152, 49)
    """

    kind = "conv"
    streams = True
    settings = MappingProxyType(
        {
            "input_size": SIZE,
            "output_channels": SIZE,
            "kernel_size": SIZE,
            "stride": SIZE,
            "padding": PAIR,
            "dilation": SIZE,
            "groups": SIZE,
            "bias": FLAG,
            "activation": choice_of(CONV_ACTIVATIONS),
            "positions": SIZE,
            "kernel_positions": SIZE,
            "stride_positions": SIZE,
            "dilation_positions": SIZE,
            "padding_positions": PAIR,
        }
    )
    precisions = PRECISIONS

    def __init__(
        self,
        input_size: int,
        output_channels: int,
        kernel_size: int = 1,
        stride: int = 1,
        padding: Padding = "valid",
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        activation: ConvActivation = "linear",
        weights: Mapping[str, Any] | None = None,
        *,
        positions: int = 1,
        kernel_positions: int = 1,
        stride_positions: int = 1,
        dilation_positions: int = 1,
        padding_positions: tuple[int, int] = (0, 0),
        precision: Precision = "float32",
        seed: int | None = None,
    ) -> None:
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        self.output_channels = count("output_channels", output_channels, 1, MAX_DIMENSION)
        self._take_time(kernel_size, stride, dilation, padding)
        self._take_positions(
            positions, kernel_positions, stride_positions, dilation_positions, padding_positions
        )
        self.groups = count("groups", groups, 1, MAX_DIMENSION)
        for name, channels in (
            ("the channels of a position", self.channels),
            ("output_channels", self.output_channels),
        ):
            if channels % self.groups:
                raise ValueError(
                    f"groups is {self.groups}; expected a divisor of {name}: {channels}"
                )
        most = MAX_DIMENSION // (self.channels // self.groups)
        if self.kernel_positions > most:
            raise ValueError(
                f"kernel_positions is {self.kernel_positions}; expected at most {most}, with"
                f" {number_of(self.channels // self.groups, 'channel')} of a group"
            )
        if self.n_outputs > MAX_DIMENSION:
            raise ValueError(
                f"output_channels is {self.output_channels}; expected at most"
                f" {MAX_DIMENSION // self.output_positions}, with {self.output_positions}"
                " positions that come out"
            )
        self.bias = flag("bias", bias)
        self.activation = activation_of_sums(activation, CONV_ACTIVATIONS, self.n_outputs)
        self.precision = precision
        self._take(weights, math.prod(self.shapes["weight"][1:]), seed)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: output_positions × output_channels."""
        return self.output_positions * self.output_channels

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        weight: Shape = (self.output_channels, self.channels // self.groups, self.kernel_size)
        if self.kernel_positions > 1:
            weight = (*weight, self.kernel_positions)
        return {"weight": weight} | ({"bias": (self.output_channels,)} if self.bias else {})

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the outputs stay: see `Layer.column_range`. Sums have none."""
        return activated(self.activation, ColumnRange.of(self.n_outputs))

    @property
    def last_function(self) -> str:
        """The function that its values went through last: the activation."""
        return self.activation

    def giving_logits(self) -> Layer:
        """The layer without sigmoid: cross-entropy computes it itself."""
        if self.activation != "sigmoid":
            return self
        return Conv(**{**self._arguments(), "activation": "linear"}, weights=self.weights)

    # --- whole batches ----------------------------------------------------------------------------

    def _matrix(self, weights: Weights) -> Array:
        """The weights of each group: (groups, outputs of it, what they see)."""
        w = weights["weight"].reshape(
            self.output_channels, -1, self.kernel_size, self.kernel_positions
        )
        rows = w.transpose(0, 2, 3, 1).reshape(self.groups, self.output_channels // self.groups, -1)
        return np.ascontiguousarray(rows)

    def _patches(self, taps: Array) -> Array:
        """What each position of each output sees: (groups, outputs × positions, values)."""
        patches = self.position_windows.apart(taps)
        n, positions, k, m, channels = patches.shape
        split = patches.reshape(n * positions, k * m, self.groups, channels // self.groups)
        return split.transpose(2, 0, 1, 3).reshape(self.groups, n * positions, -1)

    def windows(self, weights: Weights, taps: Array) -> Array:
        """The outputs for what they see: see `WindowLayer.windows`."""
        sums = self._patches(taps) @ self._matrix(weights).transpose(0, 2, 1)
        y = sums.transpose(1, 0, 2).reshape(-1, self.output_channels)
        if self.bias:
            y = y + weights["bias"]
        return activate(self.activation, y).reshape(len(taps), self.n_outputs)

    def windows_backward(
        self, weights: Weights, taps: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        r"""Gradients: see `WindowLayer.windows_backward`.

        .. math::

            \frac{\partial L}{\partial W} = d^T P, \quad
            \frac{\partial L}{\partial b} = \sum d, \quad
            \frac{\partial L}{\partial P} = d\, W

        with P what each position of an output sees, as the rows of a matrix, and d the gradient of
        the loss with respect to the sums.
        """
        d = through(self.activation, y, dy).reshape(-1, self.output_channels)
        if self.bias:
            gradients["bias"] += np.ones(len(d), np.float32) @ d
        n_outputs = self.output_channels // self.groups
        by_group = d.reshape(-1, self.groups, n_outputs).transpose(1, 0, 2)
        patches = self._patches(taps)
        d_matrix = by_group.transpose(0, 2, 1) @ patches
        d_rows = d_matrix.reshape(self.output_channels, self.kernel_size, self.kernel_positions, -1)
        weight = gradients["weight"]
        weight += d_rows.transpose(0, 3, 1, 2).reshape(weight.shape)
        if not d_inputs:
            return None
        d_patches = by_group @ self._matrix(weights)
        n = len(taps)
        apart = d_patches.reshape(
            self.groups, n, self.output_positions, self.kernel_size, self.kernel_positions, -1
        )
        whole = apart.transpose(1, 2, 3, 4, 0, 5).reshape(*apart.shape[1:5], self.channels)
        return self.position_windows.together(whole)
