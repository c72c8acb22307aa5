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
from tests.lstm_formulas import formula_forward, formula_module, is_plain
from tests.torch_activations import torch_activation
from tests.window_layer_cases import in_torch

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


def projected(input_size: int, hidden_size: int, **settings: Any) -> Layer:
    """With a projection, which needs a hidden_size of 2 at least."""
    width = max(1, hidden_size * 2 // 3)
    return pylstm.LSTM(input_size, max(2, hidden_size), proj_size=width, **settings)


def layer_normalised(input_size: int, hidden_size: int, **settings: Any) -> Layer:
    """With small gains: those of 1 make a stack of random weights chaotic, so that float32 and
    float64 part after some tens of frames. And with a few cells at least: what layer normalisation
    makes of two is nearly the sign of their difference, whatever is left of that."""
    layer = pylstm.LSTM(input_size, max(5, hidden_size), layer_norm=True, **settings)
    for name, gain in layer.weights.items():
        if name.startswith("gain_") and "weights" not in settings:
            gain *= np.float32(0.4)
    return layer


OPTIONS = {"peepholes": True, "coupled": True, "gate_clip": 1.5, "cell_clip": 0.8}


def with_all_options(input_size: int, hidden_size: int, **settings: Any) -> Layer:
    """Everything at once but for layer normalisation, which the limits make chaotic."""
    return projected(input_size, hidden_size, **OPTIONS, **settings)


def nonlinearity(layer: Any) -> dict[str, str]:
    return {"nonlinearity": layer.nonlinearity} if isinstance(layer, pylstm.RNN) else {}


def torch_recurrent(layer: Any) -> Any:
    import torch

    if isinstance(layer, pylstm.LSTM) and not is_plain(layer):
        return formula_module(layer)
    settings = {"bias": layer.bias, "bidirectional": layer.bidirectional, **nonlinearity(layer)}
    if layer.proj_size:
        settings["proj_size"] = layer.proj_size
    module = getattr(torch.nn, type(layer).__name__)(
        layer.input_size, layer.hidden_size, layer.num_layers, **settings
    )
    module.load_state_dict({name: torch.from_numpy(w) for name, w in layer.weights.items()})
    return module


def torch_recurrent_forward(
    module: Any, layer: Any, x: Any, counts: Array, state: Any
) -> tuple[Any, Any]:
    """Sequences are packed as PyTorch packs them."""
    import torch

    if isinstance(layer, pylstm.LSTM) and not is_plain(layer):
        return formula_forward(module, layer, x, counts, state)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.from_numpy(counts), enforce_sorted=False
    )
    packed, end = module(packed, state)
    y, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, total_length=len(x))
    return y, end


def torch_gru(layer: Any) -> Any:
    """nn.GRU; of variants that it does not have a module of plain operations."""
    if layer.reset_after and layer.candidate == "tanh":
        return torch_recurrent(layer)
    return torch_plain(layer)


def torch_plain(layer: Any) -> Any:
    """A module that has the weights under their names, and nothing else."""
    import torch

    module = torch.nn.Module()
    for name, w in layer.weights.items():
        module.register_parameter(name, torch.nn.Parameter(torch.tensor(w)))
    return module


