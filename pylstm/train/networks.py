"""Networks that work for keywords, untrained: the layers of each, from features to posteriors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from pylstm.arguments import count, described, number
from pylstm.features import Features, LogMel, Spectrum
from pylstm.layers import GRU, LSTM, Conv, Dense, Stack
from pylstm.layers.graph import Layers
from pylstm.layers.layer import Layer
from pylstm.train.weighted_graph import WeightedGraph

__all__ = ["crnn", "gru", "lstm", "rows_in"]

Drawn = TypeVar("Drawn", bound=Layer)


def lstm(
    features: Features,
    labels: Sequence[str],
    hidden: int = 64,
    layers: int = 2,
    dropout: float = 0.0,
    seed: int = 0,
    stacked: int = 1,
) -> list[Layer]:
    """LSTM layers over frames, and a posterior of each label: a row for each frame.

    Parameters
    ----------
    features : Features
        What the frames are.
    labels : sequence of str
        One output for each.
    hidden : int
        Hidden size of each recurrent layer.
    layers : int
        How many of them there are.
    dropout : float
        Share of the values between two of them that a training drops, 0 to 1.
    seed : int
        Draws the weights.
    stacked : int
        Frames side by side in what the first of them takes: a row for every so many frames.

    Returns
    -------
    list of Layer

    Raises
    ------
    TypeError, ValueError
        An argument is not what it should be; dropout is given with a single layer.

    Examples
    --------
    >>> import pylstm
    >>> mfcc = pylstm.MFCC(sr=16000)
    >>> model = pylstm.Model(mfcc, lstm(mfcc, ["no", "yes"]), ["no", "yes"])
    >>> model.n_outputs
    2
    """
    front, width = _front(features, stacked)
    stack = LSTM(width, hidden, layers, dropout=dropout, seed=seed)
    return [*front, stack, _head(hidden, labels, seed)]


def gru(
    features: Features,
    labels: Sequence[str],
    hidden: int = 64,
    layers: int = 2,
    dropout: float = 0.0,
    seed: int = 0,
    stacked: int = 1,
) -> list[Layer]:
    """GRU layers over frames, and a posterior of each label; arguments and result as for `lstm`.

    Examples
    --------
    >>> import pylstm
    >>> [layer.kind for layer in gru(pylstm.MFCC(), ["no", "yes"])]
    ['gru', 'dense']
    """
    front, width = _front(features, stacked)
    stack = GRU(width, hidden, layers, dropout=dropout, seed=seed)
    return [*front, stack, _head(hidden, labels, seed)]


def crnn(
    features: Features,
    labels: Sequence[str],
    hidden: int = 72,
    layers: int = 1,
    dropout: float = 0.0,
    seed: int = 0,
) -> list[Layer]:
    r"""Convolutions over time and bands, then an LSTM: a row for every fourth frame.

    5 frames x 5 bands, 16 channels, and 3 x 3, 32 channels, both with stride 2 in time and over
    bands, causal in time, so that no row waits; then a dense layer of 64, all with relu; `layers`
    LSTM layers; a posterior of each label. With a hop of 10 ms a row stands for 40 ms: settings of
    a decision that count rows come from `rows_in`.

    Weights of layers with relu are drawn from

    .. math:: N\left(0, \tfrac{2}{n}\right)

    with n the values that an output sees, and their biases are 0 (He et al. 2015), so that rows
    keep their size from layer to layer.

    Parameters
    ----------
    features : LogMel or Spectrum
        Without deltas: neighbouring values are neighbouring bands. 7 bands or more make sense.
    labels, hidden, layers, dropout, seed
        As for `lstm`.

    Returns
    -------
    list of Layer

    Raises
    ------
    TypeError, ValueError
        Features are not bands, or another argument is not what it should be.

    Notes
    -----
    Arik et al., "Convolutional recurrent neural networks for small-footprint keyword spotting",
    Interspeech 2017, arXiv:1703.05390, have this order of layers, with GRUs in both directions. He,
    Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, arXiv:1502.01852.

    Examples
    --------
    >>> import pylstm
    >>> logmel = pylstm.LogMel(sr=16000)
    >>> layers = crnn(logmel, ["no", "yes"])
    >>> [layer.kind for layer in layers]
    ['conv', 'conv', 'dense', 'lstm', 'dense']
    >>> pylstm.Model(logmel, layers).hop_length
    640
    """
    if not isinstance(features, (LogMel, Spectrum)):
        raise TypeError(
            f"features is {described(features)}; expected LogMel or Spectrum, whose values are"
            " bands that lie side by side"
        )
    if features.deltas:
        raise ValueError(
            f"features has deltas={features.deltas}; expected 0, so that all values are bands"
        )
    draw = np.random.default_rng(count("seed", seed, 0))
    bands = features.n_features
    first = Conv(
        bands,
        16,
        5,
        2,
        "causal",
        activation="relu",
        positions=bands,
        kernel_positions=5,
        stride_positions=2,
        padding_positions=(2, 2),
        seed=seed,
    )
    second = Conv(
        first.n_outputs,
        32,
        3,
        2,
        "causal",
        activation="relu",
        positions=first.output_positions,
        kernel_positions=3,
        stride_positions=2,
        padding_positions=(1, 1),
        seed=seed,
    )
    joined = Dense(second.n_outputs, 64, "relu", seed=seed)
    stack = LSTM(64, hidden, layers, dropout=dropout, seed=seed)
    drawn = [_for_relu(layer, draw) for layer in (first, second, joined)]
    return [*drawn, stack, _head(hidden, labels, seed)]


def rows_in(seconds: float, features: Features, layers: Layers) -> int:
    """How many rows of outputs stand for a length of time: for settings of a decision that count
    rows, such as ``smoothing_frames``.

    Parameters
    ----------
    seconds : float
    features : Features
    layers : sequence of Layer, or mapping of str to Layer or tuple
        As `Model` takes them.

    Returns
    -------
    int
        Rounded, and at least 1.

    Examples
    --------
    >>> import pylstm
    >>> logmel = pylstm.LogMel(sr=16000, hop_length=160)
    >>> [rows_in(0.2, logmel, make(logmel, ["no", "yes"])) for make in (lstm, crnn)]
    [20, 5]
    """
    _, period = WeightedGraph(layers).row_times
    row = period * features.hop_length / features.sr
    return max(1, round(number("seconds", seconds) / row))


def _width(features: Features) -> int:
    if not isinstance(features, Features):
        raise TypeError(
            f"features is {described(features)}; expected MFCC, LogMel, Spectrum or Waveform"
        )
    return features.n_features


def _front(features: Features, stacked: int) -> tuple[list[Layer], int]:
    """What stands before recurrent layers, and the width of their rows."""
    width = _width(features)
    if count("stacked", stacked, 1) == 1:
        return [], width
    rows = Stack(width, left=stacked - 1, stride=stacked)
    return [rows], rows.n_outputs


def _head(width: int, labels: Sequence[str], seed: int) -> Dense:
    """The last layer. Its seed is another, or its weights would be those of the layer before."""
    if isinstance(labels, str):
        raise TypeError("labels is a string; expected a list of strings")
    return Dense(width, len(labels), "softmax", seed=seed + 1)


def _for_relu(layer: Drawn, draw: np.random.Generator) -> Drawn:
    """The layer with weights that keep the size of rows through relu."""
    weights = {}
    for name, shape in layer.shapes.items():
        weights[name] = np.zeros(shape, np.float32)
        if name == "weight":
            deviation = math.sqrt(2 / math.prod(shape[1:]))
            weights[name] = draw.normal(0, deviation, shape).astype(np.float32)
    return layer.with_weights(weights)
