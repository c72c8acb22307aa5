"""How close is every kind of layer to PyTorch, or to its formulas where PyTorch has none?

``python -m benchmarks.accuracy_layers`` runs each kind and its options for 1,000 steps in three
sizes with every instruction set that the processor has, and writes the table into
docs/accuracy.md.
"""

from __future__ import annotations

import os

import numpy as np

import pylstm
from benchmarks.accuracy import worst, write_section
from tests.layer_kinds import IN_TORCH, STREAMING, VARIANTS, stacked

BEGIN, END = "<!-- layers:begin -->", "<!-- layers:end -->"
STEPS = 1000
SIZES = ((3, 5), (24, 24), (40, 66))

INTRODUCTION = """\
## Layers against PyTorch

The largest absolute difference of a stream's rows over {steps} steps of normal noise with PyTorch
{torch}, or plain operations of it where it has no such module. Sizes are input → width; recurrent
kinds have two layers. The larger one of all instruction sets ({isas}).

"""


def difference(variant: str, input_size: int, width: int) -> float:
    import torch

    layer = stacked(variant, input_size, width, bidirectional=False)
    x = np.random.default_rng(1).standard_normal((STEPS, layer.input_size), np.float32)
    kind = VARIANTS[variant]
    assert kind.torch_module is not None
    assert kind.torch_forward is not None
    with torch.no_grad():
        theirs, _ = kind.torch_forward(
            kind.torch_module(layer), layer, torch.from_numpy(x[:, None]), np.array([STEPS]), None
        )
    found = 0.0
    for isa in pylstm.show_config()["isa"]["supported"]:
        os.environ["PYLSTM_ISA"] = isa
        stream = pylstm.Model(None, [layer]).stream()
        ours = np.concatenate([stream.push_frames(x), stream.flush()])
        found = max(found, worst(ours, theirs[:, 0].numpy()[: len(ours)]))
    return found


def section() -> str:
    import torch

    torch.set_num_threads(1)
    isas = ", ".join(pylstm.show_config()["isa"]["supported"])
    lines = [
        INTRODUCTION.format(steps=f"{STEPS:,}", torch=torch.__version__, isas=isas),
        "| kind | " + " | ".join(f"{i} → {w}" for i, w in SIZES) + " |",
        "|---|" + "---:|" * len(SIZES),
    ]
    for variant in IN_TORCH:
        if variant in STREAMING:
            numbers = " | ".join(f"{difference(variant, *sizes):.1e}" for sizes in SIZES)
            lines.append(f"| {variant} | {numbers} |")
    return "\n".join(lines)


if __name__ == "__main__":
    write_section(BEGIN, END, section())
