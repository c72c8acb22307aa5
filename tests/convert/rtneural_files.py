"""Small networks in RTNeural's JSON, with what PyTorch gives for them.

Each maker gives an entry of ``layers`` and a function on (T, width) tensors. RTNeural sees zeros
before the first frame, which PyTorch is told by padding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError:
    torch = None

Forward = Callable[[Any], Any]


class Case(NamedTuple):
    """A layer to write down."""

    kind: str
    width: int
    make: Callable[[], tuple[dict[str, Any], Forward]]


def lists(array: Any) -> Any:
    return array.detach().numpy().tolist()


def dense(inputs: int, outputs: int, activation: str = "", bias: bool = True) -> Any:
    module = nn.Linear(inputs, outputs, bias=bias)
    weights = [lists(module.weight.T), *([lists(module.bias)] if bias else [])]
    entry = {"type": "dense", "activation": activation, "shape": [None, None, outputs]}
    return entry | {"weights": weights}, lambda x: activated(activation, module(x))


def activated(name: str, x: Any) -> Any:
    functions = {
        "": lambda x: x,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "sigmoid": torch.sigmoid,
        "elu": functional.elu,
        "softmax": lambda x: torch.softmax(x, -1),
    }
    return functions[name](x)


def conv1d(
    inputs: int, outputs: int, kernel: int, dilation: int = 1, groups: int = 1, activation: str = ""
) -> Any:
    module = nn.Conv1d(inputs, outputs, kernel, dilation=dilation, groups=groups)
    entry = {
        "type": "conv1d",
        "activation": activation,
        "shape": [None, None, outputs],
        "kernel_size": [kernel],
        "dilation": [dilation],
        "weights": [lists(module.weight.permute(2, 1, 0)), lists(module.bias)],
    }
    if groups > 1:
        entry["groups"] = groups

    def forward(x: Any) -> Any:
        padded = functional.pad(x.T[None], ((kernel - 1) * dilation, 0))
        return activated(activation, module(padded)[0].T)

    return entry, forward


def conv2d(
    features: int,
    filters_in: int,
    filters: int,
    kernel: tuple[int, int],
    dilation: int = 1,
    stride: int = 1,
    padding: str = "valid",
    activation: str = "",
) -> Any:
    module = nn.Conv2d(filters_in, filters, kernel, (1, stride), dilation=(dilation, 1))
    beside = 0
    if padding == "same":
        beside = max((-(-features // stride) - 1) * stride + kernel[1] - features, 0)
    after = (features + beside - kernel[1]) // stride + 1
    entry = {
        "type": "conv2d",
        "activation": activation,
        "shape": [None, None, after, filters],
        "kernel_size_time": kernel[0],
        "kernel_size_feature": kernel[1],
        "dilation": dilation,
        "strides": stride,
        "num_filters_in": filters_in,
        "num_features_in": features,
        "num_filters_out": filters,
        "padding": padding,
        "weights": [lists(module.weight.permute(2, 3, 1, 0)), lists(module.bias)],
    }

    def forward(x: Any) -> Any:
        picture = x.reshape(len(x), features, filters_in).permute(2, 0, 1)[None]
        before = (beside // 2, beside - beside // 2, (kernel[0] - 1) * dilation, 0)
        y = module(functional.pad(picture, before))[0].permute(1, 2, 0)
        return activated(activation, y.reshape(len(x), -1))

    return entry, forward


def swapped(tensor: Any) -> Any:
    """r, z, n as z, r, n: the gates of a GRU in Keras's order."""
    r, z, n = tensor.chunk(3)
    return torch.cat([z, r, n])


def gru(inputs: int, units: int) -> Any:
    module = nn.GRU(inputs, units)
    bias = [lists(swapped(module.bias_ih_l0)), lists(swapped(module.bias_hh_l0))]
    weights = [lists(swapped(w).T) for w in (module.weight_ih_l0, module.weight_hh_l0)]
    entry = {"type": "gru", "activation": "tanh", "shape": [None, None, units]}
    return entry | {"weights": [*weights, bias]}, lambda x: module(x)[0]


def lstm(inputs: int, units: int) -> Any:
    module = nn.LSTM(inputs, units)
    weights = [lists(w.T) for w in (module.weight_ih_l0, module.weight_hh_l0)]
    bias = lists(module.bias_ih_l0 + module.bias_hh_l0)
    entry = {"type": "lstm", "activation": "tanh", "shape": [None, None, units]}
    return entry | {"weights": [*weights, bias]}, lambda x: module(x)[0]


