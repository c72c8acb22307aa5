"""How much of a gradient reaches the frames before the last, and along which path."""

from __future__ import annotations

from typing import Any

import numpy as np
from long_lag_tasks import Batch, Task
from numpy.typing import NDArray

import pylstm
from pylstm.train import Network

__all__ = ["carried", "gates_of", "reach", "state_gradients"]

Array = NDArray[np.float32]
KEPT_POINTS = 100


def state_gradients(net: Network, task: Task, batch: Batch) -> dict[str, Array]:
    """The gradient of the loss after the last frame with respect to every state before it.

    The sequence runs forward frame by frame, the state carried over; then backward frame by frame,
    the gradient with respect to the state carried over: at each boundary it is what
    back-propagation through time brings there.

    Returns
    -------
    dict of str to array, shape (T, B, width), float32
        ``h`` and, of an LSTM, ``c``: row t - 1 is the gradient with respect to the state after
        frame t, h and c each with the other held. The last row of ``c`` is the only one that goes
        through h of its own frame, as nothing else reads c after the last.
    """
    state, tapes = None, []
    for frame in batch.x:
        outputs, state, tape = net.forward(frame[None], state=state, training=True)
        tapes.append(tape)
    assert state is not None
    last = task.loss(outputs, batch.targets).gradient
    at_end = last[0] @ net.names["1.weight"]
    cell = isinstance(net.layers()[0], pylstm.LSTM)
    h, c = [at_end], [np.zeros_like(at_end)]
    if cell:
        outputs_gate = _last_output_gate(net, batch)
        c = [at_end * outputs_gate * (1 - np.tanh(state[0][1][0]) ** 2)]
    d_state = None
    for tape in reversed(tapes):
        _, d_state = net.backward(tape, last, d_state)
        last = np.zeros_like(last)
        h.append(d_state[0][0][0] if cell else d_state[0][0])
        if cell:
            c.append(d_state[0][1][0])
    # The last one computed is with respect to the zeros before the first frame.
    found = {"h": np.array(h[-2::-1])}
    return found | ({"c": np.array(c[-2::-1])} if cell else {})


def _last_output_gate(net: Network, batch: Batch) -> Array:
    layer = net.layers()[0]
    assert isinstance(layer, pylstm.LSTM)
    return layer.trace(batch.x)[0].o[-1]


def carried(net: Network, d_c: Array, batch: Batch) -> Array:
    r"""What the cell state alone carries: no weight and no other gate on the way.

    .. math:: \frac{\partial L}{\partial c_T} ⊙ \prod_{s = t + 1}^{T} f_s

    Parameters
    ----------
    d_c : array, shape (T, B, width)
        From `state_gradients`.

    Returns
    -------
    array, shape (T, B, width), float64
    """
    layer = net.layers()[0]
    assert isinstance(layer, pylstm.LSTM)
    f = layer.trace(batch.x)[0].f.astype(np.float64)
    products = np.ones_like(f)
    products[:-1] = np.cumprod(f[:0:-1], axis=0)[::-1]
    return d_c[-1] * products


def reach(net: Network, task: Task, batch: Batch) -> dict[str, Any]:
    """The norms of those gradients against the frame, relative to that of h at the last frame.

    Returns
    -------
    dict
        ``frame``: about 100 frames; ``h`` and, of an LSTM, ``c`` and ``carried``: the median over
        the sequences of the batch.
    """
    gradients: dict[str, Any] = dict(state_gradients(net, task, batch))
    if "c" in gradients:
        gradients["carried"] = carried(net, gradients["c"], batch)
    norms = {k: np.linalg.norm(np.float64(v), axis=2) for k, v in gradients.items()}
    at_end = norms["h"][-1]
    count = len(batch.x)
    frames = np.unique(np.linspace(1, count, min(count, KEPT_POINTS)).round().astype(int))
    return {"frame": frames.tolist()} | {
        name: [float(f"{x:.4g}") for x in np.median(values / at_end, axis=1)[frames - 1]]
        for name, values in norms.items()
    }


def gates_of(net: Network, batch: Batch) -> dict[str, Any]:
    """The inside of a trained LSTM on the first sequence of a batch of the adding problem.

    Returns
    -------
    dict
        ``memory``, (unit, span): 1 / (1 - f), f the mean forget gate over one of about 100 equal
        spans, units in the order of their mean. ``written`` and ``c``, (unit, frame): i g and the
        cell state, less those of the same sequence without marks, of the four units in which
        most of what came at a mark is left at the end.
    """
    layer = net.layers()[0]
    assert isinstance(layer, pylstm.LSTM)
    x = np.ascontiguousarray(batch.x[:, 0])
    gates = layer.trace(x)[0]
    unmarked = layer.trace(x * np.float32([1, 0]))[0]
    span = max(1, len(gates.f) // KEPT_POINTS)
    whole = len(gates.f) // span * span
    f = gates.f[:whole].astype(float).reshape(-1, span, gates.f.shape[1]).mean(axis=1)
    order = np.argsort(-f.mean(axis=0))
    written = gates.i * gates.g - unmarked.i * unmarked.g
    c = gates.c - unmarked.c
    marks = x[:, 1].nonzero()[0]
    left = np.abs(written[marks]) * [gates.f[t + 1 :].prod(axis=0) for t in marks]
    keeping = np.argsort(-left.max(axis=0))[:4]
    return {
        "marks": [(int(t), round(float(x[t, 0]), 3)) for t in marks],
        "target": round(float(batch.targets[0, 0]), 3),
        "output": round(float(net.forward(batch.x[:, :1])[0][-1, 0, 0]), 3),
        "span": span,
        "memory": [
            [float(f"{1 / max(1 - keep, 1e-6):.3g}") for keep in unit] for unit in f[:, order].T
        ],
        "written": np.round(written[:, keeping].T.astype(float), 4).tolist(),
        "c": np.round(c[:, keeping].T.astype(float), 4).tolist(),
    }
