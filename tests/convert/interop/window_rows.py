"""Rows of layers that look at several frames, or at several positions of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pylstm
from tests.convert import rtneural_files
from tests.convert.interop.chains import (
    integers,
    keras_chain,
    onnx_nodes,
    rtneural_entry,
    torch_chain,
)
from tests.convert.interop.row import Row

__all__ = ["ROWS"]

FILTERS = 4


def drawn(*shape: int) -> Any:
    return np.random.default_rng(list(shape)).normal(0, 0.4, shape).astype(np.float32)


def signal(n: int) -> Any:
    return (1, n, None)


def picture(n: int) -> Any:
    return (1, 2, None, n + 4)


def bands(n: int) -> Any:
    """Positions x channels of Keras."""
    return (n + 4, 2)


def values(n: int) -> int:
    return 2 * (n + 4)


def conv(kernel: int, groups: Callable[[int], int] = lambda n: 1, **attributes: Any) -> Any:
    """ONNX's, over time."""

    def make(n: int) -> Any:
        outputs = n if groups(n) == n and n > 1 else FILTERS * groups(n)
        weights = {"W": drawn(outputs, n // groups(n), kernel), "b": drawn(outputs)}
        given = {"group": groups(n), **attributes}
        return onnx_nodes([("Conv", "x W b", "y", given)], signal, lambda n: weights)(n)

    return make


def conv2d(kernel: tuple[int, int], **attributes: Any) -> Any:
    """ONNX's, over time and positions."""
    weights = {"W": drawn(FILTERS, 2, *kernel), "b": drawn(FILTERS)}
    return onnx_nodes([("Conv", "x W b", "y", attributes)], picture, lambda n: weights)


def ours(**options: Any) -> Any:
    return lambda n: [pylstm.Conv(n, FILTERS, 3, seed=n, **options)]


def of_pictures(kernel: tuple[int, int], stride: int = 1) -> Any:
    return lambda n: [
        pylstm.Conv(
            values(n),
            FILTERS,
            kernel[0],
            positions=n + 4,
            kernel_positions=kernel[1],
            stride_positions=stride,
            seed=n,
        )
    ]


def pool(kind: str, over_time: bool = True) -> Row:
    mode = {"Max": "max", "Average": "mean"}[kind]
    first: Any = mode
    torch_name = {"Max": "MaxPool", "Average": "AvgPool"}[kind]
    given = {"kernel_shape": [3], "strides": [2]}
    if over_time:
        return Row(
            "`Pool`" if kind == "Max" else "",
            f"{mode} over time",
            lambda n: [pylstm.Pool(n, first, 3, 2)],
            torch_chain(
                lambda nn, n: [nn.Conv1d(n, FILTERS, 1), getattr(nn, torch_name + "1d")(3, 2)],
                "BFT",
            ),
            keras_chain(lambda kl, n: getattr(kl, kind + "Pooling1D")(3, 2)),
            onnx_nodes([(kind + "Pool", "x", "y", given)], signal),
        )
    given = {"kernel_shape": [1, 2], "strides": [1, 2]}
    return Row(
        "",
        f"{mode} over positions",
        lambda n: [pylstm.Pool(4 * n, first, 1, 1, positions=2 * n, kernel_positions=2)],
        torch_chain(
            lambda nn, n: [nn.Conv2d(2, 3, 1), getattr(nn, torch_name + "2d")((1, 2))],
            "BCTF",
            values,
        ),
        keras_chain(lambda kl, n: getattr(kl, kind + "Pooling2D")((1, 2)), bands),
        onnx_nodes([(kind + "Pool", "x", "y", given)], picture),
    )


ROWS = (
    Row(
        "`Conv` over time",
        "valid",
        ours(),
        torch_chain(lambda nn, n: nn.Conv1d(n, FILTERS, 3), "BFT"),
        keras_chain(lambda kl, n: kl.Conv1D(FILTERS, 3)),
        conv(3),
    ),
    Row(
        "",
        "causal",
        ours(padding="causal"),
        torch_chain(lambda nn, n: [nn.ZeroPad1d((2, 0)), nn.Conv1d(n, FILTERS, 3)], "BFT"),
        keras_chain(lambda kl, n: kl.Conv1D(FILTERS, 3, padding="causal")),
        conv(3, pads=[2, 0]),
        rtneural_entry(lambda n: rtneural_files.conv1d(n, FILTERS, 3)),
    ),
    Row(
        "",
        "looks ahead",
        ours(padding=(1, 1)),
        torch_chain(lambda nn, n: nn.Conv1d(n, FILTERS, 3, padding=1), "BFT"),
        keras_chain(lambda kl, n: kl.Conv1D(FILTERS, 3, padding="same")),
        conv(3, pads=[1, 1]),
    ),
    Row(
        "",
        "stride",
        ours(stride=2),
        torch_chain(lambda nn, n: nn.Conv1d(n, FILTERS, 3, stride=2), "BFT"),
        keras_chain(lambda kl, n: kl.Conv1D(FILTERS, 3, 2)),
        conv(3, strides=[2]),
    ),
    Row(
        "",
        "dilation",
        ours(dilation=2, padding="causal"),
        torch_chain(lambda nn, n: nn.Conv1d(n, FILTERS, 3, dilation=2), "BFT"),
        keras_chain(lambda kl, n: kl.Conv1D(FILTERS, 3, dilation_rate=2, padding="causal")),
        conv(3, dilations=[2], pads=[4, 0]),
        rtneural_entry(lambda n: rtneural_files.conv1d(n, FILTERS, 3, 2)),
    ),
    Row(
        "",
        "groups",
        lambda n: [pylstm.Conv(2 * n, FILTERS, 3, groups=2, seed=n)],
        torch_chain(lambda nn, n: nn.Conv1d(2 * n, FILTERS, 3, groups=2), "BFT", lambda n: 2 * n),
        keras_chain(lambda kl, n: kl.Conv1D(FILTERS, 3, groups=2), lambda n: (2 * n,)),
        lambda n: conv(3, lambda n: 2)(2 * n),
        rtneural_entry(
            lambda n: rtneural_files.conv1d(2 * n, FILTERS, 3, groups=2), lambda n: 2 * n
        ),
    ),
    Row(
        "",
        "depthwise",
        lambda n: [pylstm.Conv(n, n, 3, groups=n, seed=n)],
        torch_chain(lambda nn, n: nn.Conv1d(n, n, 3, groups=n), "BFT"),
        keras_chain(lambda kl, n: kl.DepthwiseConv1D(3)),
        conv(3, lambda n: n),
    ),
    Row(
        "`Conv` over time and positions",
        "valid",
        of_pictures((2, 3)),
        torch_chain(lambda nn, n: nn.Conv2d(2, FILTERS, (2, 3)), "BCTF", values),
        keras_chain(lambda kl, n: kl.Conv2D(FILTERS, (2, 3)), bands),
        conv2d((2, 3)),
        rtneural_entry(lambda n: rtneural_files.conv2d(n + 4, 2, FILTERS, (2, 3)), values),
    ),
    Row(
        "",
        "stride over positions",
        of_pictures((2, 3), 2),
        torch_chain(lambda nn, n: nn.Conv2d(2, FILTERS, (2, 3), (1, 2)), "BCTF", values),
        keras_chain(lambda kl, n: kl.Conv2D(FILTERS, (2, 3), (1, 2)), bands),
        conv2d((2, 3), strides=[1, 2]),
        rtneural_entry(
            lambda n: rtneural_files.conv2d(n + 4, 2, FILTERS, (2, 3), stride=2), values
        ),
    ),
    pool("Max"),
    pool("Average"),
    pool("Max", over_time=False),
    pool("Average", over_time=False),
    Row(
        "`Select`",
        "values of a row",
        lambda n: [pylstm.Select(n + 3, 1, n + 2)],
        torch_chain(lambda nn, n: cut(nn), width=lambda n: n + 3),
        None,
        onnx_nodes(
            [("Slice", "x b e a", "y", {})],
            lambda n: (1, None, n + 3),
            lambda n: {"b": integers(1), "e": integers(n + 2), "a": integers(2)},
        ),
    ),
    Row("`Stack`", "frames side by side", lambda n: [pylstm.Stack(n, left=2, stride=2)]),
)


def cut(nn: Any) -> Any:
    class Cut(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[..., 1:-1]

    return Cut()
