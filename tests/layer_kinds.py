"""The kinds of layers, as the tests see them: one row a kind buys the tests in
tests/layers, and its layers a place in every network that tests draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import pylstm
from pylstm.layers import Layer, WindowLayer
from pylstm.reference.layers import LAYERS as REFERENCES
from tests.layers_in_torch import (
    torch_affine,
    torch_function,
    torch_gru,
    torch_gru_forward,
    torch_linear,
    torch_linear_forward,
    torch_norm,
    torch_recurrent,
    torch_recurrent_forward,
    torch_select,
    torch_weights,
    torch_window,
)

Array = NDArray[Any]


@dataclass(frozen=True)
class Kind:
    """One row.

    Attributes
    ----------
    layer : type
        The class.
    variants : mapping of str to callable
        ``make(input_size, width, **settings)`` for each way to make one that is worth a run of all
        tests, under its name in them.
    settings : mapping of str to strategy
        What else `make` takes, and what of it is drawn.
    relu : bool
        Whether there is a ReLU in every layer, whatever its settings say.
    draws : bool
        Whether the class draws its weights; what `make` gives has other weights than those that
        the class begins with, where it does not.
    state, trace : sequence of str
        The names of the parts that the core should say a cell remembers and shows, in order.
    torch_module : callable
        ``torch_module(layer)``: the module with the layer's weights; None where PyTorch has none.
    torch_forward : callable
        ``torch_forward(module, layer, x, counts, state)``: outputs and the state, as tensors.
    """

    layer: type[Layer]
    variants: Mapping[str, Callable[..., Layer]]
    settings: Mapping[str, st.SearchStrategy[Any]]
    relu: bool = False
    draws: bool = True
    state: Sequence[str] = ()
    trace: Sequence[str] = ()
    torch_module: Callable[[Layer], Any] | None = None
    torch_forward: Callable[..., tuple[Any, Any]] | None = None


# --- recurrent layers -----------------------------------------------------------------------------

STACK = {"num_layers": st.integers(1, 3), "bidirectional": st.booleans(), "bias": st.booleans()}
GATED = STACK | {"gate_slope": st.sampled_from([0.0, 0.0, 0.4])}


def projected(input_size: int, hidden_size: int, **settings: Any) -> Layer:
    """With a projection, which needs a hidden_size of 2 at least."""
    width = max(1, hidden_size * 2 // 3)
    return pylstm.LSTM(input_size, max(2, hidden_size), proj_size=width, **settings)


def layer_normalised(input_size: int, hidden_size: int, **settings: Any) -> Layer:
    """With small gains: those of 1 make a stack of random weights chaotic, so that float32 and
    float64 part after some tens of frames. And with a few cells at least: what layer normalisation
    makes of two is nearly the sign of their difference, whatever is left of that."""
    layer = pylstm.LSTM(input_size, max(16, hidden_size), layer_norm=True, **settings)
    for name, gain in layer.weights.items():
        if name.startswith("gain_") and "weights" not in settings:
            gain *= np.float32(0.4)
    return layer


OPTIONS = {"peepholes": True, "coupled": True, "gate_clip": 1.5, "cell_clip": 0.8}


def with_all_options(input_size: int, hidden_size: int, **settings: Any) -> Layer:
    """Everything at once but for layer normalisation, which the limits make chaotic."""
    return projected(input_size, hidden_size, **OPTIONS, **settings)


# --- dense layers ---------------------------------------------------------------------------------


# --- layers without a draw ------------------------------------------------------------------------


def in_parts(make: Callable[..., Layer]) -> Callable[..., Layer]:
    """Rows as wide as they came, with weights near 1; `parts` become positions where that fits."""

    def made(
        input_size: int,
        width: int,
        *,
        parts: int = 1,
        weights: Any = None,
        seed: int | None = None,
        **settings: Any,
    ) -> Layer:
        settings |= {"positions": math.gcd(input_size, parts)} if parts > 1 else {}
        if weights is not None:
            return make(input_size, weights=weights, seed=seed, **settings)
        rng, layer = np.random.default_rng(seed), make(input_size, **settings)
        values = {n: rng.uniform(0.5, 1.5, s) for n, s in layer.shapes.items()}
        return layer.with_weights({n: value.astype(np.float32) for n, value in values.items()})

    return made


def sloped(input_size: int, positions: int = 1, **settings: Any) -> Layer:
    """A prelu with a slope for each channel."""
    channels = input_size // positions
    return pylstm.Activation(
        input_size, "prelu", num_parameters=channels, positions=positions, **settings
    )


def selected(input_size: int, width: int, parts: int = 1, **settings: Any) -> Layer:
    """The middle of the channels of each position."""
    positions = math.gcd(input_size, parts)
    channels = input_size // positions
    kept = min(channels, width)
    start = (channels - kept) // 2
    return pylstm.Select(input_size, start, start + kept, positions, **settings)


def function(name: str, **parameters: float) -> Callable[..., Layer]:
    """An activation, which has no parts."""

    def made(input_size: int, width: int, **settings: Any) -> Layer:
        return pylstm.Activation(input_size, name, **parameters, **settings)  # type: ignore[arg-type]

    return made


PARTS = {"parts": st.integers(1, 12)}


# --- windows in time ------------------------------------------------------------------------------
# Those that give a row for each row; tests/layers/test_window_layer_*.py draw all the others.


def convolved(input_size: int, width: int, parts: int = 1, **settings: Any) -> Layer:
    positions = math.gcd(input_size, parts)
    if positions > 1:
        settings |= {"positions": positions, "kernel_positions": 2, "padding_positions": (1, 0)}
    return pylstm.Conv(input_size, width, 3, padding="causal", **settings)


def pooled(mode: Any) -> Callable[..., Layer]:
    def made(input_size: int, width: int, parts: int = 1, **settings: Any) -> Layer:
        positions = math.gcd(input_size, parts)
        if positions > 1:
            settings |= {"positions": positions, "kernel_positions": 2}
        return pylstm.Pool(input_size, mode, 3, 1, "causal", **settings)

    return made


def stacked_rows(input_size: int, width: int, **settings: Any) -> Layer:
    return pylstm.Stack(input_size, left=2, **settings)


# --- the table ------------------------------------------------------------------------------------

KINDS = (
    Kind(
        pylstm.LSTM,
        {
            "lstm": pylstm.LSTM,
            "projected": projected,
            "peepholes": partial(pylstm.LSTM, peepholes=True),
            "coupled": partial(pylstm.LSTM, coupled=True),
            "clipped": partial(pylstm.LSTM, gate_clip=1.5, cell_clip=0.8),
            "layer_normalised": layer_normalised,
            "all_options": with_all_options,
        },
        GATED,
        state="hc",
        trace="ifgoch",
        torch_module=torch_recurrent,
        torch_forward=torch_recurrent_forward,
    ),
    Kind(
        pylstm.GRU,
        {
            "gru": pylstm.GRU,
            "gru_relu": partial(pylstm.GRU, candidate="relu"),
            "gru_before": partial(pylstm.GRU, reset_after=False),
            "gru_before_relu": partial(pylstm.GRU, reset_after=False, candidate="relu"),
        },
        GATED,
        state="h",
        trace="rznh",
        torch_module=torch_gru,
        torch_forward=torch_gru_forward,
    ),
    Kind(
        pylstm.RNN,
        {f"rnn_{name}": partial(pylstm.RNN, nonlinearity=name) for name in ("tanh", "relu")},
        STACK,
        state="h",
        trace="h",
        torch_module=torch_recurrent,
        torch_forward=torch_recurrent_forward,
    ),
    Kind(
        pylstm.Dense,
        {
            f"dense_{name}": partial(pylstm.Dense, activation=name)
            for name in ("linear", "sigmoid", "tanh", "relu", "softmax", "gelu")
        },
        {"bias": st.booleans()},
        torch_module=torch_linear,
        torch_forward=torch_linear_forward,
    ),
    Kind(
        pylstm.LayerNorm,
        {"norm": in_parts(pylstm.LayerNorm)},
        PARTS | {"eps": st.sampled_from([1e-5, 1e-3, 1]), "affine": st.booleans()},
        draws=False,
        torch_module=torch_weights,
        torch_forward=torch_norm,
    ),
    Kind(
        pylstm.Affine,
        {"affine": in_parts(pylstm.Affine)},
        PARTS | {"per": st.sampled_from(["element", "channel", "position"]), "bias": st.booleans()},
        draws=False,
        torch_module=torch_weights,
        torch_forward=torch_affine,
    ),
    Kind(
        pylstm.Activation,
        {
            "prelu": in_parts(sloped),
            "clipped_relu": function("clipped_relu", low=-0.5, high=0.75),
            "log_softmax": function("log_softmax"),
            "silu": function("silu"),
        },
        {},
        draws=False,
        torch_module=torch_weights,
        torch_forward=torch_function,
    ),
    Kind(
        pylstm.Select,
        {"select": selected},
        PARTS,
        torch_module=torch_weights,
        torch_forward=torch_select,
    ),
    Kind(
        pylstm.Conv,
        {"conv": convolved, "conv_relu": partial(convolved, activation="relu")},
        PARTS | {"bias": st.booleans()},
        torch_module=torch_weights,
        torch_forward=torch_window,
    ),
    Kind(
        pylstm.Pool,
        {f"pool_{mode}": pooled(mode) for mode in ("max", "mean")},
        PARTS,
        torch_module=torch_weights,
        torch_forward=torch_window,
    ),
    Kind(
        pylstm.Stack,
        {"stack": stacked_rows},
        {},
        torch_module=torch_weights,
        torch_forward=torch_window,
    ),
)

VARIANTS = {name: kind for kind in KINDS for name in kind.variants}
IN_TORCH = [name for name, kind in VARIANTS.items() if kind.torch_module is not None]


def make_layer(variant: str, input_size: int, width: int, **settings: Any) -> Layer:
    """A layer of one of `VARIANTS`."""
    return VARIANTS[variant].variants[variant](input_size, width, **settings)


ROWS_AND_STATES = [name for name in VARIANTS if not isinstance(make_layer(name, 3, 4), WindowLayer)]
"""Those that a batch can be cut for: what sees a window begins each pass with rows of zeros."""

STREAMING = [name for name in VARIANTS if make_layer(name, 3, 4).obstacle is None]


def stacked(variant: str, input_size: int, width: int, **settings: Any) -> Layer:
    """A layer of two cells or more, as far as its kind has them."""
    most = {"num_layers": 2} | settings
    found = {name: value for name, value in most.items() if name in VARIANTS[variant].settings}
    return make_layer(variant, input_size, width, seed=1, **found)


def kind_of(layer: Layer) -> Kind:
    return next(kind for kind in KINDS if kind.layer is type(layer))


def draw_layer(
    data: st.DataObject, variant: str, input_size: int, width: int, **settings: Any
) -> Layer:
    """The same with settings that its row leaves to chance."""
    drawn = data.draw(st.fixed_dictionaries(dict(VARIANTS[variant].settings)))
    return make_layer(variant, input_size, width, **drawn, **settings)


def reference(
    layer: Layer, weights: Mapping[str, Array], x: Array, state: Any, counts: Array
) -> tuple[Array, Any, float, list[Any]]:
    """What `pylstm.reference` makes of x (T, B, input_size), in float64.

    Outputs (T, B, n_outputs), the state at the end, the smallest distance of anything from the
    corner of a ReLU or of a limit (where there is none: infinity), and for each cell by its name
    every part of state and trace (T, B, size). `counts` is how many frames of each sequence are
    there; outputs past them are 0.
    """
    settings = {**layer._arguments(), "weights": weights}
    y, end, trace = REFERENCES[layer.kind](x, settings, state=state, lengths=counts)
    present = np.arange(len(x))[:, None] < counts
    corners = [np.abs(rows["a"][present]).min() for rows in trace if has_corner(layer)]
    return np.where(present[..., None], y, 0), end, min(corners, default=np.inf), trace


def has_corner(layer: Layer) -> bool:
    """Whether there is a ReLU, a limit or a hard gate in it; the reference shows as "a" how far
    from its corner everything is."""
    named = any(word in repr(layer) for word in ("relu", "_clip=", "gate_slope="))
    return named or kind_of(layer).relu
