"""From the same weights, with the same data and optimiser: PyTorch's curve of losses."""

import numpy as np
import pytest

import pylstm
from tests.network_passes import TorchNetwork

pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")
pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm.train import CrossEntropy, Network
from pylstm.train.optimisers import SGD, Adam, AdamW, clip_global_norm

pytestmark = pytest.mark.slow

STEPS = 200

# Of the loss at each step. Rounding grows from step to step; where training is stable it does not
# grow far.
TOLERANCE = 1e-3


def batches():
    """Ten batches, again and again: classes of frames that the frames before decide about."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(10):
        x = rng.standard_normal((20, 8, 13), np.float32)
        lengths = rng.integers(1, 21, 8)
        lengths[0] = 20
        found.append((x, lengths, (np.cumsum(x[..., :4], axis=0).argmax(axis=2))))
    return found


CASES = {
    "adam": (
        lambda: Adam(3e-3),
        lambda torch, p: torch.optim.Adam(p, 3e-3),
        None,
    ),
    "adamw": (
        lambda: AdamW(3e-3, weight_decay=0.1),
        lambda torch, p: torch.optim.AdamW(p, 3e-3, weight_decay=0.1),
        1.0,
    ),
    "momentum": (
        lambda: SGD(0.1, momentum=0.9),
        lambda torch, p: torch.optim.SGD(p, 0.1, momentum=0.9),
        0.5,
    ),
    "nesterov": (
        lambda: SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-4),
        lambda torch, p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=1e-4),
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_curve(name):
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    ours, theirs, max_norm = CASES[name]
    layers = [pylstm.LSTM(13, 32, seed=1), pylstm.Dense(32, 4, "softmax", seed=2)]
    network, oracle = Network(layers), TorchNetwork(layers)
    parameters = list(oracle.names.values())
    here, there = ours(), theirs(torch, parameters)
    loss, data = CrossEntropy(), batches()
    curve, expected, norms = [], [], []
    for step in range(STEPS):
        x, lengths, classes = data[step % len(data)]

        outputs, _, tape = network.forward(x, lengths, training=True)
        result = loss(outputs, classes, lengths)
        network.backward(tape, result.gradient)
        norm = None
        if max_norm is not None:
            norm = clip_global_norm(network.gradients, max_norm)
        here.step(network.parameters, network.gradients)
        curve.append(result.value)

        present = torch.from_numpy(np.arange(len(x))[:, None] < lengths)
        y, _ = oracle.forward(torch.from_numpy(x), lengths, None)
        value = torch.nn.functional.cross_entropy(y[present], torch.from_numpy(classes)[present])
        there.zero_grad()
        value.backward()
        if max_norm is not None:
            total = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
            norms.append((norm, total.item()))
        there.step()
        expected.append(value.item())
    np.testing.assert_allclose(curve, expected, rtol=TOLERANCE)
    assert np.mean(curve[-10:]) < 0.8 * np.mean(curve[:10])  # something was learnt
    if norms:
        # Both sides of the limit were met.
        assert min(norms)[0] < max_norm < max(norms)[0]
        np.testing.assert_allclose(*np.array(norms).T, rtol=1e-2)
