"""How long does one GRU step take, beside an LSTM's and beside reading the weights?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import pylstm
from benchmarks import core
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.lstm_peers import Array
from benchmarks.lstm_step import step_through
from benchmarks.peers import peer
from benchmarks.result import Result, Table
from benchmarks.speech import frames

QUESTION = "How long does one GRU step take, beside an LSTM's and beside reading the weights?"
CHECKED_FRAMES = 100
SHAPES = ((13, 32), (40, 64), (40, 128), (128, 256))


def torch_gru(gru: pylstm.GRU) -> Callable[[Array], Array] | None:
    """torch.nn.GRU, the frames' memory seen as a tensor, the state carried; None without torch."""
    torch = peer("torch")
    if torch is None:
        return None
    module = torch.nn.GRU(gru.input_size, gru.hidden_size)
    module.load_state_dict({k: torch.from_numpy(w) for k, w in gru.weights.items()})
    module.eval()
    state = None
    inference_mode = torch.inference_mode

    def call(frames: Array) -> Array:
        nonlocal state
        with inference_mode():
            y, state = module(torch.from_numpy(frames), state)
            return y.numpy()

    return call


def weights_in_onnx_order(weight: Array) -> Array:
    """Rows of the gates from r, z, n to ONNX's z, r, h."""
    r, z, n = np.split(weight, 3)
    return np.concatenate([z, r, n])


def onnxruntime_gru(gru: pylstm.GRU) -> Callable[[Array], Array] | None:
    """ONNX Runtime's GRU on one thread, the state carried; None without it."""
    ort, onnx = peer("onnxruntime"), peer("onnx")
    if ort is None or onnx is None:
        return None
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, shape: list[Any]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    w = {name.removesuffix("_l0"): weights_in_onnx_order(v) for name, v in gru.weights.items()}
    tensors = {
        "W": w["weight_ih"],
        "R": w["weight_hh"],
        "B": np.concatenate([w["bias_ih"], w["bias_hh"]]),
    }
    size = gru.hidden_size
    node = helper.make_node(
        "GRU",
        ["x", "W", "R", "B", "", "h"],
        ["y", "h_after"],
        hidden_size=size,
        linear_before_reset=int(gru.reset_after),
    )
    graph = helper.make_graph(
        [node],
        "gru",
        [value("x", ["T", 1, gru.input_size]), value("h", [1, 1, size])],
        [value("y", ["T", 1, 1, size]), value("h_after", [1, 1, size])],
        [numpy_helper.from_array(values[None], name) for name, values in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    h = np.zeros((1, 1, size), np.float32)

    def call(frames: Array) -> Array:
        nonlocal h
        y, h = session.run(None, {"x": frames[:, None], "h": h})
        return y.reshape(len(y), -1)

    return call


PEERS = {"torch nn.GRU": torch_gru, "ONNX Runtime run()": onnxruntime_gru}


def contenders(gru: pylstm.GRU, checked: Array) -> list[Contender]:
    """The contenders that run in this process."""
    one, found = checked[:1], []
    for name, make in PEERS.items():
        call, fresh = make(gru), make(gru)
        if call is not None and fresh is not None:
            found.append(
                Contender(name, calls(partial(call, one)), partial(step_through, fresh, checked))
            )
    model = pylstm.Model(None, [gru])
    out = np.empty((1, gru.hidden_size), np.float32)
    mine = Contender(
        "pylstm, Python",
        calls(partial(model.stream().push_frames, one, out)),
        lambda: step_through(model.stream().push_frames, checked),
    )
    return [*found, mine]


def weight_bytes(layer: pylstm.layers.Layer) -> int:
    """Bytes of the matrices that a step has to read."""
    return sum(w.nbytes for name, w in layer.weights.items() if name.startswith("weight"))


def run(effort: Effort) -> Result:
    table = Table("One GRU step", "input → hidden", "µs", reference="pylstm, Python")
    levels = Table(
        "GRU and LSTM steps beside reading their weights, at the C level",
        "layer",
        "µs",
        reference="reading the weights once",
    )
    reason = core.missing()
    for input_size, hidden_size in SHAPES:
        size = f"{input_size} → {hidden_size}"
        checked = frames(CHECKED_FRAMES, input_size)
        after = pylstm.GRU(input_size, hidden_size, seed=0)
        before = pylstm.GRU(input_size, hidden_size, reset_after=False, seed=0)
        table.add(size, contest(contenders(after, checked), effort, tolerance=1e-4))
        lstm = pylstm.LSTM(input_size, hidden_size, seed=0)
        layers = {"GRU": after, "GRU, reset before": before, "LSTM": lstm}
        for name, layer in layers.items() if reason is None else ():
            with core.Core(pylstm.Model(None, [layer]), frames=checked) as c:
                step = Contender("one step", c.lap("step"))
                read = f"read {min(weight_bytes(layer), c.memory)}"
                reading = Contender("reading the weights once", c.lap(read))
                levels.add(f"{name} {size}", contest([step, reading], effort, tolerance=0))
    notes = [
        "`pylstm, Python` is `push_frames` of one frame with `out=`.",
        "Every contender carries its state from step to step, as a stream has to.",
        "`reset before`: the reset gate acts before the product; a step runs over the units twice.",
    ]
    if reason is not None:
        return Result(QUESTION, [table], [*notes, f"No C level: {reason}."])
    return Result(QUESTION, [table, levels], notes)
