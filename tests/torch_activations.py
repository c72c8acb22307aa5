"""Activations as PyTorch has them, under the names that pylstm has for them."""

from __future__ import annotations

from typing import Any


def torch_activation(function: str, x: Any, **parameters: Any) -> Any:
    """The function of a tensor; `parameters` as of `pylstm.Activation`."""
    import torch
    from torch.nn import functional

    if function == "linear":
        return x
    if function == "gelu_tanh":
        return functional.gelu(x, approximate="tanh")
    if function == "clipped_relu":
        return functional.hardtanh(x, parameters["low"], parameters["high"])
    if function == "leaky_relu":
        return functional.leaky_relu(x, parameters["alpha"])
    if function == "elu":
        return functional.elu(x, parameters["alpha"])
    if function == "hard_sigmoid":
        return torch.clamp(parameters["slope"] * x + parameters["offset"], 0, 1)
    if function == "log":
        return torch.log(torch.clamp(x, min=parameters["floor"]))
    if function == "sqrt":
        # A root of 0 has no gradient there: NaN.
        return torch.where(x > 0, x, torch.ones_like(x)).sqrt() * (x > 0)
    if function == "square":
        return x.square()
    if function in ("softmax", "log_softmax"):
        return getattr(functional, function)(x, dim=-1)
    return getattr(functional, function)(x)
