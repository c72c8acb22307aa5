"""The LSTM of Kaldi's nnet3 recipes (fast-lstmp; Sak et al. 2014), whose projection has two parts:
one comes back at the next step, the other only goes on.

Here it is one projection, and the columns of ``weight_hh`` for what does not come back are zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import pylstm
from tests.networks.drawn_weights import values
from tests.networks.recurrent_formulas import lstmp
from tests.networks.torch_layers import Tensors

HIDDEN, COMES_BACK, GOES_ON = 256, 64, 64
FIXED = ("lstmp1", "lstmp2")


def layer(input_size: int, seed: int) -> pylstm.LSTM:
    made = pylstm.LSTM(
        input_size, HIDDEN, proj_size=COMES_BACK + GOES_ON, peepholes=True, cell_clip=30
    )
    rng = np.random.default_rng(seed)
    weights = {name: values(name, shape, rng) for name, shape in made.shapes.items()}
    weights["weight_hh_l0"][:, COMES_BACK:] = 0
    return made.with_weights(weights)


def layers() -> dict[str, Any]:
    return {
        "lstmp1": layer(40, 1),
        "lstmp2": layer(COMES_BACK + GOES_ON, 2),
        "output": pylstm.Dense(COMES_BACK + GOES_ON, 300, "log_softmax"),
    }


def in_torch(w: dict[str, Tensors], x: Any) -> Any:
    """The memory of these weights stays within Kaldi's limit of 30."""
    import torch

    for name in ("lstmp1", "lstmp2"):
        x = lstmp(w[name], x)
    return torch.log_softmax(x @ w["output"]["weight"].T + w["output"]["bias"], 1)
