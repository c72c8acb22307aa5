"""How close are the cells?

``python -m benchmarks.accuracy_cells`` sweeps the gate functions over every float32, runs LSTM
stacks beside PyTorch for 1,000 steps, and writes both into docs/accuracy.md. ``--stride N`` takes
every N-th float32 only (the sweep of all takes some minutes for each kernel).
"""

import argparse
import os

import numpy as np

import pylstm

from .accuracy import write_section

BEGIN, END = "<!-- cells:begin -->", "<!-- cells:end -->"
TINY = np.finfo(np.float32).tiny
BITS_A_BLOCK = 1 << 22
SHAPES = [
    (1, 1, 1),
    (13, 32, 1),
    (13, 13, 2),
    (40, 65, 2),
    (40, 127, 3),
    (40, 128, 1),
    (40, 128, 4),
    (65, 40, 4),
    (127, 128, 2),
    (80, 512, 1),
]


def gate_error(activation: str, stride: int) -> tuple[float, float]:
    """Largest error in ULP of the float32 result, and the input where it is."""
    weights = {"weight": np.ones((1, 1), np.float32)}
    layer = pylstm.Dense(1, 1, activation, bias=False, weights=weights)
    stream = pylstm.Model(None, [layer]).stream()
    worst, where = 0.0, 0.0
    for first in range(0, 0x7F800000, BITS_A_BLOCK * stride):
        bits = np.arange(
            first, min(first + BITS_A_BLOCK * stride, 0x7F800000), stride, dtype=np.uint32
        )
        for x in (bits.view(np.float32), -bits.view(np.float32)):
            y = stream.push_frames(x[:, None])[:, 0].astype(np.float64)
            z = x.astype(np.float64)
            if activation == "tanh":
                exact = np.where(np.abs(z) < TINY, 0.0, np.tanh(z))  # subnormals are read as 0
            else:
                exact = np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))
                exact[z < -87] = y[z < -87]  # below: at most 1.7e-38, flushed to 0 in places
            unit = np.spacing(np.maximum(np.abs(exact), TINY).astype(np.float32))
            error = np.abs(y - exact) / unit
            place = int(error.argmax())
            if error[place] > worst:
                worst, where = float(error[place]), float(x[place])
    return worst, where


def lstm_error(input_size: int, hidden_size: int, num_layers: int) -> tuple[float, float]:
    """Largest difference from torch.nn.LSTM over 1,000 steps: in h, and of torch from float64."""
    import torch

    torch.set_num_threads(1)
    lstm = pylstm.LSTM(input_size, hidden_size, num_layers, seed=0)
    x = np.random.default_rng(1).standard_normal((1000, input_size)).astype(np.float32)
    ours = pylstm.Model(None, [lstm]).stream().push_frames(x)
    theirs = []
    for dtype in (torch.float32, torch.float64):
        module = torch.nn.LSTM(input_size, hidden_size, num_layers, dtype=dtype)
        state = {name: torch.from_numpy(w).to(dtype) for name, w in lstm.weights.items()}
        module.load_state_dict(state)
        with torch.no_grad():
            theirs.append(module(torch.from_numpy(x).to(dtype))[0].numpy())
    return float(np.abs(ours - theirs[0]).max()), float(np.abs(ours - theirs[1]).max())


def section(stride: int) -> str:
    import torch

    isas = pylstm.show_config()["isa"]["supported"]
    every = "every float32" if stride == 1 else f"every {stride:,}th float32"
    lines = [
        "## Gate functions",
        "",
        f"The largest error over {every}, in units in the last place of the float32 result.",
        "Subnormal numbers are flushed to zero; sigmoid below -87 is at most 1.7e-38.",
        "",
        "| kernels | sigmoid | at | tanh | at |",
        "|---|---:|---:|---:|---:|",
    ]
    rows: dict[tuple[int, int, int], list[str]] = {shape: [] for shape in SHAPES}
    for isa in isas:
        os.environ["PYLSTM_ISA"] = isa
        errors = [gate_error(activation, stride) for activation in ("sigmoid", "tanh")]
        lines.append(f"| {isa} | " + " | ".join(f"{e:.2f} | {x:.6g}" for e, x in errors) + " |")
        for shape in SHAPES:
            rows[shape].append("{:.1e} | {:.1e}".format(*lstm_error(*shape)))
    lines += [
        "",
        "## LSTM against PyTorch",
        "",
        f"The largest absolute difference in h over 1,000 steps of random input: from torch.nn.LSTM"
        f" {torch.__version__}",
        "in float32, and from the same in float64.",
        "",
        "| input, hidden, layers | " + " | ".join(f"{isa}: torch | exact" for isa in isas) + " |",
        "|---|" + "---:|---:|" * len(isas),
        *(f"| {i} → {h}, {n} | " + " | ".join(found) + " |" for (i, h, n), found in rows.items()),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stride", type=int, default=1)
    text = section(parser.parse_args().stride)
    write_section(BEGIN, END, text)


if __name__ == "__main__":
    main()
