"""A short-time Fourier transform among the layers of a network, as features in place of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from pylstm.features import Spectrum
from pylstm.features.features import Window
from pylstm.layers import Activation, Add, Conv, Dense, Select
from pylstm.layers.graph import FEATURES
from pylstm.layers.layer import Layer

__all__ = ["SpectralFront", "spectral_front"]

# How far the weights of a convolution may be from cosines and sines; float32 is 6e-8 off.
NEAR = 2e-6


class SpectralFront(NamedTuple):
    """Features and the layers behind them, as `pylstm.Model` takes both."""

    features: Spectrum
    layers: dict[str, tuple[Any, ...]]


def spectral_front(
    layers: Mapping[str, tuple[Any, ...]], sr: int, hop_length: int
) -> SpectralFront:
    r"""Takes a spectrum that is computed by a convolution out of a network.

    Networks for audio have convolutions whose weights are windowed cosines and sines, and the
    magnitude behind them. `Spectrum` gives the same by a fast Fourier transform, in less time, and
    cuts the audio into chunks itself, so that it may come in any cut.

    Parameters
    ----------
    layers : mapping of str to tuple
        As `from_onnx` gives them, for rows of samples. They begin with samples that are mirrored at
        the right, if need be; a convolution over the samples without a bias; squares; the sum of
        both halves of the channels; and the root of it, unless powers are meant.
    sr : int
        Sample rate, Hz.
    hop_length : int
        New samples in each row; what is in front of them is the end of the row before.

    Returns
    -------
    SpectralFront
        `features` and `layers`.

    Raises
    ------
    ValueError
        The layers begin otherwise, or the weights are no Fourier transform with a window that
        `Spectrum` has.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> angles = 2 * np.pi / 8 * np.outer(np.arange(5), np.arange(8))
    >>> basis = np.concatenate([np.cos(angles), -np.sin(angles)])[:, None, None].astype(np.float32)
    >>> conv = pylstm.Conv(16, 10, positions=16, kernel_positions=8, stride_positions=4, bias=False,
    ...                    weights={"weight": basis})
    >>> layers = {"stft": (conv, "features"),
    ...           "squares": (pylstm.Activation(30, "square"), "stft"),
    ...           "real": (pylstm.Select(30, 0, 5, positions=3), "squares"),
    ...           "imaginary": (pylstm.Select(30, 5, 10, positions=3), "squares"),
    ...           "power": (pylstm.Add(), "real", "imaginary"),
    ...           "root": (pylstm.Activation(15, "sqrt"), "power"),
    ...           "lstm": (pylstm.LSTM(15, 4, seed=0), "root")}
    >>> features, rest = spectral_front(layers, 16000, 8)
    >>> features.window, features.columns, features.column_hop, list(rest)
    ('boxcar', 3, 4, ['lstm'])
    """
    name, mirrored = FEATURES, None
    first = _behind(layers, name)
    if isinstance(layers[first][0], Dense):
        name, mirrored = first, _order(first, layers[first][0])
    conv_name = _behind(layers, name)
    conv = layers[conv_name][0]
    if not isinstance(conv, Conv) or conv.channels != 1 or conv.output_channels % 2:
        _refuse(conv_name, conv, "a convolution over samples, with cosines and sines as channels")
    if (
        conv.bias
        or conv.activation != "linear"
        or conv.kernel_size > 1
        or any(conv.padding_positions)
    ):
        _refuse(conv_name, conv, "no bias, no activation and no padding")
    squares = _behind(layers, conv_name)
    if not _is_function(layers[squares][0], "square"):
        _refuse(squares, layers[squares][0], "squares of what the convolution gives")
    squares, skipped = _late_columns(layers, squares, conv)
    power = _sum_of_halves(layers, squares, conv.output_channels)
    followers = _takers(layers, power)
    has_root = len(followers) == 1 and _is_function(layers[followers[0]][0], "sqrt")
    last = followers[0] if has_root else power
    n_fft, columns = conv.kernel_positions, conv.output_positions - skipped
    samples = np.arange(conv.input_size) if mirrored is None else mirrored
    used = (columns - 1) * conv.stride_positions + n_fft
    samples = samples[skipped * conv.stride_positions :][:used]
    pad_right = _mirrored(samples, first)
    width = layers[first][0].input_size
    if used - pad_right != width:
        raise ValueError(
            f"the columns of the Fourier transform have {used - pad_right} samples of the {width}"
            " in a row; expected all of them"
        )
    window, periodic = _window(conv.weights["weight"].reshape(-1, n_fft), conv_name)
    features = Spectrum(
        sr=sr,
        n_fft=n_fft,
        win_length=n_fft,
        hop_length=hop_length,
        window=window,
        periodic=periodic,
        center=False,
        framing="chunk",
        power=1.0 if has_root else 2.0,
        columns=columns,
        column_hop=conv.stride_positions if columns > 1 else 0,
        pad_right=pad_right,
    )
    return SpectralFront(features, _rest(layers, last))


def _takers(layers: Mapping[str, tuple[Any, ...]], name: str) -> list[str]:
    return [taker for taker, (_, *inputs) in layers.items() if name in inputs]


def _behind(layers: Mapping[str, tuple[Any, ...]], name: str) -> str:
    """The only layer that takes the rows of one."""
    takers = _takers(layers, name)
    if len(takers) != 1:
        raise ValueError(
            f"the rows of {name!r} go into {takers}; expected one layer of a Fourier transform"
        )
    return takers[0]


def _refuse(name: str, layer: Layer, wanted: str) -> None:
    raise ValueError(f"layers[{name!r}] is {layer!r}; expected {wanted}")


def _is_function(layer: Layer, function: str) -> bool:
    return isinstance(layer, Activation) and layer.function == function


def _order(name: str, layer: Dense) -> NDArray[np.int64]:
    """Which value of a row each output is, of a layer that moves values."""
    weight = layer.weights["weight"]
    order: NDArray[np.int64] = weight.argmax(axis=1)
    moved = np.zeros_like(weight)
    moved[np.arange(len(weight)), order] = 1
    if layer.bias or layer.activation != "linear" or not np.array_equal(moved, weight):
        _refuse(name, layer, "one that moves samples, or a convolution over them")
    return order


def _late_columns(
    layers: Mapping[str, tuple[Any, ...]], squares: str, conv: Conv
) -> tuple[str, int]:
    """What has the columns that are used, and how many before them are not."""
    takers = _takers(layers, squares)
    layer = layers[takers[0]][0] if len(takers) == 1 else None
    if isinstance(layer, Select) and layer.positions == 1 and layer.stop == layer.input_size:
        skipped, rest = divmod(layer.start, conv.output_channels)
        if not rest:
            return takers[0], skipped
    return squares, 0


def _sum_of_halves(layers: Mapping[str, tuple[Any, ...]], name: str, channels: int) -> str:
    """The name of the layer that adds the first half of the channels to the second."""
    takers = _takers(layers, name)
    bounds = []
    for taker in takers:
        layer = layers[taker][0]
        if not isinstance(layer, Select) or layer.input_size // layer.positions != channels:
            _refuse(taker, layer, f"half of the channels, of which there are {channels}")
        bounds.append((layer.start, layer.stop))
    half = channels // 2
    power = _behind(layers, takers[0]) if takers else name
    if sorted(bounds) != [(0, half), (half, channels)] or not isinstance(layers[power][0], Add):
        _refuse(power, layers[power][0], "the sum of the squares of cosines and sines")
    if sorted(layers[power][1:]) != sorted(takers):
        _refuse(power, layers[power][0], "the sum of both halves of the channels")
    return power


def _mirrored(samples: NDArray[np.int64], name: str) -> int:
    """How many samples at the end are those before the last one, mirrored."""
    size = int(samples.max()) + 1
    pad = len(samples) - size
    mirrored = size - 2 - np.arange(max(pad, 0))
    if pad < 0 or not np.array_equal(samples, np.concatenate([np.arange(size), mirrored])):
        raise ValueError(
            f"layers[{name!r}] has its samples in another order; expected those of the row, and"
            " behind them the last ones mirrored"
        )
    return pad


def _window(weight: NDArray[np.float32], name: str) -> tuple[Any, bool]:
    """The window that Spectrum has, of windowed cosines and sines."""
    n_fft = weight.shape[1]
    bins = len(weight) // 2
    if bins != n_fft // 2 + 1:
        raise ValueError(
            f"layers[{name!r}] has {bins} cosines for a kernel of {n_fft}; expected"
            f" {n_fft // 2 + 1}"
        )
    angles = 2 * np.pi / n_fft * np.outer(np.arange(bins), np.arange(n_fft))
    waves = np.concatenate([np.cos(angles), np.sin(angles)])
    for window in get_args(Window):
        for periodic in (True, False):
            values = _values(window, periodic, n_fft)
            wanted = waves * values
            # A sine may have either sign: its square is the same.
            signs = np.sign((wanted[bins:] * weight[bins:]).sum(axis=1, keepdims=True))
            wanted[bins:] *= np.where(signs < 0, -1.0, 1.0)
            if np.abs(wanted - weight).max() <= NEAR * np.abs(values).max():
                return window, periodic
    raise ValueError(
        f"layers[{name!r}] has other weights than a Fourier transform with a window of Spectrum;"
        f" expected one of {', '.join(get_args(Window))}"
    )


def _values(window: Window, periodic: bool, n_fft: int) -> NDArray[np.float64]:
    """A window: what the first bin gives for single samples."""
    features = Spectrum(
        n_fft=n_fft,
        win_length=n_fft,
        hop_length=n_fft,
        window=window,
        periodic=periodic,
        center=False,
        framing="chunk",
    )
    rows = features(np.eye(n_fft, dtype=np.float32).ravel())
    return rows[:, 0].astype(np.float64)


def _rest(layers: Mapping[str, tuple[Any, ...]], last: str) -> dict[str, tuple[Any, ...]]:
    """The layers behind one, whose rows are the features then."""
    rest: dict[str, tuple[Any, ...]] = {}
    gone = list(layers)[: list(layers).index(last) + 1]
    for name, (layer, *inputs) in layers.items():
        if name in gone:
            continue
        renamed = [FEATURES if one == last else one for one in inputs]
        if set(renamed) & set(gone):
            raise ValueError(
                f"layers[{name!r}] takes rows from inside of the Fourier transform; expected its"
                " magnitudes alone"
            )
        rest[name] = (layer, *renamed)
    if not rest:
        raise ValueError("nothing is behind the Fourier transform; expected a network")
    return rest
