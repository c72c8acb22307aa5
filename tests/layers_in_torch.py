"""The layers of tests/layer_kinds.py as PyTorch computes them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

import pylstm
from tests.lstm_formulas import formula_forward, formula_module, is_plain, opened
from tests.torch_activations import torch_activation
from tests.window_layer_cases import in_torch

Array = NDArray[Any]


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
    if layer.reset_after and layer.candidate == "tanh" and not layer.gate_slope:
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
                    r = opened(r + w_r @ h + biases[0], layer.gate_slope)
                    z = opened(z + w_z @ h + biases[1], layer.gate_slope)
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


def torch_linear(layer: Any) -> Any:
    import torch

    module = torch.nn.Linear(layer.input_size, layer.output_size, layer.bias)
    module.load_state_dict({name: torch.from_numpy(w) for name, w in layer.weights.items()})
    return module


def torch_linear_forward(
    module: Any, layer: Any, x: Any, counts: Array, state: Any
) -> tuple[Any, Any]:
    return torch_activation(layer.activation, module(x)), None


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


def torch_window(module: Any, layer: Any, x: Any, counts: Array, state: Any) -> tuple[Any, Any]:
    import torch

    weights = dict(module.named_parameters())
    return torch.stack([in_torch(layer, x[:, b], weights) for b in range(x.shape[1])], 1), None
