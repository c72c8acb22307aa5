"""A detector of speech of the layers that small ones have today: depthwise and pointwise
convolutions over 40 bands with strides and zeros on one side, a maximum, two LSTMs side by side."""

from __future__ import annotations

from typing import Any

import pylstm
from tests.networks.torch_layers import Tensors, linear, pictures, recurrent, rows

BANDS = 40
CHANNELS = 16
ONE_SIDE = (0, 1)


def layers() -> dict[str, Any]:
    conv = pylstm.Conv(
        BANDS,
        CHANNELS,
        3,
        padding="causal",
        activation="relu",
        positions=BANDS,
        kernel_positions=3,
        padding_positions=(1, 1),
    )
    graph: dict[str, Any] = {"conv": conv}
    graph["pool"] = pool = pylstm.Pool(
        conv.n_outputs,
        "max",
        positions=BANDS,
        kernel_positions=3,
        stride_positions=2,
        padding_positions=ONE_SIDE,
    )
    width, positions = pool.n_outputs, pool.output_positions
    for k in range(2):
        graph[f"depthwise_{k}"] = depthwise = pylstm.Conv(
            width,
            CHANNELS,
            groups=CHANNELS,
            bias=False,
            positions=positions,
            kernel_positions=3,
            stride_positions=2,
            padding_positions=ONE_SIDE,
        )
        width, positions = depthwise.n_outputs, depthwise.output_positions
        graph[f"pointwise_{k}"] = pylstm.Conv(
            width, CHANNELS, activation="relu", positions=positions
        )
    graph["lstm1"] = pylstm.LSTM(width, 64)
    graph["lstm2"] = pylstm.LSTM(64, 64)
    graph["both"] = (pylstm.Concat(), "lstm1", "lstm2")
    graph["dense"] = pylstm.Dense(128, 32, "relu")
    graph["head"] = pylstm.Dense(32, 1, "sigmoid")
    return graph


def in_torch(w: dict[str, Tensors], x: Any) -> Any:
    import torch
    from torch.nn import functional

    y = functional.pad(pictures(x, BANDS), (1, 1, 2, 0))
    y = torch.relu(functional.conv2d(y, w["conv"]["weight"], w["conv"]["bias"]))
    y = functional.pad(y, ONE_SIDE, value=-torch.inf)
    y = functional.max_pool2d(y, (1, 3), stride=(1, 2))
    for k in range(2):
        y = functional.pad(y, ONE_SIDE)
        y = functional.conv2d(y, w[f"depthwise_{k}"]["weight"], stride=(1, 2), groups=CHANNELS)
        weight, bias = (w[f"pointwise_{k}"][part] for part in ("weight", "bias"))
        y = torch.relu(functional.conv2d(y, weight[..., None], bias))
    first = recurrent("LSTM", w["lstm1"], rows(y))
    both = torch.cat([first, recurrent("LSTM", w["lstm2"], first)], 1)
    return torch.sigmoid(linear(w["head"], torch.relu(linear(w["dense"], both))))