def prelu(width: int, slopes: int) -> Any:
    alpha = torch.rand(slopes)
    entry = {"type": "prelu", "activation": "", "shape": [None, None, width]}
    weights = [[alpha.tolist()]]
    return entry | {"weights": weights}, lambda x: functional.prelu(x, alpha)


def batchnorm(width: int, affine: bool, features: int = 0) -> Any:
    """Over `width` channels; of each of some features if there are any."""
    mean, variance = torch.randn(width), torch.rand(width) + 0.1
    scale, shift = (torch.randn(width), torch.randn(width)) if affine else (None, None)
    entry: dict[str, Any] = {"type": "batchnorm", "activation": "", "epsilon": 0.01}
    entry["shape"] = [None, None, width]
    if features:
        entry |= {"type": "batchnorm2d", "num_filters_in": width, "num_features_in": features}
        entry["shape"] = [None, None, features, width]
    arrays = [scale, shift, mean, variance] if affine else [mean, variance]
    entry["weights"] = [array.tolist() for array in arrays]

    def forward(x: Any) -> Any:
        rows = x.reshape(-1, width)
        return functional.batch_norm(rows, mean, variance, scale, shift, eps=0.01).reshape(x.shape)

    return entry, forward


def activation(width: int, name: str) -> Any:
    entry = {"type": "activation", "activation": name, "shape": [None, None, width], "weights": []}
    return entry, lambda x: activated(name, x)


SIZES = ((1, 3), (5, 8), (23, 17))
NAMES = ("", "tanh", "relu", "sigmoid", "softmax", "elu")


def cases() -> list[Any]:
    """Every type of layer in three sizes with its options."""
    found: list[Any] = []

    def add(name: str, width: int, make: Callable[..., Any], *arguments: Any) -> None:
        found.append((f"{name}-{width}-{arguments}", width, make, arguments))

    for inputs, outputs in SIZES:
        add("lstm", inputs, lstm, inputs, outputs)
        add("gru", inputs, gru, inputs, outputs)
        for name in NAMES:
            add("dense", inputs, dense, inputs, outputs, name, name != "tanh")
            if name:
                add("activation", outputs, activation, outputs, name)
        for kernel, dilation in ((1, 1), (3, 2), (4, 5)):
            add("conv1d", inputs, conv1d, inputs, outputs, kernel, dilation, 1, "elu")
        add("conv1d", 3 * inputs, conv1d, 3 * inputs, 3 * outputs, 3, 1, 3, "tanh")
        for affine in (True, False):
            add("batchnorm", outputs, batchnorm, outputs, affine)
            add("batchnorm2d", 2 * outputs, batchnorm, 2, affine, outputs)
        for slopes in (1, outputs):
            add("prelu", outputs, prelu, outputs, slopes)
        for padding in ("valid", "same"):
            for stride in (1, 2, 3):
                size = inputs + 5
                options = ((3, 4), 2, stride, padding, "relu")
                add("conv2d", size * 2, conv2d, size, 2, outputs, *options)
    add("conv2d", 6, conv2d, 6, 1, 2, (1, 1), 1, 4, "same", "softmax"[:0])
    return found


def network() -> tuple[dict[str, Any], Forward]:
    """A whole file with a layer of nearly every type."""
    made = [
        conv2d(9, 1, 3, (2, 3), padding="same"),
        batchnorm(3, True, 9),
        activation(27, "relu"),
        conv1d(27, 6, 3, 2, 3, "tanh"),
        batchnorm(6, False),
        prelu(6, 6),
        gru(6, 5),
        lstm(5, 4),
        dense(4, 3, "softmax"),
    ]
    document = {"in_shape": [None, None, 9, 1], "layers": [entry for entry, _ in made]}
    document["layers"][2]["shape"] = [None, None, 9, 3]

    def forward(x: Any) -> Any:
        for _, one in made:
            x = one(x)
        return x

    return document, forward


def rows_of(forward: Forward, frames: Any) -> np.ndarray[Any, Any]:
    """What PyTorch gives."""
    with torch.no_grad():
        return forward(torch.from_numpy(frames)).numpy()
