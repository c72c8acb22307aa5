"""The network of Silero VAD, with the same weights, in the other libraries: a chunk of each of
several streams at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks.lstm_peers import weights_in_onnx_order
from benchmarks.peers import peer
from tests.networks.silero_vad import ENCODER

Array = NDArray[np.float32]
Chunks = Callable[[Array], Array]
"""Takes chunks (n_streams, samples), gives probabilities (n_streams, 1), and remembers."""


def weights_of(model: pylstm.Model) -> dict[str, dict[str, Array]]:
    return {node.name: node.layer.weights for node in model.nodes}


def onnxruntime_chunks(model: pylstm.Model, n_streams: int) -> Chunks | None:
    """A session of ONNX Runtime on one thread; None without ONNX Runtime."""
    ort, onnx = peer("onnxruntime"), peer("onnx")
    if ort is None or onnx is None:
        return None
    from onnx import TensorProto, helper, numpy_helper

    w, nodes, tensors = weights_of(model), [], []

    def tensor(name: str, values: Any, dtype: Any = np.float32) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype), name))
        return name

    def node(kind: str, *inputs: str, outputs: tuple[str, ...] = (), **settings: Any) -> str:
        given = outputs or (f"{kind}_{len(nodes)}",)
        nodes.append(helper.make_node(kind, inputs, given, **settings))
        return given[0]

    basis = w["stft"]["weight"][:, 0]
    axis = tensor("axis", [1], np.int64)
    columns = node(
        "Conv",
        node("Unsqueeze", "x", axis),
        tensor("basis", basis),
        strides=[basis.shape[2] // 2],
    )
    node("Split", columns, outputs=("real", "imaginary"), axis=1, num_outputs=2)
    squares = [node("Mul", part, part) for part in ("real", "imaginary")]
    y = node("Sqrt", node("Add", *squares))
    for place, (_, stride) in enumerate(ENCODER):
        own = w[f"encoder_{place}"]
        weight = tensor(f"weight_{place}", own["weight"][:, :, 0])
        bias = tensor(f"bias_{place}", own["bias"])
        y = node("Relu", node("Conv", y, weight, bias, strides=[stride], pads=[1, 1]))
    gates = {name: weights_in_onnx_order(value) for name, value in w["lstm"].items()}
    y = node(
        "LSTM",
        node("Transpose", y, perm=[2, 0, 1]),
        tensor("W", gates["weight_ih_l0"][None]),
        tensor("R", gates["weight_hh_l0"][None]),
        tensor("B", np.concatenate([gates["bias_ih_l0"], gates["bias_hh_l0"]])[None]),
        "",
        "h",
        "c",
        outputs=("", "h_after", "c_after"),
        hidden_size=128,
    )
    h = node("Relu", node("Squeeze", "h_after", tensor("first", [0], np.int64)))
    head = node(
        "Gemm", h, tensor("head", w["head"]["weight"]), tensor("shift", w["head"]["bias"]), transB=1
    )
    node("Sigmoid", head, outputs=("y",))

    def value(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    state = (1, n_streams, 128)
    graph = helper.make_graph(
        nodes,
        "silero",
        [value("x", n_streams, model.n_features), value("h", *state), value("c", *state)],
        [value("y", n_streams, 1), value("h_after", *state), value("c_after", *state)],
        tensors,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(made)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    run = ort.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    ).run
    feed = {name: np.zeros(state, np.float32) for name in ("h", "c")}

    def call(chunks: Array) -> Array:
        feed["x"] = chunks
        y, feed["h"], feed["c"] = run(None, feed)
        return y

    return call


def torch_chunks(model: pylstm.Model, n_streams: int) -> Chunks | None:
    """Functions of torch.nn.functional and an LSTMCell; None without torch."""
    torch = peer("torch")
    if torch is None:
        return None
    from torch.nn import functional

    w = {
        name: {n: torch.from_numpy(value) for n, value in own.items()}
        for name, own in weights_of(model).items()
    }
    basis = w["stft"]["weight"][:, 0].contiguous()
    encoder = [
        (w[f"encoder_{k}"]["weight"][:, :, 0].contiguous(), w[f"encoder_{k}"]["bias"], stride)
        for k, (_, stride) in enumerate(ENCODER)
    ]
    cell = torch.nn.LSTMCell(128, 128)
    cell.load_state_dict({name.removesuffix("_l0"): v for name, v in w["lstm"].items()})
    head, state = w["head"], None

    def call(chunks: Array) -> Array:
        nonlocal state
        with torch.inference_mode():
            y = functional.conv1d(
                torch.from_numpy(chunks)[:, None], basis, stride=basis.shape[2] // 2
            )
            real, imaginary = y.chunk(2, dim=1)
            y = torch.sqrt(real * real + imaginary * imaginary)
            for weight, bias, stride in encoder:
                y = torch.relu(functional.conv1d(y, weight, bias, stride, padding=1))
            state = cell(y[:, :, 0], state)
            h = torch.relu(state[0])
            return torch.sigmoid(functional.linear(h, head["weight"], head["bias"])).numpy()

    return call


PEERS: dict[str, Callable[[pylstm.Model, int], Chunks | None]] = {
    "ONNX Runtime": onnxruntime_chunks,
    "torch": torch_chunks,
}
