"""LSTMs with options in plain operations of PyTorch, which has none of them: what the layers are
compared with, and what autograd differentiates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm


def is_plain(layer: pylstm.LSTM) -> bool:
    """Whether ``torch.nn.LSTM`` has all that the layer has."""
    return not (
        layer.peepholes
        or layer.coupled
        or layer.layer_norm
        or layer.gate_clip
        or layer.cell_clip
        or layer.gate_slope
    )


def formula_module(layer: pylstm.LSTM) -> Any:
    """The weights of a layer as parameters under their names."""
    import torch

    module = torch.nn.Module()
    for name, w in layer.weights.items():
        module.register_parameter(name, torch.nn.Parameter(torch.from_numpy(w.copy())))
    return module


def normalised(x: Any) -> Any:
    import torch

    return torch.nn.functional.layer_norm(x, x.shape[-1:], eps=1e-5)


def clipped(x: Any, limit: float) -> Any:
    return x.clamp(-limit, limit) if limit else x


def opened(x: Any, slope: float) -> Any:
    """A gate: a sigmoid, or a hard one; 0: no slope."""
    import torch

    return (slope * x + 0.5).clamp(0, 1) if slope else torch.sigmoid(x)


def step(layer: pylstm.LSTM, own: dict[str, Any], x: Any, h: Any, c: Any) -> tuple[Any, Any]:
    """h and c after one step of all sequences; `own` are the weights of one layer of the stack."""
    import torch

    z_x, z_h = x @ own["weight_ih"].T, h @ own["weight_hh"].T
    if layer.layer_norm:
        z_x, z_h = own["gain_ih"] * normalised(z_x), own["gain_hh"] * normalised(z_h)
    z = z_x + z_h
    if layer.bias:
        z = z + own["bias_ih"] + own["bias_hh"]
    z_i, *z_f, z_g, z_o = z.split(layer.hidden_size, -1)
    if layer.peepholes:
        z_i = z_i + own["peephole_i"] * c
        z_f = [part + own["peephole_f"] * c for part in z_f]
    slope = layer.gate_slope
    i = opened(clipped(z_i, layer.gate_clip), slope)
    f = 1 - i if layer.coupled else opened(clipped(z_f[0], layer.gate_clip), slope)
    c = clipped(f * c + i * torch.tanh(clipped(z_g, layer.gate_clip)), layer.cell_clip)
    if layer.peepholes:
        z_o = z_o + own["peephole_o"] * c
    o = opened(clipped(z_o, layer.gate_clip), slope)
    shown = c
    if layer.layer_norm:
        shown = own["gain_c"] * normalised(c)
        if layer.bias:
            shown = shown + own["bias_c"]
    h = o * torch.tanh(shown)
    return (h @ own["weight_hr"].T if layer.proj_size else h), c


def formula_forward(
    module: Any, layer: pylstm.LSTM, x: Any, counts: NDArray[Any], state: Any
) -> tuple[Any, Any]:
    """Outputs (T, B, n_outputs) and the state, as ``torch.nn.LSTM`` gives them for packed
    sequences."""
    import torch

    weights = dict(module.named_parameters())
    present = torch.from_numpy(np.arange(len(x))[:, None, None] < counts[:, None])
    if state is None:
        state = [
            torch.zeros(places, x.shape[1], width) for places, width in layer.state_shapes.values()
        ]
    ends: list[tuple[Any, Any]] = []
    for k in range(layer.num_layers):
        sides = []
        for suffix in layer.suffixes:
            end = f"_l{k}{suffix}"
            own = {n.removesuffix(end): w for n, w in weights.items() if n.endswith(end)}
            h, c = (part[len(ends)] for part in state)
            rows = [None] * len(x)
            for t in reversed(range(len(x))) if suffix else range(len(x)):
                after = step(layer, own, x[t], h, c)
                h, c = (
                    torch.where(present[t], new, old)
                    for new, old in zip(after, (h, c), strict=True)
                )
                rows[t] = torch.where(present[t], h, 0)
            ends.append((h, c))
            sides.append(torch.stack(rows))
        x = torch.cat(sides, -1)
    return x, tuple(torch.stack(parts) for parts in zip(*ends, strict=True))
