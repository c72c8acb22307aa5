"""Random graphs of layers, of every kind that streams, with strides, look-ahead and joins."""

from __future__ import annotations

import random
from collections.abc import Callable

import pylstm
from pylstm.layers import Layer
from pylstm.layers.graph import FEATURES
from pylstm.layers.window_layer import WindowLayer

WIDTHS = (1, 3, 8, 16, 17)

# What cuts its rows into positions as its first input does.
KEEP_POSITIONS = (pylstm.Activation, pylstm.Add, pylstm.Mul, pylstm.LayerNorm, pylstm.Affine)


def _conv(draw: random.Random, width: int, seed: int, cut: int) -> Layer:
    positions = draw.choice((1, cut) if cut > 1 else [n for n in (1, 2, 4) if width % n == 0])
    groups = draw.choice([n for n in (1, 2, 3) if width // positions % n == 0])
    kernel, dilation = draw.randint(1, 4), draw.randint(1, 3)
    reach = (kernel - 1) * dilation
    left = draw.randint(0, reach)
    kernel_positions = draw.randint(1, positions)
    return pylstm.Conv(
        width,
        groups * draw.choice((1, 2, 5)),
        kernel,
        stride=draw.choice((1, 1, 1, 2, 3)),
        padding=(left, draw.randint(0, reach - left)),
        dilation=dilation,
        groups=groups,
        positions=positions,
        kernel_positions=kernel_positions,
        padding_positions=(draw.randint(0, kernel_positions - 1), 0),
        activation=draw.choice(("linear", "relu", "tanh")),
        seed=seed,
    )


def _pool(draw: random.Random, width: int, seed: int, cut: int) -> Layer:
    return pylstm.Pool(
        width, draw.choice(("max", "mean")), draw.randint(1, 3), stride=draw.choice((1, 2))
    )


def _stack(draw: random.Random, width: int, seed: int, cut: int) -> Layer:
    return pylstm.Stack(width, draw.randint(0, 3), draw.randint(0, 3), draw.choice((1, 1, 2)))


ONE_INPUT: tuple[Callable[[random.Random, int, int, int], Layer], ...] = (
    lambda draw, width, seed, cut: pylstm.LSTM(width, draw.choice(WIDTHS), seed=seed),
    lambda draw, width, seed, cut: pylstm.LSTM(
        width, 9, peepholes=draw.random() < 0.5, proj_size=draw.choice((0, 4)), seed=seed
    ),
    lambda draw, width, seed, cut: pylstm.Dense(width, draw.choice(WIDTHS), "tanh", seed=seed),
    lambda draw, width, seed, cut: pylstm.LayerNorm(width),
    lambda draw, width, seed, cut: pylstm.Activation(
        width, draw.choice(("silu", "softmax", "relu"))
    ),
    _conv,
    _conv,
    _pool,
    _stack,
)


def drawn(seed: int, most: int = 10) -> tuple[int, dict[str, object]]:
    """The width of frames, and named layers as `pylstm.Model` takes them.

    Joins take what the engine can line up; every layer is somebody's input.
    """
    draw = random.Random(seed)
    width = draw.choice(WIDTHS)
    nodes: dict[str, object] = {}
    rates = {FEATURES: (width, 0, 1)}  # width, first, period
    cuts = {FEATURES: 1}  # the positions that a row is cut into
    unused: list[str] = []
    for number in range(draw.randint(1, most)):
        name = f"n{number}"
        source = draw.choice(unused or [FEATURES]) if draw.random() < 0.7 else _any(draw, rates)
        given, first, period = rates[source]
        partners = [
            other
            for other, (_, begin, step) in rates.items()
            if step == period and (begin - first) % period == 0
        ]
        if number and draw.random() < 0.35:
            kind = draw.choice(("add", "mul", "concat"))
            same = partners if kind == "concat" else [n for n in partners if rates[n][0] == given]
            inputs = [source, *draw.choices(same, k=draw.randint(1, 2))]
            draw.shuffle(inputs)
            layer = {"add": pylstm.Add, "mul": pylstm.Mul, "concat": pylstm.Concat}[kind]()
            out = sum(rates[n][0] for n in inputs) if kind == "concat" else given
            if out > 200:
                continue
            begin = max(rates[n][1] for n in inputs)
            rates[name] = out, begin, period
        else:
            layer, inputs = (
                draw.choice(ONE_INPUT)(draw, given, seed + number, cuts[source]),
                [source],
            )
            rates[name] = layer.n_outputs, *_after(layer, first, period)
        nodes[name] = (layer, *inputs)
        keeps = isinstance(layer, KEEP_POSITIONS)
        cuts[name] = cuts[inputs[0]] if keeps else getattr(layer, "output_positions", 1)
        unused = [n for n in unused if n not in inputs] + [name]
    for number, name in enumerate(unused[:-1]):  # nobody takes these yet: they go to the end
        end = f"end{number}"
        last = f"end{number - 1}" if number else unused[-1]
        if rates[name][2] != rates[last][2] or (rates[name][1] - rates[last][1]) % rates[name][2]:
            return drawn(seed + 1_000_003, most)
        nodes[end] = (pylstm.Concat(), last, name)
        rates[end] = (
            rates[last][0] + rates[name][0],
            max(rates[last][1], rates[name][1]),
            rates[name][2],
        )
    return width, nodes


def _any(draw: random.Random, rates: dict[str, tuple[int, int, int]]) -> str:
    return draw.choice(list(rates))


def _after(layer: Layer, first: int, period: int) -> tuple[int, int]:
    """First row and period behind a layer."""
    if not isinstance(layer, WindowLayer):
        return first, period
    return first + period * (layer.window - 1 - sum(layer.padding)), period * layer.stride