def torch_gru_forward(module: Any, layer: Any, x: Any, counts: Array, state: Any) -> Any:
    """As the formulas have it, sequence by sequence where PyTorch has no module."""
    import torch

    if isinstance(module, torch.nn.GRU):
        return torch_recurrent_forward(module, layer, x, counts, state)
    activation = {"tanh": torch.tanh, "relu": torch.relu}[layer.candidate]
    ends, place = [], 0
    for k in range(layer.num_layers):
        outputs = []
        for suffix in layer.suffixes:
            own = {
                part: getattr(module, f"{part}_l{k}{suffix}", None)
                for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            }
            w_r, w_z, w_n = own["weight_hh"].chunk(3)
            biases = [torch.zeros(1)] * 3 if own["bias_hh"] is None else own["bias_hh"].chunk(3)
            rows: list[list[Any]] = []
            for b, count in enumerate(counts):
                h = x.new_zeros(layer.hidden_size) if state is None else state[place, b]
                found = {}
                for t in reversed(range(count)) if suffix else range(count):
                    sums = torch.nn.functional.linear(x[t, b], own["weight_ih"], own["bias_ih"])
                    r, z, n = sums.chunk(3)
                    r = torch.sigmoid(r + w_r @ h + biases[0])
                    z = torch.sigmoid(z + w_z @ h + biases[1])
                    if layer.reset_after:
                        n = activation(n + r * (w_n @ h + biases[2]))
                    else:
                        n = activation(n + w_n @ (r * h) + biases[2])
                    h = found[t] = (1 - z) * n + z * h
                rows.append([found.get(t, torch.zeros_like(h)) for t in range(len(x))])
                ends.append(h)
            outputs.append(torch.stack([torch.stack(row) for row in rows], 1))
            place += 1
        x = torch.cat(outputs, -1)
    return x, torch.stack(ends).reshape(place, len(counts), -1)


# --- dense layers ---------------------------------------------------------------------------------


def torch_linear(layer: Any) -> Any:
    import torch

    module = torch.nn.Linear(layer.input_size, layer.output_size, layer.bias)
    module.load_state_dict({name: torch.from_numpy(w) for name, w in layer.weights.items()})
    return module


def torch_linear_forward(
    module: Any, layer: Any, x: Any, counts: Array, state: Any
) -> tuple[Any, Any]:
    return torch_activation(layer.activation, module(x)), None


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


def torch_weights(layer: Any) -> Any:
    """A module that has the layer's weights, and nothing else."""
    import torch

    module = torch.nn.Module()
    for name, weight in layer.weights.items():
        module.register_parameter(name, torch.nn.Parameter(torch.from_numpy(weight.copy())))
    return module


def torch_norm(module: Any, layer: Any, x: Any, counts: Array, state: Any) -> tuple[Any, Any]:
    import torch

    parts = x.unflatten(-1, (layer.positions, -1))
    weights = (module.weight, module.bias) if layer.affine else (None, None)
    # What float32 leaves of a difference from the mean is no yardstick where that is nearly 0.
    wide = [None if weight is None else weight.double() for weight in weights]
    y = torch.nn.functional.layer_norm(parts.double(), parts.shape[-1:], *wide, layer.eps)
    return y.float().flatten(-2), None


def torch_affine(module: Any, layer: Any, x: Any, counts: Array, state: Any) -> tuple[Any, Any]:
    shape = {"element": (layer.positions, -1), "channel": (1, -1), "position": (-1, 1)}[layer.per]
    y = x.unflatten(-1, (layer.positions, -1)) * module.weight.reshape(shape)
    return (y + module.bias.reshape(shape) if layer.bias else y).flatten(-2), None


def torch_function(module: Any, layer: Any, x: Any, counts: Array, state: Any) -> tuple[Any, Any]:
    if layer.function != "prelu":
        names = ("alpha", "low", "high", "slope", "offset", "floor")
        return torch_activation(
            layer.function, x, **{name: getattr(layer, name) for name in names}
        ), None
    slopes = module.weight.repeat(x.shape[-1] // len(module.weight))
    return x.clamp(min=0) + slopes * x.clamp(max=0), None


def torch_select(module: Any, layer: Any, x: Any, counts: Array, state: Any) -> tuple[Any, Any]:
    parts = x.unflatten(-1, (layer.positions, -1))
    return parts[..., layer.start : layer.stop].flatten(-2), None


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


def torch_window(module: Any, layer: Any, x: Any, counts: Array, state: Any) -> tuple[Any, Any]:
    import torch

    weights = dict(module.named_parameters())
    return torch.stack([in_torch(layer, x[:, b], weights) for b in range(x.shape[1])], 1), None


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
        STACK,
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
        STACK,
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
    """Whether there is a ReLU or a limit in it; the reference shows as "a" how far from its corner
    everything is."""
    return "relu" in repr(layer) or "_clip=" in repr(layer) or kind_of(layer).relu
