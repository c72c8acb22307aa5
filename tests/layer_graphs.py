"""Graphs of layers for tests: drawn ones, and what the reference and PyTorch make of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import pylstm
from pylstm import reference
from pylstm.layers import Join, Layer
from pylstm.layers.graph import FEATURES, Node, graph_of
from tests.layer_kinds import STREAMING, kind_of, make_layer

Array = NDArray[Any]
Graph = dict[str, tuple[Any, ...]]

MOST_WIDTH = 64


@st.composite
def windows(draw: st.DrawFn, width: int, smooth: bool, seed: int) -> Layer:
    """A layer with a window in time: valid, causal or looking ahead, at times with a stride."""
    kernel_size, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    reach = (kernel_size - 1) * dilation
    left = draw(st.integers(0, reach))
    right = draw(st.integers(0, reach - left))
    stride = draw(st.sampled_from([1, 1, 2]))
    kind = draw(st.sampled_from(["conv", "pool", "stack"]))
    if kind == "stack" and width * 3 <= MOST_WIDTH:
        return pylstm.Stack(width, left=left % 2, right=right % 2, stride=stride)
    if kind == "pool" and dilation == 1:
        mode = "mean" if smooth else draw(st.sampled_from(["mean", "max"]))
        return pylstm.Pool(
            width, mode, kernel_size=kernel_size, stride=stride, padding=(left, right)
        )
    outputs = draw(st.integers(1, 20))
    return pylstm.Conv(
        width, outputs, kernel_size, stride, (left, right), dilation, activation="tanh", seed=seed
    )


@st.composite
def graphs(draw: st.DrawFn, width: int, most: int = 8, smooth: bool = False) -> Graph:
    """Up to `most` layers and a last join or layer; rows are used once or more.

    `smooth`: no layer has corners.
    """
    seed = draw(st.integers(0, 2**16))
    found: Graph = {}
    widths, times = {FEATURES: width}, {FEATURES: (0, 1)}

    def add(layer: Layer, *inputs: str) -> None:
        name = f"layer_{len(widths)}"
        found[name] = (layer, *inputs)
        widths[name] = layer.output_width([widths[one] for one in inputs])
        times[name] = layer.row_times(*max(times[one] for one in inputs))

    def join(inputs: list[str]) -> None:
        same = len({widths[one] for one in inputs}) == 1
        add(
            draw(st.sampled_from([pylstm.Add, pylstm.Mul, pylstm.Concat][0 if same else 2 :]))(),
            *inputs,
        )

    for _ in range(draw(st.integers(1, most))):
        first = draw(st.sampled_from([*widths]))
        if draw(st.booleans()):
            others = [one for one in widths if fits(times[one], times[first])]
            others = [one for one in others if widths[one] == widths[first]] or others
            inputs = [first, *draw(st.lists(st.sampled_from(others), min_size=1, max_size=2))]
            if sum(widths[one] for one in inputs) <= MOST_WIDTH:
                join(inputs)
                continue
        if draw(st.integers(0, 3)) == 0:
            add(draw(windows(widths[first], smooth, seed)), first)
            continue
        variants = [one for one in STREAMING if not smooth or "relu" not in one]
        variant = draw(st.sampled_from(variants))
        settings = {"eps": 0.1} if variant == "norm" else {}
        add(
            make_layer(variant, widths[first], draw(st.integers(1, 20)), seed=seed, **settings),
            first,
        )
    unused = [name for name in found if all(name not in node[1:] for node in found.values())]
    while len(unused) > 1:
        # One row for all that nobody takes: what comes at another rate is left out.
        strangers = [one for one in unused if not fits(times[one], times[unused[-1]])]
        for one in strangers:
            del found[one]
        if not strangers:
            add(pylstm.Concat(), *unused[-8:])
        unused = [name for name in found if all(name not in node[1:] for node in found.values())]
    name, (layer, *inputs) = next(iter(found.items()))
    if isinstance(layer, Join):  # of frames from outside: something says first how wide they are
        first = {"first": (pylstm.Affine(width), FEATURES)}
        return first | found | {name: (layer, *(["first"] * len(inputs)))}
    return found


def fits(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether rows at these times can be joined."""
    return a[1] == b[1] and (a[0] - b[0]) % a[1] == 0


def streamed(model: pylstm.Model, x: Array) -> Array:
    """The rows of a stream, those at its end included."""
    stream = model.stream()
    return np.concatenate([stream.push_frames(x), stream.flush()])


def reference_rows(nodes: tuple[Node, ...], x: Array) -> Array:
    """What `pylstm.reference.model` makes of frames (T, width)."""
    layers = [
        {
            "kind": node.layer.kind,
            **node.layer._arguments(),
            "weights": node.layer.weights,
            "name": node.name,
            "inputs": ",".join(node.inputs),
        }
        for node in nodes
    ]
    return reference.model(x, None, layers)


def torch_rows(graph: Mapping[str, Any], x: Any) -> tuple[Any, dict[str, Any]]:
    """Outputs for a tensor (T, B, width), and every weight as a tensor, by its name.

    For layers that give a row for each row.
    """

    found, weights = {FEATURES: x}, {}
    counts = np.full(x.shape[1], len(x))
    for name, layer, inputs in graph_of(graph, None):
        xs = [found[one] for one in inputs]
        if isinstance(layer, Join):
            found[name] = torch_join(layer, xs)
            continue
        module = kind_of(layer).torch_module(layer)  # type: ignore[misc]
        weights |= {f"{name}.{own}": p for own, p in module.named_parameters()}
        found[name], _ = kind_of(layer).torch_forward(module, layer, xs[0], counts, None)  # type: ignore[misc]
    return found[name], weights


def torch_join(layer: Any, xs: list[Any]) -> Any:
    import torch

    if isinstance(layer, pylstm.Concat):
        return torch.cat([x.unflatten(-1, (layer.positions, -1)) for x in xs], -1).flatten(-2)
    y = xs[0]
    for x in xs[1:]:
        y = y + x if isinstance(layer, pylstm.Add) else y * x
    return y
