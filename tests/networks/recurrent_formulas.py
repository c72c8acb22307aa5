"""Recurrent layers that PyTorch has no module for, step by step as their formulas say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.networks.torch_layers import Tensors


def stacked(w: Tensors) -> Iterator[Tensors]:
    """The weights of each layer of a stack, without the number in their names."""
    for k in range(sum(name.startswith("weight_ih") for name in w)):
        end = f"_l{k}"
        yield {name.removesuffix(end): value for name, value in w.items() if name.endswith(end)}


def gru_before(w: Tensors, x: Any, candidate: Callable[[Any], Any]) -> Any:
    """GRUs of Cho et al. 2014 over x (T, width): the reset gate acts before the product."""
    import torch

    for own in stacked(w):
        size = own["weight_hh"].shape[1]
        w_gates, w_candidate = own["weight_hh"].split([2 * size, size])
        b_gates, b_candidate = own["bias_hh"].split([2 * size, size])
        h = x.new_zeros(size)
        rows = []
        for given in x @ own["weight_ih"].T + own["bias_ih"]:
            r, z = torch.sigmoid(given[: 2 * size] + w_gates @ h + b_gates).chunk(2)
            n = candidate(given[2 * size :] + w_candidate @ (r * h) + b_candidate)
            h = z * h + (1 - z) * n
            rows.append(h)
        x = torch.stack(rows)
    return x


def lstmp(w: Tensors, x: Any) -> Any:
    """LSTMs of Sak et al. 2014 over x (T, width): diagonal peepholes, and a projection that is what
    comes out and what comes back. The output gate sees the new memory."""
    import torch

    for own in stacked(w):
        projection = own["weight_hr"]
        h, c = x.new_zeros(projection.shape[0]), x.new_zeros(projection.shape[1])
        rows = []
        for given in x @ own["weight_ih"].T + own["bias_ih"]:
            i, f, g, o = (given + own["weight_hh"] @ h + own["bias_hh"]).chunk(4)
            i = torch.sigmoid(i + own["peephole_i"] * c)
            f = torch.sigmoid(f + own["peephole_f"] * c)
            c = f * c + i * torch.tanh(g)
            o = torch.sigmoid(o + own["peephole_o"] * c)
            h = projection @ (o * torch.tanh(c))
            rows.append(h)
        x = torch.stack(rows)
    return x
