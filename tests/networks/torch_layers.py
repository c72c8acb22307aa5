"""Layers in plain PyTorch, for rows as pylstm has them. `w` holds the weights of one layer."""

from __future__ import annotations

from typing import Any

Tensors = dict[str, Any]


def recurrent(module: str, w: Tensors, x: Any) -> Any:
    """`torch.nn.LSTM` or `torch.nn.GRU` over x (T, width), zeros at the start."""
    import torch

    gates = {"LSTM": 4, "GRU": 3}[module]
    num_layers = sum(name.startswith("weight_ih") for name in w)
    made = getattr(torch.nn, module)(x.shape[1], len(w["bias_ih_l0"]) // gates, num_layers)
    made.load_state_dict(w)
    return made(x)[0]


def linear(w: Tensors, x: Any) -> Any:
    """A fully connected layer."""
    return x @ w["weight"].T + w.get("bias", 0)


def over_time(w: Tensors, x: Any, left: int = 0, right: int = 0, **settings: int) -> Any:
    """`torch.nn.functional.conv1d` over x (T, channels), with zeros before and after."""
    from torch.nn import functional

    padded = functional.pad(x.T[None], (left, right))
    return functional.conv1d(padded, w["weight"], w.get("bias"), **settings)[0].T


def pictures(x: Any, positions: int) -> Any:
    """Rows (T, positions × channels) as convolutions in two dimensions take them:
    (1, channels, T, positions)."""
    return x.unflatten(1, (positions, -1)).permute(2, 0, 1)[None]


def rows(x: Any) -> Any:
    """The rows (T, positions × channels) again."""
    return x[0].permute(1, 2, 0).flatten(1)
