"""Convolutions, pools and stacks to draw for tests, and what PyTorch makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import pylstm


@st.composite
def drawn_layer(draw: st.DrawFn, kinds: tuple[str, ...] = ("conv", "pool", "stack")) -> Any:
    """A layer of one of the kinds, with any of its settings."""
    kind = draw(st.sampled_from(kinds))
    seed = draw(st.integers(0, 2**32 - 1))
    if kind == "stack":
        left, right = draw(st.integers(0, 4)), draw(st.integers(0, 4))
        return pylstm.Stack(draw(st.integers(1, 40)), left, right, draw(st.integers(1, 3)))
    kernel, kernel_positions = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    dilated = kind == "conv"
    dilation = draw(st.integers(1, 3)) if dilated else 1
    dilation_positions = draw(st.integers(1, 3)) if dilated else 1
    beside, span = (kernel - 1) * dilation, (kernel_positions - 1) * dilation_positions + 1
    left = draw(st.integers(0, beside))
    low, high = draw(st.integers(0, span - 1)), draw(st.integers(0, span - 1))
    least = max(1, span - low - high)
    positions = draw(st.integers(least, least + 12))
    window = {
        "kernel_size": kernel,
        "stride": draw(st.integers(1, 3)),
        "padding": (left, draw(st.integers(0, beside - left))),
        "positions": positions,
        "kernel_positions": kernel_positions,
        "stride_positions": draw(st.integers(1, 3)),
        "padding_positions": (low, high),
    }
    if kind == "pool":
        return pylstm.Pool(
            positions * draw(st.integers(1, 20)),
            draw(st.sampled_from(["max", "mean"])),
            count_include_pad=draw(st.booleans()),
            **window,
        )
    groups = draw(st.sampled_from([1, 1, 2, 3, 17, 32]))
    channels = groups * draw(st.sampled_from([1, 1, 2, 3] if groups > 1 else [1, 2, 5, 16, 19, 64]))
    outputs = groups * draw(st.sampled_from([1, 1, 2, 3, 16, 17, 40]))
    return pylstm.Conv(
        positions * channels,
        outputs,
        dilation=dilation,
        dilation_positions=dilation_positions,
        groups=groups,
        bias=draw(st.booleans()),
        activation=draw(st.sampled_from(["linear", "relu", "tanh", "sigmoid"])),
        seed=seed,
        **window,
    )


def torch_weights(layer: Any) -> dict[str, Any]:
    """The layer's weights as tensors that gather gradients."""
    import torch

    return {name: torch.tensor(w, requires_grad=True) for name, w in layer.weights.items()}


def in_torch(layer: Any, x: Any, weights: dict[str, Any]) -> Any:
    """Rows (T, input_size) of one sequence, a tensor, through the same in PyTorch."""
    import torch

    functional = torch.nn.functional
    count = layer.n_rows_out(len(x))
    if not count:
        return x.new_zeros((0, layer.n_outputs))
    x = functional.pad(x, (0, 0, *layer.padding))
    if isinstance(layer, pylstm.Stack):
        windows = x.unfold(0, layer.kernel_size, layer.stride)  # (T', I, k)
        return windows.transpose(1, 2).reshape(count, -1)
    image = x.reshape(len(x), layer.positions, layer.channels).permute(2, 0, 1)[None]
    stride, around = (layer.stride, layer.stride_positions), layer.padding_positions
    kernel = layer.kernel_size, layer.kernel_positions
    if isinstance(layer, pylstm.Conv):
        y = functional.conv2d(
            functional.pad(image, around),
            weights["weight"].reshape(layer.output_channels, -1, *kernel),
            weights.get("bias"),
            stride,
            dilation=(layer.dilation, layer.dilation_positions),
            groups=layer.groups,
        )
        if layer.activation != "linear":
            y = getattr(torch, layer.activation)(y)
    elif layer.mode == "max":
        y = functional.max_pool2d(functional.pad(image, around, value=-np.inf), kernel, stride)
    else:
        y = functional.avg_pool2d(functional.pad(image, around), kernel, stride)
        if not layer.count_include_pad:  # the share of a window that is inside of the row
            inside = functional.pad(torch.ones_like(image), around)
            y = y / functional.avg_pool2d(inside, kernel, stride)
    return y[0].permute(1, 2, 0).reshape(count, layer.n_outputs)
