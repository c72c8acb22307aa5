"""Convolutions inside of a chunk whose sums keep their digits in near silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.layers import Activation, Affine, Conv

__all__ = ["with_quiet_sums"]


def with_quiet_sums(layers: Mapping[str, tuple[Any, ...]], n: int) -> dict[str, tuple[Any, ...]]:
    r"""The same network; its first convolutions sum what differs from silence.

    .. math:: W x + b = W (x - c) + s, \qquad s = W c + b

    c is what the layers before give in silence, and s is computed in float64. Between words, x is
    all but c: products with x are a million times as large as what they say, and a sum of float32
    that begins with b, or with such products, loses most of it.

    Parameters
    ----------
    layers : mapping of str to tuple
        They begin with convolutions over positions, each followed by a relu of its own, one behind
        the other; in silence their rows are zeros.
    n : int
        How many of them.

    Returns
    -------
    dict of str to tuple
    """
    found: dict[str, tuple[Any, ...]] = {}
    silent: NDArray[np.float64] | None = None
    taken, last, centred = "", "", ""
    for place, (name, (layer, *inputs)) in enumerate(layers.items()):
        if place >= n or not _is_convolution(layer):
            found[name] = (layer, *(last if one == taken else one for one in inputs))
            continue
        (before,) = inputs
        silent = np.zeros(layer.input_size) if silent is None else silent
        sums = _sums(layer, silent)
        found[name] = (_without_bias(layer), centred or before)
        found[f"{name}_bias"] = (_plus(sums), name)
        taken, last = name, f"{name}_relu"
        found[last] = (Activation(layer.n_outputs, "relu"), f"{name}_bias")
        silent = np.maximum(sums, 0).astype(np.float32).astype(np.float64)
        if place + 1 < n:
            centred = f"{name}_centred"
            found[centred] = (_plus(-silent), last)
    return found


def _is_convolution(layer: Any) -> bool:
    return isinstance(layer, Conv) and layer.bias and layer.activation == "relu"


def _sums(conv: Conv, row: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a convolution gives for a row before its activation, in float64."""
    weight = conv.weights["weight"].astype(np.float64)
    kernel = weight.reshape(conv.output_channels, -1, conv.kernel_positions)
    padded = np.pad(row.reshape(conv.positions, -1), (conv.padding_positions, (0, 0)))
    starts = np.arange(conv.output_positions) * conv.stride_positions
    sums = [
        np.einsum("kc,ock->o", padded[start : start + conv.kernel_positions], kernel)
        for start in starts
    ]
    return (np.stack(sums) + conv.weights["bias"]).ravel()


def _without_bias(conv: Conv) -> Conv:
    return Conv(
        conv.input_size,
        conv.output_channels,
        positions=conv.positions,
        kernel_positions=conv.kernel_positions,
        stride_positions=conv.stride_positions,
        padding_positions=conv.padding_positions,
        bias=False,
        weights={"weight": conv.weights["weight"]},
    )


def _plus(values: NDArray[np.float64]) -> Affine:
    weights = {"weight": np.ones(len(values), np.float32), "bias": values.astype(np.float32)}
    return Affine(len(values), weights=weights)
