"""The MixedNet of microWakeWord (Apache-2.0, https://github.com/kahrendt/microWakeWord): depthwise
convolutions of several lengths over parts of the channels, with a short cut around each block.

Nothing is padded. Outputs of a short kernel begin earlier than those of a long one; where rows are
joined, the early ones are left out.
"""

from __future__ import annotations

from typing import Any

import pylstm
from tests.networks.torch_layers import Tensors, linear, over_time

BANDS, FIRST, CHANNELS, SECONDS = 40, 32, 64, 22
KERNELS = ((5,), (7, 11), (9, 15), (23,), (3, 5, 7, 9))


def layers() -> dict[str, Any]:
    graph: dict[str, Any] = {
        "conv": pylstm.Conv(BANDS, FIRST, 5, stride=3, bias=False, activation="relu")
    }

    def pointwise(name: str, input_size: int) -> None:
        graph[name] = pylstm.Conv(input_size, CHANNELS, bias=False)
        graph[f"{name}_norm"] = pylstm.Affine(CHANNELS)
        graph[f"{name}_relu"] = pylstm.Activation(CHANNELS, "relu")

    pointwise("wider", FIRST)
    before = "wider_relu"
    for block, kernels in enumerate(KERNELS):
        size = CHANNELS // len(kernels)
        parts = []
        for k, kernel in enumerate(kernels):
            part, conv = f"part_{block}_{k}", f"depthwise_{block}_{k}"
            graph[part] = (pylstm.Select(CHANNELS, k * size, (k + 1) * size), before)
            graph[conv] = pylstm.Conv(size, size, kernel, groups=size)
            parts.append(conv)
        if len(parts) > 1:
            graph[f"mixed_{block}"] = (pylstm.Concat(), *parts)
        pointwise(f"pointwise_{block}", CHANNELS)
        graph[f"block_{block}"] = (pylstm.Add(), f"pointwise_{block}_relu", before)
        before = f"block_{block}"
    graph["pool"] = pylstm.Pool(CHANNELS, "mean", SECONDS, stride=1)
    graph["head"] = pylstm.Dense(CHANNELS, 1, "sigmoid", bias=False)
    return graph


def in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch
    from torch.nn import functional

    def pointwise(name: str, x: Any) -> Any:
        norm = w[f"{name}_norm"]
        return torch.relu(over_time(w[name], x) * norm["weight"] + norm["bias"])

    x = torch.relu(over_time(w["conv"], x, stride=3))
    x = pointwise("wider", x)
    for block, kernels in enumerate(KERNELS):
        size = CHANNELS // len(kernels)
        parts = [
            over_time(w[f"depthwise_{block}_{k}"], part, groups=size)
            for k, part in enumerate(x.split(size, dim=1))
        ]
        last = min(map(len, parts))
        mixed = torch.cat([part[len(part) - last :] for part in parts], 1)
        x = pointwise(f"pointwise_{block}", mixed) + x[len(x) - last :]
    means = functional.avg_pool1d(x.T[None], SECONDS, stride=1)[0].T
    return torch.sigmoid(linear(w["head"], means))
