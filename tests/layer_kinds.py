"""The kinds of layers, as the tests see them: one row a kind buys the tests in
tests/layers, and its layers a place in every network that tests draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import pylstm
from pylstm.layers import ACTIVATIONS, Layer
from pylstm.reference.layers import LAYERS as REFERENCES
from tests.lstm_formulas import formula_forward, formula_module, is_plain

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
    float64 part after some tens of frames."""
    layer = pylstm.LSTM(input_size, hidden_size, layer_norm=True, **settings)
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


# --- dense layers ---------------------------------------------------------------------------------


def torch_linear(layer: Any) -> Any:
    import torch

    module = torch.nn.Linear(layer.input_size, layer.output_size, layer.bias)
    module.load_state_dict({name: torch.from_numpy(w) for name, w in layer.weights.items()})
    return module


def torch_linear_forward(
    module: Any, layer: Any, x: Any, counts: Array, state: Any
) -> tuple[Any, Any]:
    y = module(x)
    if layer.activation == "softmax":
        y = y.softmax(-1)
    elif layer.activation != "linear":
        y = getattr(y, layer.activation)()
    return y, None


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
        {"gru": pylstm.GRU},
        STACK,
        torch_module=torch_recurrent,
        torch_forward=torch_recurrent_forward,
    ),
    Kind(
        pylstm.RNN,
        {f"rnn_{name}": partial(pylstm.RNN, nonlinearity=name) for name in ("tanh", "relu")},
        STACK,
        torch_module=torch_recurrent,
        torch_forward=torch_recurrent_forward,
    ),
    Kind(
        pylstm.Dense,
        {f"dense_{name}": partial(pylstm.Dense, activation=name) for name in ACTIVATIONS},
        {"bias": st.booleans()},
        torch_module=torch_linear,
        torch_forward=torch_linear_forward,
    ),
)

VARIANTS = {name: kind for kind in KINDS for name in kind.variants}
IN_TORCH = [name for name, kind in VARIANTS.items() if kind.torch_module is not None]


def make_layer(variant: str, input_size: int, width: int, **settings: Any) -> Layer:
    """A layer of one of `VARIANTS`."""
    return VARIANTS[variant].variants[variant](input_size, width, **settings)


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
