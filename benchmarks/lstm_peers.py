"""The same LSTM, with the same weights, in the other libraries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks.peers import peer

Array = NDArray[np.float32]
SHAPES = ((13, 32), (40, 64), (40, 128), (40, 256), (80, 512))


def weights_in_onnx_order(weight: Array) -> Array:
    """Rows of the gates from i, f, g, o to ONNX's i, o, f, c."""
    i, f, g, o = np.split(weight, 4)
    return np.concatenate([i, o, f, g])


def lstm_session(layers: Sequence[pylstm.layers.Layer]) -> Any:
    """An ONNX Runtime session for LSTM layers and Dense layers after them, one thread, or None.

    Inputs x (T, 1, input_size) and h0, c0, h1, c1, ... (1, 1, hidden_size), one pair a layer;
    outputs y (T, ..., n_outputs) and the states afterwards, in the same order.
    """
    ort, onnx = peer("onnxruntime"), peer("onnx")
    if ort is None or onnx is None:
        return None
    from onnx import TensorProto, helper, numpy_helper

    nodes, tensors, states_in, states_out = [], [], [], []

    def value(name: str, shape: list[Any]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def tensor(name: str, values: Any, dtype: Any = np.float32) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype), name))
        return name

    x, cell = "x", 0
    for place, layer in enumerate(layers):
        last = place == len(layers) - 1
        if isinstance(layer, pylstm.LSTM):
            for k in range(layer.num_layers):
                w = {
                    name: weights_in_onnx_order(layer.weights[f"{name}_l{k}"])
                    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                }
                inputs = [
                    x,
                    tensor(f"W{cell}", w["weight_ih"][None]),
                    tensor(f"R{cell}", w["weight_hh"][None]),
                    tensor(f"B{cell}", np.concatenate([w["bias_ih"], w["bias_hh"]])[None]),
                    "",
                    f"h{cell}",
                    f"c{cell}",
                ]
                before, after = inputs[5:], [f"h{cell}_after", f"c{cell}_after"]
                x = "y" if last and k == layer.num_layers - 1 else f"directions{cell}"
                size = layer.hidden_size
                nodes.append(helper.make_node("LSTM", inputs, [x, *after], hidden_size=size))
                if x != "y":
                    axis = tensor(f"axis{cell}", [1], np.int64)
                    nodes.append(helper.make_node("Squeeze", [x, axis], [f"y{cell}"]))
                    x = f"y{cell}"
                states_in += [value(name, [1, 1, size]) for name in before]
                states_out += [value(name, [1, 1, size]) for name in after]
                cell += 1
        else:
            assert isinstance(layer, pylstm.Dense)
            assert layer.activation == "softmax"
            weight = tensor(f"dense{place}", layer.weights["weight"].T)
            bias = tensor(f"bias{place}", layer.weights["bias"])
            product, logits, x = f"product{place}", f"logits{place}", "y"
            nodes += [
                helper.make_node("MatMul", [f"y{cell - 1}", weight], [product]),
                helper.make_node("Add", [product, bias], [logits]),
                helper.make_node("Softmax", [logits], [x], axis=-1),
            ]
    one_direction = [] if isinstance(layers[-1], pylstm.Dense) else [1]
    frame = value("x", ["T", 1, layers[0].input_size])
    row = value("y", ["T", *one_direction, 1, layers[-1].n_outputs])
    graph = helper.make_graph(nodes, "lstm", [frame, *states_in], [row, *states_out], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def onnxruntime_run(layers: Sequence[pylstm.layers.Layer]) -> Callable[[Array], Array] | None:
    """Frames in, rows out, the states carried from call to call; None without ONNX Runtime."""
    session = lstm_session(layers)
    if session is None:
        return None
    run = session.run
    feed = {i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs() if i.name != "x"}
    states = list(feed)

    def call(frames: Array) -> Array:
        feed["x"] = frames[:, None]
        y, *after = run(None, feed)
        feed.update(zip(states, after, strict=True))
        return y.reshape(len(y), -1)

    return call


def torch_lstm(lstm: pylstm.LSTM) -> Callable[[Array], Array] | None:
    """torch.nn.LSTM, the frames' memory seen as a tensor, the state carried; None without torch."""
    torch = peer("torch")
    if torch is None:
        return None
    module = torch.nn.LSTM(lstm.input_size, lstm.hidden_size, lstm.num_layers)
    module.load_state_dict({k: torch.from_numpy(w) for k, w in lstm.weights.items()})
    module.eval()
    state = None
    # Inference mode is as light as torch gets.
    inference_mode = torch.inference_mode

    def call(frames: Array) -> Array:
        nonlocal state
        with inference_mode():
            y, state = module(torch.from_numpy(frames), state)
            return y.numpy()

    return call


def torch_cell(lstm: pylstm.LSTM) -> Callable[[Array], Array] | None:
    """torch.nn.LSTMCell, frame by frame; None without torch."""
    torch = peer("torch")
    if torch is None:
        return None
    cell = torch.nn.LSTMCell(lstm.input_size, lstm.hidden_size)
    cell.load_state_dict({k[:-3]: torch.from_numpy(w) for k, w in lstm.weights.items()})
    cell.eval()
    state = None
    inference_mode = torch.inference_mode

    def call(frames: Array) -> Array:
        nonlocal state
        with inference_mode():
            state = cell(torch.from_numpy(frames), state)
            return state[0].numpy()

    return call


def weight_bytes(lstm: pylstm.LSTM) -> int:
    """Bytes of the matrices that a step has to read."""
    return sum(w.nbytes for name, w in lstm.weights.items() if name.startswith("weight"))
