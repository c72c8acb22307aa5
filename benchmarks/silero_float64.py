"""The network of Silero VAD in float64, with the weights of a converted model: how far from what is
meant its framework is, and how far pylstm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import pylstm

Array = NDArray[np.float64]


def probabilities(model: pylstm.Model, pcm: NDArray[np.float32]) -> Array:
    """One for each chunk: (chunks,)."""
    y = magnitudes(model.features, pcm.astype(np.float64))
    for _, layer, _ in model.nodes:
        w = {name: values.astype(np.float64) for name, values in layer.weights.items()}
        if isinstance(layer, pylstm.Conv):
            y = convolution(layer, w, y)
        elif isinstance(layer, pylstm.Affine):
            y = y * np.tile(w["weight"], layer.positions) + np.tile(w["bias"], layer.positions)
        elif isinstance(layer, pylstm.LSTM):
            y = lstm(w, y)
        elif isinstance(layer, pylstm.Dense):
            y = activated(layer.activation, y @ w["weight"].T + w["bias"])
        else:
            assert isinstance(layer, pylstm.Activation)
            y = activated(layer.function, y)
    return y.ravel()


def magnitudes(features: object, pcm: Array) -> Array:
    """Those of all columns of a chunk, one behind the other."""
    assert isinstance(features, pylstm.Spectrum)
    new, n_fft = features.hop_length, features.n_fft
    context = features.span - new
    padded = np.pad(pcm, (context, -len(pcm) % new))
    starts = range(0, len(padded) - context, new)
    chunks = np.stack([padded[start : start + features.span] for start in starts])
    chunks = np.pad(chunks, ((0, 0), (0, features.pad_right)), mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    columns = [
        np.abs(np.fft.rfft(window * chunks[:, k : k + n_fft]))
        for k in np.arange(features.columns) * features.column_hop
    ]
    return np.concatenate(columns, axis=1)


def convolution(layer: pylstm.Conv, w: dict[str, Array], y: Array) -> Array:
    """Over the positions of each row."""
    by_position = y.reshape(len(y), layer.positions, -1)
    by_position = np.pad(by_position, ((0, 0), layer.padding_positions, (0, 0)))
    kernel = w["weight"].reshape(layer.output_channels, -1, layer.kernel_positions)
    sums = [
        np.einsum("bkc,ock->bo", by_position[:, start : start + layer.kernel_positions], kernel)
        for start in np.arange(layer.output_positions) * layer.stride_positions
    ]
    found = np.stack(sums, axis=1) + w.get("bias", 0.0)
    return activated(layer.activation, found.reshape(len(y), -1))


def lstm(w: dict[str, Array], x: Array) -> Array:
    gates = x @ w["weight_ih_l0"].T + w["bias_ih_l0"] + w["bias_hh_l0"]
    h = c = np.zeros(w["weight_hh_l0"].shape[1])
    rows = np.empty((len(x), len(h)))
    for t, row in enumerate(gates):
        i, f, g, o = np.split(row + w["weight_hh_l0"] @ h, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = rows[t] = sigmoid(o) * np.tanh(c)
    return rows


def sigmoid(x: Array) -> Array:
    found: Array = 0.5 + 0.5 * np.tanh(0.5 * x)
    return found


def activated(name: str, x: Array) -> Array:
    if name == "relu":
        return np.maximum(x, 0)
    return sigmoid(x) if name == "sigmoid" else x
