"""How near do convolutions come to the processor's limit, one row at a time?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks import core
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.peers import peer
from benchmarks.result import Result, Table
from benchmarks.speech import frames

QUESTION = "How near do convolutions come to the processor's limit, one row at a time?"
CHECKED_FRAMES = 100

Array = NDArray[np.float32]

LAYERS = {
    "pointwise 64 → 64, 20 positions": pylstm.Conv(20 * 64, 64, positions=20, seed=0),
    "129 → 128 inside a chunk, kernel 3, 4 positions": pylstm.Conv(
        4 * 129, 128, positions=4, kernel_positions=3, padding_positions=(1, 1), seed=0
    ),
    "depthwise 64, kernel 3 × 3, 20 positions": pylstm.Conv(
        20 * 64, 64, 3, positions=20, kernel_positions=3, padding="causal",
        padding_positions=(1, 1), groups=64, seed=0,
    ),
    "in time 12 → 12, kernel 3": pylstm.Conv(12, 12, 3, padding="causal", seed=0),
    "in time 40 → 64, kernel 3": pylstm.Conv(40, 64, 3, padding="causal", seed=0),
    "in time 128 → 128, kernel 3": pylstm.Conv(128, 128, 3, padding="causal", seed=0),
}  # fmt: skip

LARGE = 512
"""Rows and columns of the matrices that show what the processor can do."""


def multiply_adds(layer: pylstm.Conv) -> int:
    """Of one row, those with the zeros around it included."""
    return layer.output_positions * layer.weights["weight"].size


def large_product(layer: pylstm.Conv) -> Callable[[int], float]:
    """The lap of as many multiply-adds in a large product of matrices, by NumPy's BLAS."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((LARGE, LARGE), np.float32) for _ in range(2))
    out = np.empty_like(a)
    product = calls(partial(np.matmul, a, b, out))
    share = multiply_adds(layer) / LARGE**3

    def lap(count: int) -> float:
        products = max(1, round(count * share))
        return product(products) * count * share / products

    return lap


def torch_row(layer: pylstm.Conv) -> Callable[[Array], Array] | None:
    """One row after the other through torch.nn.functional.conv2d, the rows before kept."""
    torch = peer("torch")
    if torch is None:
        return None
    kernel = layer.kernel_size, layer.kernel_positions
    weight = torch.from_numpy(layer.weights["weight"].reshape(layer.output_channels, -1, *kernel))
    bias = torch.from_numpy(layer.weights["bias"])
    shape = 1, layer.channels, layer.kernel_size, layer.positions
    window = torch.zeros(shape)
    around = 0, layer.padding_positions[0]

    def call(x: Array) -> Array:
        window[:, :, :-1] = window[:, :, 1:].clone()
        row = torch.from_numpy(x).reshape(layer.positions, layer.channels)
        window[0, :, -1] = row.T
        y: Any = torch.nn.functional.conv2d(
            window, weight, bias, padding=around, groups=layer.groups
        )
        return y[0, :, 0].T.reshape(1, -1).numpy()

    return call


def onnxruntime_row(layer: pylstm.Conv) -> Callable[[Array], Array] | None:
    """ONNX Runtime's Conv on one thread, one row after the other; None without it."""
    ort, onnx = peer("onnxruntime"), peer("onnx")
    if ort is None or onnx is None:
        return None
    from onnx import TensorProto, helper, numpy_helper

    kernel = [layer.kernel_size, layer.kernel_positions]
    weight = layer.weights["weight"].reshape(layer.output_channels, -1, *kernel)
    window = np.zeros((1, layer.channels, layer.kernel_size, layer.positions), np.float32)
    around = layer.padding_positions[0]
    node = helper.make_node(
        "Conv",
        ["x", "W", "B"],
        ["y"],
        kernel_shape=kernel,
        group=layer.groups,
        pads=[0, around, 0, around],
    )
    shapes = {"x": window.shape, "y": (1, layer.output_channels, 1, layer.output_positions)}
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
        for name, shape in shapes.items()
    }
    tensors = {"W": weight, "B": layer.weights["bias"]}
    constants = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    graph = helper.make_graph([node], "conv", [values["x"]], [values["y"]], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def call(x: Array) -> Array:
        window[:, :, :-1] = window[:, :, 1:].copy()
        window[0, :, -1] = x.reshape(layer.positions, layer.channels).T
        y: Array = session.run(None, {"x": window})[0]
        return y[0, :, 0].T.reshape(1, -1)

    return call


PEERS = {"torch conv2d": torch_row, "ONNX Runtime run()": onnxruntime_row}


def through(step: Callable[[Array], Array], x: Array) -> Array:
    """Row by row."""
    return np.concatenate([step(row[None]) for row in x])


def run(effort: Effort) -> Result:
    table = Table("One row of a convolution", "layer", "µs", reference="as much of a large sgemm")
    notes = [
        f"Ratios are to as many multiply-adds in a product of {LARGE} × {LARGE} matrices by NumPy's"
        " BLAS on one thread: what the core can do. 1.33 × is 75 % of it.",
        "A row goes through a stream, which remembers the rows that the kernel sees.",
    ]
    reason = core.missing()
    if reason:
        notes.append(f"No C level: {reason}.")
    for label, layer in LAYERS.items():
        checked = frames(CHECKED_FRAMES, layer.input_size)
        model, one = pylstm.Model(None, [layer]), checked[:1]
        out = np.empty((1, layer.n_outputs), np.float32)
        found = [Contender("as much of a large sgemm", large_product(layer))]
        for name, made in PEERS.items():
            call, fresh = made(layer), made(layer)
            if call is not None and fresh is not None:
                answer = partial(through, fresh, checked)
                found.append(Contender(name, calls(partial(call, one)), answer))
        mine = Contender(
            "pylstm, Python",
            calls(partial(model.stream().push_frames, one, out)),
            partial(through, model.stream().push_frames, checked),
        )
        found.append(mine)
        if reason:
            table.add(label, contest(found, effort, tolerance=1e-4))
            continue
        with core.Core(model, frames=checked) as c:
            found.append(Contender("pylstm, C", c.lap("step"), c.outputs))
            table.add(label, contest(found, effort, tolerance=1e-4))
    return Result(QUESTION, [table], notes)
